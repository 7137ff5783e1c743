"""XNNPACK's weight cache of a compiled model: a file per graph, mapped when the graph is loaded.

XNNPACK packs weights into the layout that suits the processor. The cache is valid for one version
of LiteRT and one kind of processor, which the name of its folder states. Without a writable folder,
each process packs the weights in its own memory. The names of the folder (`packed-...`) and of its
files (`*.packed`) belong to the format of compiled models.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2bot.files import making, replaced_folder
from gpt2bot.gpt2.litert.artifacts import first_writable
from gpt2bot.gpt2.litert.manifest import digest, find_intact, write_manifest
from gpt2bot.gpt2.litert.runtime import Graph, library_version

if TYPE_CHECKING:
    from gpt2bot.gpt2.litert.artifacts import Artifacts

logger = logging.getLogger(__name__)


def cache_file(folder: Path, graph: Path) -> Path:
    """The file in the weight cache's folder that belongs to a graph."""
    return folder / f"{graph.stem}.packed"


def ensure_weight_cache(artifacts: Artifacts, fallback: Path) -> Path | None:
    """The folder of the weight cache, written first if necessary; None if it cannot be written.

    Args:
        artifacts: The compiled model.
        fallback: The parent folder to use if the compiled model's own folder is not writable.
    """
    if found := find_weight_cache(artifacts, fallback):
        return found[0]
    try:
        folder = first_writable(_candidates(artifacts, fallback))
        with making(folder, wait=True):
            # Another process may have written it in the meantime.
            found = find_weight_cache(artifacts, fallback, level=logging.DEBUG)
            return found[0] if found else _write(artifacts, folder)
    except (OSError, RuntimeError) as error:  # LiteRT raises RuntimeError on a full disk
        logger.warning(
            "cannot write the weight cache (%s): loading takes more time and memory without it",
            error,
        )
        return None


def find_weight_cache(
    artifacts: Artifacts,
    fallback: Path,
    *,
    strict: bool = False,
    level: int = logging.INFO,
) -> tuple[Path, dict[str, Any]] | None:
    """The folder of the weight cache with its manifest; None if there is none that is intact.

    Args:
        artifacts: The compiled model.
        fallback: See `ensure_weight_cache`.
        strict: See `find_intact`.
        level: See `find_intact`.

    Raises:
        CheckpointError: It exists but is damaged, and `strict` is set.
    """
    candidates = _candidates(artifacts, fallback)
    return find_intact(candidates, _facts(artifacts), strict=strict, level=level)


def _candidates(artifacts: Artifacts, fallback: Path) -> list[Path]:
    name = f"packed-{library_version()}-{_processor()}"
    return [artifacts.folder / name, fallback / name]


def _facts(artifacts: Artifacts) -> dict[str, str]:
    return {"artifacts": digest(artifacts.manifest)}


def _write(artifacts: Artifacts, folder: Path) -> Path:
    """Writes the weight cache, and deletes those of other versions of LiteRT."""
    with replaced_folder(folder) as new:
        for graph in (*artifacts.layers, *artifacts.outputs):
            Graph(graph, threads=1, weight_cache=cache_file(new, graph))
        write_manifest(new, _facts(artifacts))
    for other in folder.parent.glob("packed-*"):
        if not other.name.startswith(f"packed-{library_version()}-"):
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _processor() -> str:
    """A short hash that tells kinds of processors apart; on Linux, by their instruction sets."""
    described = [platform.machine(), platform.processor()]
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        first, _, _ = cpuinfo.read_text(encoding="utf-8", errors="replace").partition("\n\n")
        wanted = ("flags", "Features", "model name", "CPU part")
        described += [line for line in first.splitlines() if line.startswith(wanted)]
    return hashlib.sha256("\n".join(described).encode()).hexdigest()[:8]
