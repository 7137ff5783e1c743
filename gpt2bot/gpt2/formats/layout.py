"""OpenAI's layout of a model's folder. Works without TensorFlow."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path

from gpt2bot.errors import CheckpointError, ModelMissingError
from gpt2bot.gpt2.download.registry import PUBLISHED, TRAINING_REPORT, is_compiled
from gpt2bot.gpt2.formats.foreign import explain_folder
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.tokenizer import Tokenizer
from gpt2bot.gpt2.training.config import train_command

PREFIX = "model.ckpt"
STATE_FILE = "checkpoint"
ONE_MODEL = "hparams.json, encoder.json and the checkpoint must belong to the same model"


def advise(problem: str, folder: Path) -> str:
    """Adds to a problem with a model what to do about it."""
    if folder.name.startswith("."):  # still being made, by a command that gives its own advice
        return problem
    return f"{problem}; {how_to_restore(folder)}"


def read_description(folder: Path) -> tuple[HParams, Tokenizer]:
    """Reads a model's hyperparameters and tokenizer, without its weights.

    Raises:
        ModelMissingError: The folder does not exist.
        CheckpointError: A file is missing or damaged, or the size of the vocabulary is not the one
            in `hparams.json`.
    """
    if not folder.is_dir():
        raise ModelMissingError(f"there is no model in {folder}")
    if not (folder / "hparams.json").is_file() and (problem := explain_folder(folder)):
        raise CheckpointError(f"{folder} cannot be used: {problem}")
    hparams = HParams.read(folder / "hparams.json")
    tokenizer = Tokenizer.read(folder)
    if tokenizer.n_vocab != hparams.n_vocab:
        raise CheckpointError(
            f"{folder}: encoder.json has {tokenizer.n_vocab} tokens, but hparams.json says "
            f"{hparams.n_vocab}: {ONE_MODEL}"
        )
    return hparams, tokenizer


def checkpoint_prefix(folder: Path) -> Path:
    """The path that the checkpoint's files start with, from the text file `checkpoint`.

    Only the last part of the path in that file counts: other tools write the path where the model
    once was, and a downloaded file must not point outside its folder.

    Raises:
        CheckpointError: There is no checkpoint, or one of its files is missing.
    """
    state = folder / STATE_FILE
    if is_discarded(folder):
        raise CheckpointError(
            f"the float32 weights of {folder.name} were discarded after it was compiled: to get"
            f" them back, {how_to_restore(folder)}"
        )
    try:
        text = state.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CheckpointError(advise(f"cannot read {state}: {error.strerror}", folder)) from error
    match = re.search(r'^model_checkpoint_path: "(?:[^"]*[/\\])?([^"/\\]+)"', text, re.MULTILINE)
    if match is None:
        raise CheckpointError(_missing(f"{state} does not name a checkpoint", folder))
    prefix = folder / match[1]
    for suffix in (".index", ".data-00000-of-00001"):
        if not Path(f"{prefix}{suffix}").is_file():
            raise CheckpointError(_missing(f"{prefix}{suffix} is missing", folder))
    return prefix


def _missing(problem: str, folder: Path) -> str:
    """Adds to a problem with the file `checkpoint` which checkpoints it may name."""
    whole = [
        path.stem
        for path in sorted(folder.glob("*.index"))
        if path.with_suffix(".data-00000-of-00001").is_file()
    ]
    if not whole:
        return advise(problem, folder)
    return (
        f"{problem}; the folder has {', '.join(whole)}: name the one to use in"
        f' {folder / STATE_FILE}, for example model_checkpoint_path: "{whole[0]}"'
    )


def is_discarded(folder: Path) -> bool:
    """Whether only the compiled model is left, see `litert.build.discard_checkpoint`."""
    return not (folder / STATE_FILE).exists() and is_compiled(folder)


def how_to_restore(folder: Path) -> str:
    """Advice for a message: how to restore a model that is damaged or lacks its checkpoint.

    It never says to delete anything, because what is left may be the only copy.
    """
    command = f"gpt2bot download {folder.name}" if folder.name in PUBLISHED else None
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        report = json.loads((folder / TRAINING_REPORT).read_text(encoding="utf-8"))
        command = train_command(report, folder.name)
    if command is None:
        return f"copy {folder} again from where the model was made, or from a backup"
    return f"move {folder} away, then run `{command}`"


def checkpoint_files(folder: Path) -> list[Path]:
    """The existing files that hold a model's weights and nothing else."""
    if not (folder / STATE_FILE).exists():
        return []
    prefix = checkpoint_prefix(folder)
    return [folder / STATE_FILE, *sorted(folder.glob(f"{prefix.name}.*"))]


def checkpoint_fingerprint(folder: Path) -> str:
    """Identifies a model's weights, in hexadecimal.

    It is the SHA-256 of the checkpoint's index, which holds name, shape and CRC-32C of each tensor,
    and of the hyperparameters, which state the number of heads.

    Raises:
        CheckpointError: A file is missing or cannot be read.
    """
    index = Path(f"{checkpoint_prefix(folder)}.index")
    try:
        described = index.read_bytes() + (folder / "hparams.json").read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {error.filename}: {error.strerror}") from error
    return hashlib.sha256(described).hexdigest()
