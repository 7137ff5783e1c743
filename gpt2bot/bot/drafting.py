"""From a prompt to a draft judged by the filter: the model writes and the tweet is composed."""

from __future__ import annotations

import logging
import random
import secrets
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle, islice
from typing import TYPE_CHECKING

from gpt2bot.bot.rejections import check_context, check_prompts, explain_rejections
from gpt2bot.errors import (
    ConfigurationError,
    GPT2BotError,
    ModelMissingError,
    NoCandidateError,
    UsageError,
)
from gpt2bot.gpt2.download.registry import DEMO, default_model, find_model, own_models
from gpt2bot.tweets.compose import compose, stopping_criterion
from gpt2bot.tweets.filter import Filter, Verdict
from gpt2bot.tweets.label import check_label
from gpt2bot.tweets.prompts import (
    DEFAULT_PROMPTS,
    Prompt,
    check_prompt,
    order_prompts,
    read_prompts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gpt2bot.config import Settings

__all__ = [
    "Candidate",
    "Written",
    "check_may_post",
    "check_room",
    "check_settings",
    "chosen_model",
    "draft_tweet",
    "sample",
    "sample_raw",
]

logger = logging.getLogger(__name__)

DEMO_NOTICE = (
    'using the small bundled model `demo`, which posts only if you set `model = "demo"`:'
    " `gpt2bot download 124M` fetches a larger one, and 774M writes better if memory allows"
)


@dataclass(frozen=True)
class Written:
    """What a model wrote after a prompt, and the seed that reproduces it."""

    prompt: Prompt
    continuation: str
    model: str
    seed: int


@dataclass(frozen=True)
class Candidate:
    """A draft with the filter's verdict, and what it was made of."""

    verdict: Verdict
    model: str
    seed: int


def sample_raw(
    settings: Settings, *, nsamples: int, prompt: str | None, seed: int | None
) -> Iterator[Written]:
    """Yields the raw text of the model. The prompts take turns as in `sample`.

    Raises:
        UsageError: The prompt leaves no room in the model's context.
        ConfigurationError: A configured prompt leaves no room.
    """
    prompts = _prompts(settings) if prompt is None else [Prompt(prompt, settings.tweets.label)]
    check_room(settings, prompts, prompt)
    seed = _seed(seed)
    return _write(settings, islice(_turns(prompts, seed), nsamples), seed, is_raw=True)


def sample(
    settings: Settings, *, nsamples: int, prompt: str | None, seed: int | None
) -> Iterator[Candidate]:
    """Drafts tweets until `nsamples` are accepted, and yields every candidate on the way.

    The prompts take turns, in an order that depends on the seed. Tweets that the bot posted are
    ignored, so that a seed gives the same tweets at any time.

    Raises:
        NoCandidateError: Too many candidates in a row were rejected.
        UsageError: No tweet can begin with the prompt.
        ConfigurationError: No tweet can begin with a configured prompt.
    """
    seed = _seed(seed)
    turns = _turns(_usable_prompts(settings, prompt), seed)
    return _draft(settings, turns, nsamples=nsamples, seed=seed)


def draft_tweet(
    settings: Settings,
    *,
    prompt: str | None,
    history: Sequence[str],
    last_uses: Mapping[str, int],
) -> Iterator[Candidate]:
    """Drafts one tweet: yields every candidate, the accepted one last.

    A round is a batch of candidates for one prompt. Each round uses the next prompt, so that a
    prompt to which the model writes nothing good does not keep the bot from posting.

    Args:
        settings: The settings of the bot.
        prompt: What the tweet begins with, instead of a configured prompt.
        history: The bodies of earlier tweets that it must not resemble.
        last_uses: When each prompt was last used, as a growing number.

    Raises:
        NoCandidateError: Nothing passed the filter.
        UsageError: No tweet can begin with the prompt.
        ConfigurationError: No tweet can begin with a configured prompt, or another setting is
            wrong.
    """
    prompts = order_prompts(_usable_prompts(settings, prompt), last_uses, random.SystemRandom())
    rounds = cycle(p for p in prompts for _ in range(settings.sampling.candidates))
    return _draft(settings, rounds, nsamples=1, seed=_seed(None), history=history)


def check_settings(settings: Settings, prompt: str | None = None) -> list[Prompt]:
    """Returns the prompts, after checking that a tweet that passes the filter can begin with each.

    Args:
        settings: The settings of the bot.
        prompt: Used instead of the configured prompts.

    Raises:
        UsageError: No tweet can begin with the prompt.
        ConfigurationError: No tweet can begin with a configured prompt, or the label is wrong.
    """
    prompts = _prompts(settings, prompt)
    try:
        check_prompts(prompts, settings)
    except ValueError as error:
        raise _prompt_error(settings, prompt, error) from error
    return prompts


def check_room(settings: Settings, prompts: Iterable[Prompt], prompt: str | None = None) -> int:
    """Returns the size of the model's context in tokens, after checking that each prompt fits.

    Raises:
        UsageError: `prompt`, which replaces the configured prompts, leaves no room.
        ConfigurationError: A configured prompt leaves no room.
        ModelError: The model is missing or incomplete.
    """
    _, folder = chosen_model(settings)
    try:
        return check_context(prompts, folder)
    except ValueError as error:
        raise _prompt_error(settings, prompt, error) from error


def chosen_model(settings: Settings) -> tuple[str, Path]:
    """The name of the model that writes, and its folder.

    Raises:
        ModelMissingError: It is not found.
    """
    name = settings.model or default_model(settings.models_dir)
    return name, find_model(name, settings.models_dir)


def _seed(seed: int | None) -> int:
    """The given seed, or a random one."""
    return secrets.randbits(32) if seed is None else seed


def _turns(prompts: Iterable[Prompt], seed: int) -> Iterator[Prompt]:
    """The prompts in an endless cycle, in an order that depends only on the seed."""
    return cycle(order_prompts(prompts, {}, random.Random(seed)))  # noqa: S311 - no secret


def check_may_post(settings: Settings) -> None:
    """Checks whether texts of the chosen model may be posted.

    Raises:
        ModelMissingError: The model is `demo`, and the owner has not named it.
    """
    if settings.model is not None or default_model(settings.models_dir) != DEMO:
        return
    demo = f'"{DEMO}", the small bundled model'
    where = settings.file or "config.toml"
    if own := own_models(settings.models_dir):
        advice = f"set it in {where} to a model of your own ({', '.join(own)}) or to {demo}"
    else:
        advice = f"run `gpt2bot download 124M`, or set it in {where} to {demo}"
    raise ModelMissingError(
        f"`model` is not set, and {settings.models_dir} contains no published model: {advice}"
    )


def _draft(
    settings: Settings,
    prompts: Iterable[Prompt],
    *,
    nsamples: int,
    seed: int,
    history: Sequence[str] = (),
) -> Iterator[Candidate]:
    """Yields candidates until `nsamples` are accepted or too many in a row are rejected."""
    filter_, known = Filter(settings.filter), list(history)
    longest_streak = settings.tweets.max_rounds * settings.sampling.candidates
    rejected: list[Verdict] = []
    for written in _write(settings, prompts, seed):
        draft = compose(written.prompt.text, written.continuation, written.prompt.label)
        verdict = filter_.judge(draft, known)
        yield Candidate(verdict, written.model, written.seed)
        if verdict.accepted:
            known.append(draft.body)
            rejected.clear()
            nsamples -= 1
        else:
            rejected.append(verdict)
        if nsamples == 0:
            return
        if len(rejected) == longest_streak:
            raise NoCandidateError(explain_rejections(rejected, settings))


def _write(
    settings: Settings,
    prompts: Iterable[Prompt],
    seed: int,
    *,
    is_raw: bool = False,
) -> Iterator[Written]:
    """Lets the model continue each prompt, a batch at a time. No text depends on its batch.

    Unless raw text is wanted, a text stops once it is long enough for a tweet.
    """
    name, folder = chosen_model(settings)
    if settings.model is None:
        _tell_of_choice(settings, name)
    if is_raw:
        logger.info("the model is %s", name)
    from gpt2bot.gpt2 import GPT2
    from gpt2bot.gpt2.generate import row_seeds

    model = GPT2.load(
        folder,
        engine=settings.engine,
        precision=settings.precision,
        threads=settings.threads,
    )
    remaining = iter(prompts)
    for start in count(step=settings.sampling.candidates):
        batch = list(islice(remaining, settings.sampling.candidates))
        if not batch:
            return
        seeds = row_seeds(seed, len(batch), start)
        texts = model.generate(
            [prompt.text for prompt in batch],
            sampling=settings.sampling,
            seed=seeds,
            stopping_criterion=None if is_raw else partial(_stopping_criterion, batch),
        )
        for prompt, text, own_seed in zip(batch, texts, seeds, strict=True):
            yield Written(prompt, text, name, own_seed)


def _tell_of_choice(settings: Settings, name: str) -> None:
    """Logs which model is used if the owner has not named one."""
    if own := own_models(settings.models_dir):
        logger.info(
            "`model` is not set, so %s is used; set it to use another model: %s",
            name,
            ", ".join(own),
        )
    elif name == DEMO:
        logger.info(DEMO_NOTICE)


def _stopping_criterion(batch: Sequence[Prompt], row: int, text: str) -> bool:
    return stopping_criterion(batch[row].text, text, batch[row].label)


def _usable_prompts(settings: Settings, prompt: str | None) -> list[Prompt]:
    prompts = check_settings(settings, prompt)
    check_room(settings, prompts, prompt)
    return prompts


def _prompts(settings: Settings, prompt: str | None = None) -> list[Prompt]:
    """The given prompt, or those of the configuration; checked."""
    tweets = settings.tweets
    try:
        label = check_label(tweets.label, is_disclosure=tweets.label_is_disclosure)
    except ValueError as error:
        raise ConfigurationError(f"tweets.label: {error}") from error
    if prompt is None and tweets.prompts_file:
        return read_prompts(
            tweets.prompts_file, label, label_is_disclosure=tweets.label_is_disclosure
        )
    texts = (tweets.prompts or DEFAULT_PROMPTS) if prompt is None else (prompt,)
    try:
        return [check_prompt(text, label) for text in texts]
    except ValueError as error:
        raise _prompt_error(settings, prompt, error) from error


def _prompt_error(settings: Settings, prompt: str | None, error: ValueError) -> GPT2BotError:
    """The error for a bad prompt, which depends on where the prompt comes from."""
    if prompt is not None:
        return UsageError(f"--prompt: {error}")
    return ConfigurationError(f"{settings.tweets.prompts_file or 'tweets.prompts'}: {error}")
