"""The folder of a compiled model: where it lies, what is in it, and whether it can be used.

::

    models/774M/litert-1-int8/      the format's version, and the precision of the weights
        manifest.json               of which checkpoint, made by what, how exact; see `manifest`
        wte.npy, wpe.npy            the embeddings, to look up
        h0.tflite ... h35.tflite    a layer each
        output0.tflite ...          the last norm and the logits, each of a part of the vocabulary
        sample.tflite               the sampler
        packed-.../                 the weights as one processor wants them; see `weight_cache`

Where the model's folder cannot be written, it lies in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import tempfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gpt2bot.errors import CheckpointError
from gpt2bot.gpt2.download.registry import COMPILED
from gpt2bot.gpt2.formats.layout import STATE_FILE, checkpoint_fingerprint
from gpt2bot.gpt2.litert.manifest import find_intact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gpt2bot.gpt2.hparams import HParams

FORMAT = 1
SAMPLER = "sample"


@dataclass(frozen=True)
class Artifacts:
    """A compiled model that is whole.

    Attributes:
        folder: Where it lies.
        manifest: What is known of it.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def layers(self) -> list[Path]:
        """The graphs of the layers, in their order."""
        return self._numbered("h")

    @property
    def outputs(self) -> list[Path]:
        """The graphs of the logits, in the vocabulary's order."""
        return self._numbered("output")

    @property
    def sampler(self) -> Path:
        """The graph of the sampler."""
        return self.folder / f"{SAMPLER}.tflite"

    def _numbered(self, start: str) -> list[Path]:
        count = sum(name.startswith(start) for name in self.manifest["files"])
        return [self.folder / f"{start}{number}.tflite" for number in range(count)]


def find_artifacts(
    folder: Path,
    hparams: HParams,
    precision: str,
    *,
    strict: bool = False,
    level: int = logging.INFO,
) -> Artifacts | None:
    """The compiled model of a folder; None if it must be compiled.

    Args:
        folder: Of the model.
        hparams: Its hyperparameters.
        precision: One of `precision.PRECISIONS`.
        strict: Whether a compiled model that exists and cannot be used is an error.
        level: At which level to log why it cannot be used.

    Raises:
        CheckpointError: The checkpoint is not whole; or it was discarded, and what was compiled
            from it cannot be used either; or as `strict` says.
    """
    is_discarded = not (folder / STATE_FILE).exists()
    facts: dict[str, Any] = {"format": FORMAT, "precision": precision, "hparams": asdict(hparams)}
    if not is_discarded:
        facts["checkpoint"] = checkpoint_fingerprint(folder)
    if found := find_intact(places(folder, precision), facts, strict=strict, level=level):
        return Artifacts(*found)
    if is_discarded:
        raise CheckpointError(
            f"{folder} has neither a checkpoint nor a {precision} compiled model that can be used: "
            "delete the folder, then download or train the model again"
        )
    return None


def places(folder: Path, precision: str) -> tuple[Path, Path]:
    """Where a compiled model may lie: beside its checkpoint, or in the user's cache folder."""
    from platformdirs import user_cache_path

    name = f"{COMPILED}{FORMAT}-{precision}"
    path = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
    return folder / name, user_cache_path("gpt2bot") / f"{folder.name}-{path}" / name


def first_writable(candidates: Iterable[Path]) -> Path:
    """The first of some folders, there or not, that can be made.

    Raises:
        OSError: None can.
    """
    *others, last = candidates
    for place in others:
        with contextlib.suppress(OSError):
            return _writable(place)
    return _writable(last)


def _writable(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=place.parent):
        return place
