"""OpenAI's layout of a model's folder: what lies where, told without TensorFlow."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from gpt2bot.errors import CheckpointError, ModelMissingError
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.tokenizer import Tokenizer

PREFIX = "model.ckpt"
STATE_FILE = "checkpoint"
ADVICE = "delete its folder, then download or train the model again"


def read_description(folder: Path) -> tuple[HParams, Tokenizer]:
    """Reads what a model is, without its weights.

    Raises:
        ModelMissingError: There is no such folder.
        CheckpointError: A file is missing or damaged, or the vocabulary has another size than
            `hparams.json` says.
    """
    if not folder.is_dir():
        raise ModelMissingError(f"there is no model in {folder}")
    hparams = HParams.read(folder / "hparams.json")
    tokenizer = Tokenizer.read(folder)
    if tokenizer.n_vocab != hparams.n_vocab:
        raise CheckpointError(
            f"{folder}: encoder.json has {tokenizer.n_vocab} tokens, but hparams.json says "
            f"{hparams.n_vocab}; {ADVICE}"
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
    try:
        text = state.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CheckpointError(f"cannot read {state}: {error.strerror}; {ADVICE}") from error
    match = re.search(r'^model_checkpoint_path: "(?:[^"]*[/\\])?([^"/\\]+)"', text, re.MULTILINE)
    if match is None:
        raise CheckpointError(f"{state} does not name a checkpoint; {ADVICE}")
    prefix = folder / match[1]
    for suffix in (".index", ".data-00000-of-00001"):
        if not Path(f"{prefix}{suffix}").is_file():
            raise CheckpointError(f"{prefix}{suffix} is missing; {ADVICE}")
    return prefix


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
