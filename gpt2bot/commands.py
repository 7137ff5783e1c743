"""The commands: what each takes, and how its result is shown. Their docstrings are the help."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003 - Fire's values are read by the annotations
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from gpt2bot.errors import CheckError, UsageError
from gpt2bot.terminal import say, show

__all__ = ["COMMANDS"]

AtLeastOne = Annotated[int, Ge(1)]
Rows = Annotated[int, Ge(1), Le(1_000_000)]  # SQLite takes no number of any size
NotNegative = Annotated[int, Ge(0)]
Positive = Annotated[float, Gt(0)]
Share = Annotated[float, Gt(0), Le(1)]


def download(model: str, *, base_url: str | None = None, config: Path | None = None) -> None:
    """Fetches a model that OpenAI published, and compiles it.

    A download that was interrupted goes on where it was.

    Args:
        model: 124M, 355M, 774M or 1558M.
        base_url: A mirror to fetch it from, instead of the configured one.
        config: The configuration file.
    """
    from gpt2bot.config import load_settings
    from gpt2bot.gpt2.compiled.compile import compile_model
    from gpt2bot.gpt2.download import download as fetch

    settings = load_settings(config)
    url = base_url or settings.download.base_url
    folder = fetch(model, settings.models_dir, base_url=url, say=say)
    compile_model(folder, precision=settings.precision, say=say)
    show(str(folder))


def sample(
    *,
    prompt: str | None = None,
    nsamples: AtLeastOne = 1,
    raw: bool = False,
    seed: NotNegative | None = None,
    top_k: NotNegative | None = None,
    top_p: Share | None = None,
    temperature: Positive | None = None,
    length: AtLeastOne | None = None,
    model: str | None = None,
    json: bool = False,
    verbose: bool = False,
    config: Path | None = None,
) -> None:
    """Shows tweets as they would be posted, and posts nothing.

    What is not given is as configured.

    Args:
        prompt: What the tweets begin with.
        nsamples: How many tweets; 1 if not given.
        raw: Shows what the model writes, neither cut nor filtered nor labelled.
        seed: The same seed gives the same tweets.
        top_k: Each token is drawn from the N likeliest ones; 0 stands for all.
        top_p: Each token is drawn from the likeliest ones that together have this probability.
        temperature: Below 1 likely tokens become likelier, above 1 less so.
        length: The most tokens that the model adds to the prompt.
        model: The model's name.
        json: Prints a JSON object a line.
        verbose: Shows what the filter rejected, too, and why.
        config: The configuration file.
    """
    from gpt2bot import drafting
    from gpt2bot.config import load_settings
    from gpt2bot.render import render_candidate, render_raw

    settings = load_settings(config)
    sampling = _given(top_k=top_k, top_p=top_p, temperature=temperature, length=length)
    settings = settings.model_copy(
        update=_given(model=model) | {"sampling": settings.sampling.model_copy(update=sampling)}
    )
    if raw:
        texts = drafting.sample_raw(settings, say, nsamples=nsamples, prompt=prompt, seed=seed)
        blocks = (render_raw(written, as_json=json) for written in texts)
    else:
        drafts = drafting.sample(settings, say, nsamples=nsamples, prompt=prompt, seed=seed)
        shown = (draft for draft in drafts if verbose or draft.verdict.accepted)
        blocks = (render_candidate(candidate, as_json=json) for candidate in shown)
    separator = "" if json else "---\n" if raw else "\n"
    for number, block in enumerate(blocks):
        show(separator * bool(number) + block)


def post(
    *,
    dry_run: bool = False,
    prompt: str | None = None,
    json: bool = False,
    config: Path | None = None,
) -> None:
    """Writes a tweet, filters it, labels it and posts it to X.

    A tweet that an earlier run could not post goes first.

    Args:
        dry_run: Shows the tweet and posts nothing; needs no keys and changes nothing.
        prompt: What the tweet begins with, instead of a configured prompt.
        json: Prints a JSON object.
        config: The configuration file.
    """
    from gpt2bot import bot
    from gpt2bot.config import load_settings
    from gpt2bot.render import render_result

    settings = load_settings(config)
    for warning in settings.warnings:
        say(f"warning: {warning}")
    result = (bot.dry_run if dry_run else bot.post)(settings, say, prompt=prompt)
    show(render_result(result, as_json=json))


def compile(  # noqa: A001 (the name on the command line)
    model: str,
    *,
    precision: str | None = None,
    discard_checkpoint: bool = False,
    config: Path | None = None,
) -> None:
    """Compiles a model, so that it generates fast and starts at once.

    A download, a training and the first use do this by themselves.

    Args:
        model: The model's name.
        precision: Of the weights: int8 or float32. What is not given is as configured.
        discard_checkpoint: Deletes the float32 weights then, which only training needs.
        config: The configuration file.
    """
    from gpt2bot.config import load_settings
    from gpt2bot.gpt2.compiled import compile as compiling
    from gpt2bot.gpt2.registry import DEMO, find_model

    settings = load_settings(config)
    if discard_checkpoint and model == DEMO:
        raise UsageError("the model in the box keeps its checkpoint")
    folder = find_model(model, settings.models_dir)
    precision = precision or settings.precision
    artifacts = compiling.compile_model(folder, precision=precision, say=say)
    if discard_checkpoint:
        freed = compiling.discard_checkpoint(folder, precision)
        say(f"discarded the checkpoint of {model}, which frees {freed / 1e9:.1f} GB")
    show(str(artifacts.folder))


def status(*, json: bool = False, config: Path | None = None) -> None:
    """Shows how the bot is doing; asks nobody and changes nothing.

    Args:
        json: Prints a JSON object.
        config: The configuration file.
    """
    from gpt2bot.bot import owner_limits
    from gpt2bot.config import load_settings
    from gpt2bot.posting.status import read_status
    from gpt2bot.render import render_status

    settings = load_settings(config)
    found = read_status(settings.state_dir, owner_limits(settings), time.time())
    show(render_status(found, as_json=json))


def history(*, limit: Rows = 20, json: bool = False, config: Path | None = None) -> None:
    """Shows the last tweets and what became of each, the newest first.

    Args:
        limit: How many tweets; 20 if not given.
        json: Prints a JSON object a line.
        config: The configuration file.
    """
    from gpt2bot.config import load_settings
    from gpt2bot.posting.status import read_history
    from gpt2bot.render import render_entry

    entries = read_history(load_settings(config).state_dir, limit)
    if not entries:
        say("nothing was drafted yet")
    for number, entry in enumerate(entries):
        show("\n" * (number > 0 and not json) + render_entry(entry, as_json=json))


def check(*, online: bool = False, config: Path | None = None) -> None:
    """Looks whether all is well, and says what to do where it is not.

    It never posts, and changes nothing.

    Args:
        online: Tries the keys, too: reads the account's posts of the last minute, at $0.001 each.
        config: The configuration file.
    """
    from gpt2bot.check import check as look
    from gpt2bot.render import render_finding

    troubles = []
    for finding in look(config, online=online):
        show(render_finding(finding))
        troubles += [finding.error] if finding.error else []
    if troubles:
        raise CheckError(troubles)


def train(
    *file: Path,
    name: str,
    base: str | None = None,
    epochs: Positive | None = None,
    batch_size: AtLeastOne | None = None,
    learning_rate: Positive | None = None,
    n_vocab: AtLeastOne | None = None,
    n_ctx: AtLeastOne | None = None,
    n_embd: AtLeastOne | None = None,
    n_head: AtLeastOne | None = None,
    n_layer: AtLeastOne | None = None,
    seed: NotNegative | None = None,
    config: Path | None = None,
) -> None:
    """Trains a model on text files, from scratch or from another model.

    A training that was interrupted goes on where it was. The size (n-vocab to n-layer) is that of a
    model from scratch.

    Args:
        file: Text, an item a line or items between blank lines, or CSV.
        name: The new model's name.
        base: The model to go on from, instead of starting from scratch.
        epochs: Passes over the texts.
        batch_size: Sequences a step.
        learning_rate: At its peak.
        n_vocab: Tokens in the vocabulary.
        n_ctx: Tokens in the context.
        n_embd: Width.
        n_head: Attention heads.
        n_layer: Layers.
        seed: The same seed on the same machine gives the same model.
        config: The configuration file.
    """
    from gpt2bot.config import load_settings
    from gpt2bot.gpt2.compiled.compile import compile_model
    from gpt2bot.gpt2.registry import check_name, find_model
    from gpt2bot.gpt2.training.config import TrainConfig
    from gpt2bot.gpt2.training.train import train as run

    settings = load_settings(config)
    folder = settings.models_dir / check_name(name)
    given = _given(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        n_vocab=n_vocab,
        n_ctx=n_ctx,
        n_embd=n_embd,
        n_head=n_head,
        n_layer=n_layer,
        seed=seed,
    )
    base_folder = find_model(base, settings.models_dir) if base else None
    run(file, folder, TrainConfig(**given), base=base_folder, say=say)
    compile_model(folder, precision=settings.precision, say=say)
    show(str(folder))


def _given(**options: Any) -> dict[str, Any]:
    """The options that stand on the line."""
    return {name: value for name, value in options.items() if value is not None}


COMMANDS = (download, compile, sample, post, status, history, check, train)
