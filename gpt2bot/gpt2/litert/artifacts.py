"""The folder of a compiled model: its location, its contents, and whether it is usable.

::

    models/774M/litert-1-int8/      version of the format, and precision of the weights
        manifest.json               checkpoint, versions and accuracy; see `manifest`
        wte.npy, wpe.npy            the embeddings
        h0.tflite ... h35.tflite    one graph per layer
        output0.tflite ...          last layer norm and logits, a part of the vocabulary each
        sample.tflite               the sampler
        packed-.../                 the weight cache for one processor; see `weight_cache`

If the model's folder is not writable, the compiled model is in the user's cache folder. All names
of folders and files belong to the format.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gpt2bot.errors import CheckpointError
from gpt2bot.files import check_writable
from gpt2bot.gpt2.download.registry import COMPILED
from gpt2bot.gpt2.formats.layout import checkpoint_fingerprint, how_to_restore, is_discarded
from gpt2bot.gpt2.litert.manifest import MANIFEST, find_intact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gpt2bot.gpt2.hparams import HParams

FORMAT = 1
SAMPLER = "sample"


@dataclass(frozen=True)
class Artifacts:
    """A compiled model that is complete.

    Attributes:
        folder: Its folder.
        manifest: The contents of its manifest.
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def layers(self) -> list[Path]:
        """The graphs of the layers, in order."""
        return self._numbered("h")

    @property
    def outputs(self) -> list[Path]:
        """The graphs of the logits, in the order of the vocabulary."""
        return self._numbered("output")

    @property
    def sampler(self) -> Path:
        """The graph of the sampler."""
        return self.folder / f"{SAMPLER}.tflite"

    def _numbered(self, prefix: str) -> list[Path]:
        count = sum(name.startswith(prefix) for name in self.manifest["files"])
        return [self.folder / f"{prefix}{number}.tflite" for number in range(count)]


def find_artifacts(
    folder: Path,
    hparams: HParams,
    precision: str,
    *,
    strict: bool = False,
    level: int = logging.INFO,
) -> Artifacts | None:
    """Finds the compiled model of a folder; returns None if the model must be compiled.

    Args:
        folder: The model's folder.
        hparams: The model's hyperparameters.
        precision: One of `precision.PRECISIONS`.
        strict: Whether to raise an error if a compiled model exists but is unusable.
        level: The level at which to log why a compiled model is unusable.

    Raises:
        CheckpointError: The checkpoint is incomplete; or it was discarded and no compiled model is
            usable; or a compiled model is unusable and `strict` is set.
    """
    facts = manifest_facts(folder, hparams, precision)
    if found := find_intact(places(folder, precision), facts, strict=strict, level=level):
        return Artifacts(*found)
    if is_discarded(folder):
        raise CheckpointError(_nothing_left(folder, precision))
    return None


def manifest_facts(folder: Path, hparams: HParams, precision: str) -> dict[str, Any]:
    """What the manifest of a usable compiled model says of its format and its checkpoint.

    If the checkpoint was discarded, the manifest may name any checkpoint.
    """
    facts = {"format": FORMAT, "precision": precision, "hparams": asdict(hparams)}
    if not is_discarded(folder):
        facts["checkpoint"] = checkpoint_fingerprint(folder)
    return facts


def _nothing_left(folder: Path, precision: str) -> str:
    """Why a model without its checkpoint cannot be used, and what to do."""
    start = f"{COMPILED}{FORMAT}-"
    found = {path.parent.name.removeprefix(start) for path in folder.glob(f"{start}*/{MANIFEST}")}
    why, advice = f"the compiled {folder.name} cannot be used", how_to_restore(folder)
    if precision not in found and found:
        [other, *_] = sorted(found)
        why = f"{folder.name} is compiled to {other} only"
        advice = f'set precision = "{other}", or {advice}'
    return f"{why}, and its float32 weights were discarded: {advice}"


def places(folder: Path, precision: str) -> tuple[Path, Path]:
    """Where a compiled model can be: in the model's folder, or in the user's cache folder.

    Without a home folder there is no cache folder, and both places are the same.
    """
    from platformdirs import user_cache_path

    name = f"{COMPILED}{FORMAT}-{precision}"
    path = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]
    try:
        cache = user_cache_path("gpt2bot") / f"{folder.name}-{path}"
    except RuntimeError:
        cache = folder
    return folder / name, cache / name


def first_writable(candidates: Iterable[Path]) -> Path:
    """The first of some folders that can be created or replaced: its parent must be writable.

    None of them is created.

    Raises:
        OSError: None of them can.
    """
    *others, last = candidates
    for place in others:
        with contextlib.suppress(OSError):
            check_writable(place.parent)
            return place
    check_writable(last.parent)
    return last
