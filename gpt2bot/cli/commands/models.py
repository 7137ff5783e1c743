"""The commands that make models. Their docstrings are their help."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003 - the parser reads the annotations

from gpt2bot.cli.commands.options import AtLeastOne, NotNegative, Positive, given
from gpt2bot.cli.terminal import show
from gpt2bot.errors import UsageError

logger = logging.getLogger(__name__)

__all__ = ["compile", "download", "train"]


def download(model: str, *, base_url: str | None = None, config: Path | None = None) -> None:
    """Fetches a model that OpenAI published, and compiles it.

    A download that was interrupted goes on where it was.

    Args:
        model: 124M, 355M, 774M or 1558M.
        base_url: A mirror to fetch it from, instead of the configured one.
        config: The configuration file.
    """
    from gpt2bot.config import load_settings
    from gpt2bot.gpt2.download.fetch import download as fetch
    from gpt2bot.gpt2.litert.build import compile_model

    settings = load_settings(config)
    url = base_url or settings.download.base_url
    folder = fetch(model, settings.models_dir, base_url=url)
    compile_model(folder, precision=settings.precision)
    show(str(folder))


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
    from gpt2bot.gpt2.download.registry import DEMO, find_model
    from gpt2bot.gpt2.litert import build

    settings = load_settings(config)
    if discard_checkpoint and model == DEMO:
        raise UsageError("the bundled model keeps its checkpoint")
    folder = find_model(model, settings.models_dir)
    precision = precision or settings.precision
    artifacts = build.compile_model(folder, precision=precision)
    if discard_checkpoint:
        freed = build.discard_checkpoint(folder, precision)
        logger.info("discarded the checkpoint of %s, which frees %.1f GB", model, freed / 1e9)
    show(str(artifacts.folder))


def train(
    *file: Path,
    name: str,
    base: str | None = None,
    column: str | None = None,
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
    model from scratch; one that is trained from another model has the size of that model.

    Args:
        file: Text, an item on each line or items between blank lines; or a table: CSV, TSV or JSON
            lines (.jsonl).
        name: The new model's name.
        base: The model to go on from, instead of starting from scratch.
        column: The column of the tables that holds the text, by default text or the only one.
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
    from gpt2bot.gpt2.download.registry import check_name, find_model
    from gpt2bot.gpt2.litert.build import compile_model
    from gpt2bot.gpt2.training.config import TrainConfig
    from gpt2bot.gpt2.training.train import train as run

    settings = load_settings(config)
    folder = settings.models_dir / check_name(name)
    size = given(n_vocab=n_vocab, n_ctx=n_ctx, n_embd=n_embd, n_head=n_head, n_layer=n_layer)
    if base and size:
        names = " and ".join(f"--{option.replace('_', '-')}" for option in size)
        raise UsageError(
            f"{names} cannot be combined with --base: the new model has the size of {base}"
        )
    options = given(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed, **size
    )
    base_folder = find_model(base, settings.models_dir) if base else None
    run(file, folder, TrainConfig(**options), base=base_folder, column=column)
    compile_model(folder, precision=settings.precision)
    show(str(folder))
