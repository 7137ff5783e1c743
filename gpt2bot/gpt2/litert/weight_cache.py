"""XNNPACK's weight cache of a compiled model: a file per graph, mapped when the graph is loaded.

It belongs to one build of the library and one kind of processor, as its folder's name says. Where
no folder for it can be written, each process packs the weights anew, in its own memory.
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
    """The file that caches a graph's weights."""
    return folder / f"{graph.stem}.packed"


def find_weight_cache(artifacts: Artifacts, elsewhere: Path) -> Path | None:
    """The folder of the weight cache, made if it is missing; None where it cannot be made.

    Args:
        artifacts: The compiled model.
        elsewhere: Where to make it if the compiled model's own folder cannot be written.
    """
    if found := intact_weight_cache(artifacts, elsewhere):
        return found[0]
    try:
        folder = first_writable(_candidates(artifacts, elsewhere))
        with making(folder, wait=True):
            # Another process may have made it meanwhile.
            found = intact_weight_cache(artifacts, elsewhere, level=logging.DEBUG)
            return found[0] if found else _pack(artifacts, folder)
    except (OSError, RuntimeError) as error:  # LiteRT's own error, if the disk is full
        logger.warning(
            "cannot write the weight cache (%s): loading takes more time and memory", error
        )
        return None


def intact_weight_cache(
    artifacts: Artifacts,
    elsewhere: Path,
    *,
    strict: bool = False,
    level: int = logging.INFO,
) -> tuple[Path, dict[str, Any]] | None:
    """The folder of the weight cache if it exists and fits, with its manifest; see `find_intact`.

    Raises:
        CheckpointError: It exists and is damaged, and `strict` is set.
    """
    return find_intact(
        _candidates(artifacts, elsewhere), _facts(artifacts), strict=strict, level=level
    )


def folder_name() -> str:
    """The name of a weight cache that fits this library and processor."""
    return f"packed-{library_version()}-{_processor()}"


def _candidates(artifacts: Artifacts, elsewhere: Path) -> list[Path]:
    return [parent / folder_name() for parent in (artifacts.folder, elsewhere)]


def _facts(artifacts: Artifacts) -> dict[str, str]:
    return {"artifacts": digest(artifacts.manifest)}


def _pack(artifacts: Artifacts, folder: Path) -> Path:
    with replaced_folder(folder) as new:
        for graph in (*artifacts.layers, *artifacts.outputs):
            Graph(graph, threads=1, weight_cache=cache_file(new, graph))
        write_manifest(new, _facts(artifacts))
    for other in folder.parent.glob("packed-*"):
        if not other.name.startswith(f"packed-{library_version()}-"):  # no use any more
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _processor() -> str:
    """What tells kinds of processors apart, shortened: on Linux, with all instruction sets."""
    described = [platform.machine(), platform.processor()]
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        first, _, _ = cpuinfo.read_text(encoding="utf-8", errors="replace").partition("\n\n")
        wanted = ("flags", "Features", "model name", "CPU part")
        described += [line for line in first.splitlines() if line.startswith(wanted)]
    return hashlib.sha256("\n".join(described).encode()).hexdigest()[:8]
