"""From a prompt to a draft that the filter has judged: the model writes, the tweet is composed."""

from __future__ import annotations

import logging
import random
import secrets
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle, islice
from typing import TYPE_CHECKING

from gpt2bot.errors import ConfigurationError, NoCandidateError, UsageError
from gpt2bot.gpt2.download.registry import DEMO, default_model, find_model
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
    "check_settings",
    "chosen_model",
    "draft_tweet",
    "sample",
    "sample_raw",
]

logger = logging.getLogger(__name__)

DEMO_NOTICE = (
    "the model `demo` only shows how the bot works: `gpt2bot download 124M` fetches a real one, and"
    " 774M writes better where memory allows"
)


@dataclass(frozen=True)
class Written:
    """What a model wrote after a prompt, and the seed that gives it again."""

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
    """Gives what the model writes, as it is."""
    prompts = _prompts(settings) if prompt is None else [Prompt(prompt, settings.tweets.label)]
    return _write(settings, islice(cycle(prompts), nsamples), seed, is_raw=True)


def sample(
    settings: Settings, *, nsamples: int, prompt: str | None, seed: int | None
) -> Iterator[Candidate]:
    """Drafts tweets until `nsamples` are accepted, and gives every candidate on the way.

    What the bot posted is not looked at, so that a seed gives the same tweets at any time.

    Raises:
        NoCandidateError: Too many candidates in a row were rejected.
    """
    turns = cycle(_prompts(settings, prompt))
    return _draft(settings, turns, nsamples=nsamples, seed=seed)


def draft_tweet(
    settings: Settings,
    *,
    prompt: str | None,
    history: Sequence[str],
    last_uses: Mapping[str, int],
) -> Iterator[Candidate]:
    """Drafts one tweet: gives every candidate on the way, and at last the one that is accepted.

    A round is a batch of candidates for one prompt, and the next round is for the next prompt: one
    to which the model has nothing good to say does not keep the bot from posting.

    Args:
        settings: Of the bot.
        prompt: What the tweet begins with, instead of a configured prompt.
        history: The texts that it must not be like.
        last_uses: For each prompt when it was used last, as a number that grows.

    Raises:
        NoCandidateError: Nothing passed the filter.
    """
    prompts = order_prompts(_prompts(settings, prompt), last_uses, random.SystemRandom())
    rounds = cycle(p for p in prompts for _ in range(settings.sampling.candidates))
    return _draft(settings, rounds, nsamples=1, seed=None, history=history)


def check_settings(settings: Settings) -> list[Prompt]:
    """Whether the rooms accept what they are told; the prompts that tweets begin with.

    Raises:
        ConfigurationError: A setting is wrong.
    """
    return _prompts(settings)


def chosen_model(settings: Settings) -> tuple[str, Path]:
    """The name of the model that writes, and its folder.

    Raises:
        ModelMissingError: It is not here.
    """
    name = settings.model or default_model(settings.models_dir)
    return name, find_model(name, settings.models_dir)


def _draft(
    settings: Settings,
    prompts: Iterable[Prompt],
    *,
    nsamples: int,
    seed: int | None,
    history: Sequence[str] = (),
) -> Iterator[Candidate]:
    """Gives candidates until as many as wanted were accepted, or too many in a row rejected."""
    filter_, known = Filter(settings.filter), list(history)
    longest_streak = settings.tweets.max_rounds * settings.sampling.candidates
    rejected: list[Verdict] = []
    for written in _write(settings, prompts, seed):
        draft = compose(written.prompt.text, written.continuation, written.prompt.label)
        verdict = filter_.judge(draft, known)
        yield Candidate(verdict, written.model, written.seed)
        if verdict.accepted:
            known.append(draft.text)
            rejected.clear()
            nsamples -= 1
        else:
            rejected.append(verdict)
        if nsamples == 0:
            return
        if len(rejected) == longest_streak:
            raise NoCandidateError(_counted(rejected))


def _write(
    settings: Settings,
    prompts: Iterable[Prompt],
    seed: int | None,
    *,
    is_raw: bool = False,
) -> Iterator[Written]:
    """Lets the model continue each prompt, a batch at a time. No text depends on its batch.

    Unless raw text is wanted, a text is left off where it is enough for a tweet.
    """
    name, folder = chosen_model(settings)
    if name == DEMO:
        logger.info(DEMO_NOTICE)
    from gpt2bot.gpt2 import GPT2
    from gpt2bot.gpt2.generate import row_seeds

    model = GPT2.load(
        folder,
        engine=settings.engine,
        precision=settings.precision,
        threads=settings.threads,
    )
    seed = secrets.randbits(32) if seed is None else seed
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


def _stopping_criterion(batch: Sequence[Prompt], row: int, text: str) -> bool:
    return stopping_criterion(batch[row].text, text, batch[row].label)


def _prompts(settings: Settings, prompt: str | None = None) -> list[Prompt]:
    """The prompt that is asked for, else those of the configuration; checked."""
    tweets = settings.tweets
    try:
        label = check_label(tweets.label, is_disclosure=tweets.label_is_disclosure)
    except ValueError as error:
        raise ConfigurationError(f"tweets.label: {error}") from error
    if prompt is not None:
        try:
            return [check_prompt(prompt, label)]
        except ValueError as error:
            raise UsageError(f"--prompt: {error}") from error
    if tweets.prompts_file:
        return read_prompts(
            tweets.prompts_file, label, label_is_disclosure=tweets.label_is_disclosure
        )
    try:
        return [check_prompt(text, label) for text in tweets.prompts or DEFAULT_PROMPTS]
    except ValueError as error:
        raise ConfigurationError(f"tweets.prompts: {error}") from error


def _counted(rejected: Sequence[Verdict]) -> str:
    """Says how often which rule was broken."""
    rules = Counter(reason.rule for verdict in rejected for reason in verdict.reasons)
    counts = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
    return (
        f"none of {len(rejected)} candidates passed the filter, which found: {counts};"
        " run it again, or use other prompts or a larger model"
    )
