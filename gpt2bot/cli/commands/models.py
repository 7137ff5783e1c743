"""The commands that create models. Their docstrings are their help."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003 - the parser reads the annotations

from gpt2bot.cli.commands.options import (
    BaseUrl,
    BatchSize,
    Epochs,
    NContext,
    NEmbedding,
    NHead,
    NLayer,
    NVocabulary,
    Precision,
    PublishedModel,
    Rate,
    Seed,
    given,
)
from gpt2bot.cli.terminal import show
from gpt2bot.errors import UsageError

logger = logging.getLogger(__name__)

__all__ = ["compile", "download", "train"]


def download(
    model: PublishedModel, *, base_url: BaseUrl | None = None, config: Path | None = None
) -> None:
    """Downloads a model published by OpenAI, and compiles it.

    Resumes after an interruption.

    Args:
        model: The model's name.
        base_url: The address of a mirror. Each model has a folder below it.
        config: The configuration file.

    Examples:
        gpt2bot download 124M
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
    precision: Precision | None = None,
    discard_checkpoint: bool = False,
    config: Path | None = None,
) -> None:
    """Compiles a model, so that it starts quickly and generates fast.

    This happens automatically after a download, after training and on first use.

    Args:
        model: The model's name.
        precision: The precision of the stored weights.
        discard_checkpoint: Deletes the float32 weights afterwards. Only training and scoring need
            them.
        config: The configuration file.

    Examples:
        gpt2bot compile 124M
        gpt2bot compile 774M --discard-checkpoint
    """
    from gpt2bot.config import load_settings
    from gpt2bot.gpt2.download.registry import DEMO, find_model
    from gpt2bot.gpt2.litert import build

    settings = load_settings(config)
    if discard_checkpoint and model == DEMO:
        raise UsageError("the checkpoint of the bundled model cannot be discarded")
    folder = find_model(model, settings.models_dir)
    precision = precision or settings.precision
    artifacts = build.compile_model(folder, precision=precision)
    if discard_checkpoint:
        freed = build.discard_checkpoint(folder, precision)
        logger.info("discarded the checkpoint of %s and freed %.1f GB", model, freed / 1e9)
    show(str(artifacts.folder))


def train(
    *file: Path,
    name: str,
    base: str | None = None,
    column: str | None = None,
    epochs: Epochs | None = None,
    batch_size: BatchSize | None = None,
    learning_rate: Rate | None = None,
    n_vocab: NVocabulary | None = None,
    n_ctx: NContext | None = None,
    n_embd: NEmbedding | None = None,
    n_head: NHead | None = None,
    n_layer: NLayer | None = None,
    seed: Seed | None = None,
    config: Path | None = None,
) -> None:
    """Trains a model on text files, from scratch or from another model.

    Resumes after an interruption. The options from --n-vocab to --n-layer set the size of a model
    trained from scratch. A fine-tuned model keeps the size of its base.

    Args:
        file: A text file with one item on each line or with items separated by blank lines, or a
            table: CSV, TSV or JSON lines (.jsonl).
        name: The new model's name.
        base: The model to fine-tune. Without it, training starts from scratch.
        column: The column that contains the text, in tables. By default, the column text, or the
            only column.
        learning_rate: The peak learning rate. By default, 2e-3 from scratch and 1e-4 for
            fine-tuning.
        seed: The same seed on the same machine gives the same model.
        config: The configuration file.

    Examples:
        gpt2bot train tweets.txt --name mine --base 124M
        gpt2bot train stories.txt poems.txt --name tiny --epochs 20
    """
    from gpt2bot.config import load_settings
    from gpt2bot.gpt2.download.registry import check_new_name, find_model
    from gpt2bot.gpt2.training.config import TrainConfig

    name = check_new_name(name)
    settings = load_settings(config)
    size = given(n_vocab=n_vocab, n_ctx=n_ctx, n_embd=n_embd, n_head=n_head, n_layer=n_layer)
    if base and size:
        names = " and ".join(f"--{option.replace('_', '-')}" for option in size)
        raise UsageError(
            f"{names} cannot be combined with --base: the new model has the size of {base}"
        )
    options = given(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, seed=seed, **size
    )
    folder = settings.models_dir / name
    base_folder = find_model(base, settings.models_dir) if base else None

    # Imported here, because they load TensorFlow: errors above appear at once.
    from gpt2bot.gpt2.litert.build import compile_model
    from gpt2bot.gpt2.training.train import train as run

    run(file, folder, TrainConfig(**options), base=base_folder, column=column)
    compile_model(folder, precision=settings.precision)
    show(str(folder))
