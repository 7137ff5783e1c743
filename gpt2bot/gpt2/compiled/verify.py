"""Reads a compiled model through, as loading it does not: that trusts size and time of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt2bot.errors import CheckpointError
from gpt2bot.gpt2.compiled import sealed
from gpt2bot.gpt2.compiled.artifacts import find_artifacts, places
from gpt2bot.gpt2.compiled.packed import sealed_packed
from gpt2bot.gpt2.hparams import HParams

if TYPE_CHECKING:
    from pathlib import Path


def verify_compiled(folder: Path, precision: str) -> Path | None:
    """Compares every byte of a compiled model with its manifests.

    Args:
        folder: Of the model.
        precision: Of the weights.

    Returns:
        Where the compiled model lies; None if it is to be made when it is first used.

    Raises:
        CheckpointError: It is damaged; or it cannot be made, since the checkpoint is.
    """
    wrong: list[str] = []
    hparams = HParams.read(folder / "hparams.json")
    artifacts = find_artifacts(folder, hparams, precision, wrong.append)
    if artifacts:
        parts = [(artifacts.folder, artifacts.manifest)]
        packed = sealed_packed(artifacts, places(folder, precision)[1], wrong.append)
        parts += [packed] if packed else []
        wrong += [f"{path} is damaged" for part in parts for path in sealed.damaged_files(*part)]
    if wrong:
        where = " and ".join(str(p) for p in places(folder, precision) if p.is_dir())
        raise CheckpointError(f"{wrong[0]}: delete {where}, then `gpt2bot compile {folder.name}`")
    return artifacts.folder if artifacts else None
