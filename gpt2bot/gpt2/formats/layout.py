"""OpenAI's layout of a model's folder: what lies where, told without TensorFlow."""

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
ONE_MODEL = "hparams.json, encoder.json and the checkpoint must be those of one model"


def advise(problem: str, folder: Path) -> str:
    """Adds to a problem of a model what to do."""
    if folder.name.startswith("."):  # still being made, by something that knows better what to do
        return problem
    return f"{problem}; {how_to_restore(folder)}"


def read_description(folder: Path) -> tuple[HParams, Tokenizer]:
    """Reads what a model is, without its weights.

    Raises:
        ModelMissingError: There is no such folder.
        CheckpointError: A file is missing or damaged, or the vocabulary has another size than
            `hparams.json` says.
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
    """The path that the checkpoint's files start with, by the text file `checkpoint`.

    Only the last part of what it names counts: other tools write where the model once lay, and a
    downloaded file must not lead out of its folder.

    Raises:
        CheckpointError: There is no checkpoint, or a file of it is missing.
    """
    state = folder / STATE_FILE
    if is_discarded(folder):
        raise CheckpointError(
            f"the float32 weights of {folder.name} were discarded after it was compiled: to have"
            f" them again, {how_to_restore(folder)}"
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
    """Adds to a problem with the file `checkpoint` which checkpoints it could name."""
    whole = [
        path.stem
        for path in sorted(folder.glob("*.index"))
        if path.with_suffix(".data-00000-of-00001").is_file()
    ]
    if not whole:
        return advise(problem, folder)
    return (
        f"{problem}; the folder has {', '.join(whole)}: write the one to use into"
        f' {folder / STATE_FILE}, as in model_checkpoint_path: "{whole[0]}"'
    )


def is_discarded(folder: Path) -> bool:
    """Whether only the compiled model is left, see `litert.build.discard_checkpoint`."""
    return not (folder / STATE_FILE).exists() and is_compiled(folder)


def how_to_restore(folder: Path) -> str:
    """How to have a model again that is damaged or lacks its checkpoint, for a message.

    Never to delete anything: what is left may be the only copy.
    """
    command = f"gpt2bot download {folder.name}" if folder.name in PUBLISHED else None
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        report = json.loads((folder / TRAINING_REPORT).read_text(encoding="utf-8"))
        command = train_command(report, folder.name)
    if command is None:
        return f"copy {folder} again from where the model was made, or from a backup"
    return f"move {folder} away, then run `{command}`"


def checkpoint_files(folder: Path) -> list[Path]:
    """The files that hold a model's weights and nothing else, those that are there."""
    if not (folder / STATE_FILE).exists():
        return []
    prefix = checkpoint_prefix(folder)
    return [folder / STATE_FILE, *sorted(folder.glob(f"{prefix.name}.*"))]


def checkpoint_fingerprint(folder: Path) -> str:
    """What tells a model's weights from any others, in hexadecimal.

    It is the SHA-256 of the checkpoint's index, which holds name, shape and CRC-32C of each tensor,
    and of the hyperparameters, which say how many heads share them.

    Raises:
        CheckpointError: A file is missing or cannot be read.
    """
    index = Path(f"{checkpoint_prefix(folder)}.index")
    try:
        described = index.read_bytes() + (folder / "hparams.json").read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read {error.filename}: {error.strerror}") from error
    return hashlib.sha256(described).hexdigest()
