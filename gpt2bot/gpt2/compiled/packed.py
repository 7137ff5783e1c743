"""The weights of a compiled model as XNNPACK wants them: a file a graph, mapped when it is loaded.

They belong to one build of the library and one kind of processor, which their folder's name tells.
Where no folder for them can be written, each process packs them anew, in its own memory.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2bot.gpt2.compiled import sealed
from gpt2bot.gpt2.compiled.artifacts import first_writable
from gpt2bot.gpt2.compiled.runtime import Graph, library_version
from gpt2bot.gpt2.folders import replaced_folder
from gpt2bot.gpt2.lock import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt2bot.gpt2.compiled.artifacts import Artifacts


def packed_file(folder: Path, graph: Path) -> Path:
    """The file of a graph's packed weights."""
    return folder / f"{graph.stem}.packed"


def find_packed(artifacts: Artifacts, elsewhere: Path, say: Callable[[str], None]) -> Path | None:
    """The folder of packed weights, made if it is missing; None where it cannot be made.

    Args:
        artifacts: The compiled model.
        elsewhere: Where to make it if the compiled model's own folder cannot be written.
        say: Told what is wrong with weights that are there and cannot be used.
    """
    if found := sealed_packed(artifacts, elsewhere, say):
        return found[0]
    try:
        folder = first_writable(_candidates(artifacts, elsewhere))
        with exclusive(folder, wait=say):
            # Another process may have made it meanwhile.
            found = sealed_packed(artifacts, elsewhere, lambda _: None)
            return found[0] if found else _pack(artifacts, folder)
    except (OSError, RuntimeError) as error:  # LiteRT's own error, if the disk is full
        say(f"the weights are packed in memory, which costs time and memory: {error}")
        return None


def sealed_packed(
    artifacts: Artifacts, elsewhere: Path, say: Callable[[str], None]
) -> tuple[Path, dict[str, Any]] | None:
    """The folder of packed weights that is there and fits, with its manifest; see `find_packed`."""
    return sealed.find_sealed(_candidates(artifacts, elsewhere), _facts(artifacts), say)


def folder_name() -> str:
    """The name of packed weights that fit here."""
    return f"packed-{library_version()}-{_processor()}"


def _candidates(artifacts: Artifacts, elsewhere: Path) -> list[Path]:
    return [parent / folder_name() for parent in (artifacts.folder, elsewhere)]


def _facts(artifacts: Artifacts) -> dict[str, str]:
    return {"artifacts": sealed.digest(artifacts.manifest)}


def _pack(artifacts: Artifacts, folder: Path) -> Path:
    with replaced_folder(folder) as new:
        for graph in (*artifacts.layers, *artifacts.outputs):
            Graph(graph, threads=1, packed=packed_file(new, graph))
        sealed.seal(new, _facts(artifacts))
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
