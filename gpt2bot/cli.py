"""The command line: what each command takes, and how its result is shown."""

from __future__ import annotations

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge, Gt, Le

from gpt2bot import __version__
from gpt2bot.errors import GPT2BotError, UsageError
from gpt2bot.safe_fire import Program

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130  # as a shell counts: 128 and the number of the signal, here SIGINT
NOBODY_READS = 141  # SIGPIPE

AtLeastOne = Annotated[int, Ge(1)]
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
    folder = fetch(model, settings.models_dir, base_url=url, say=_say)
    compile_model(folder, precision=settings.precision, say=_say)
    _show(str(folder))


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
    from gpt2bot import bot
    from gpt2bot.config import load_settings
    from gpt2bot.render import render_candidate, render_raw

    settings = load_settings(config)
    sampling = _given(top_k=top_k, top_p=top_p, temperature=temperature, length=length)
    settings = settings.model_copy(
        update=_given(model=model) | {"sampling": settings.sampling.model_copy(update=sampling)}
    )
    if raw:
        texts = bot.sample_raw(settings, _say, nsamples=nsamples, prompt=prompt, seed=seed)
        blocks = (render_raw(written, as_json=json) for written in texts)
    else:
        drafts = bot.sample(settings, _say, nsamples=nsamples, prompt=prompt, seed=seed)
        shown = (draft for draft in drafts if verbose or draft.verdict.accepted)
        blocks = (render_candidate(candidate, as_json=json) for candidate in shown)
    separator = "" if json else "---\n" if raw else "\n"
    for number, block in enumerate(blocks):
        _show(separator * bool(number) + block)


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
        _say(f"warning: {warning}")
    result = (bot.dry_run if dry_run else bot.post)(settings, _say, prompt=prompt)
    _show(render_result(result, as_json=json))


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
    artifacts = compiling.compile_model(folder, precision=precision, say=_say)
    if discard_checkpoint:
        freed = compiling.discard_checkpoint(folder, precision)
        _say(f"discarded the checkpoint of {model}, which frees {freed / 1e9:.1f} GB")
    _show(str(artifacts.folder))


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
    run(file, folder, TrainConfig(**given), base=base_folder, say=_say)
    compile_model(folder, precision=settings.precision, say=_say)
    _show(str(folder))


def _given(**options: Any) -> dict[str, Any]:
    """The options that stand on the line."""
    return {name: value for name, value in options.items() if value is not None}


def _show(result: str) -> None:
    """Prints a result, at once: a pipe may be read while the next one is being made."""
    try:
        print(result, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GPT2BotError(f"the output cannot be written: {error.strerror}") from error


def _say(message: str) -> None:
    """A line for the owner, on stderr."""
    print(f"gpt2bot: {' '.join(message.splitlines())}", file=sys.stderr, flush=True)


PROGRAM = Program(
    name="gpt2bot",
    version=__version__,
    about="Writes tweets with GPT-2, labels them as synthetic and posts them to X.",
    functions=(download, compile, sample, post, train),
    show=_show,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        The exit code: 0, that of the `GPT2BotError`, 130 after Ctrl-C, 141 if nobody reads.
    """
    _prepare_streams()
    # An exception, so that locks are released and files are closed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Python flushes both once more at its end.
        for descriptor in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        return NOBODY_READS


def _prepare_streams() -> None:
    """Makes both streams UTF-8 in any locale. One that is closed, as by `2>&-`, goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - stays open
            setattr(sys, name, nowhere)
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _run(argv: Sequence[str]) -> int:
    try:
        PROGRAM.parse(argv)()
    except GPT2BotError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:  # a folder that may not be read, say: the system's words tell which
        _say(f"{error}")
        return GPT2BotError.exit_code
    return 0
