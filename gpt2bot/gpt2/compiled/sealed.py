"""Folders whose damage is noticed, by a manifest with size, time and SHA-256 of each file.

As in git's index, a file is read again only if its size or its time of change is another than when
it was sealed; so it costs nothing to look, and a copied folder is sound although its times differ.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

MANIFEST = "manifest.json"


def seal(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the manifest of a folder that is complete, once all its bytes are on the disk.

    Args:
        folder: Its files count, but not the folders in it.
        facts: What else the manifest shall hold.

    Returns:
        The manifest.
    """
    files = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        stat = path.stat()
        files[path.name] = {
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "sha256": _sha256(path),
        }
    manifest = {**facts, "files": files}
    write_manifest(folder, manifest)
    return manifest


def find_sealed(
    folders: Iterable[Path], facts: Mapping[str, Any], say: Callable[[str], None]
) -> tuple[Path, dict[str, Any]] | None:
    """The first folder that is there and as it was sealed, with its manifest.

    Args:
        folders: Where it may be.
        facts: What the manifest must hold, or the folder was made for something else.
        say: Told what is wrong with a folder that is there.
    """
    opened = ((folder, _open(folder, facts, say)) for folder in folders if folder.is_dir())
    return next(((folder, manifest) for folder, manifest in opened if manifest), None)


def damaged_files(folder: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """The files of a sealed folder whose content is not what was sealed: all are read.

    Raises:
        OSError: One cannot be read.
    """
    files = manifest["files"].items()
    return [folder / name for name, file in files if _sha256(folder / name) != file["sha256"]]


def digest(manifest: Mapping[str, Any]) -> str:
    """What tells the contents of a sealed folder from any others, in hexadecimal."""
    sums = {name: file["sha256"] for name, file in manifest["files"].items()}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Replaces the manifest of a folder, in one step."""
    new = folder / f".{MANIFEST}.new"
    new.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    new.replace(folder / MANIFEST)


def _open(
    folder: Path, facts: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Any] | None:
    """The manifest of a folder; None if the folder is not as it was sealed, or as it must be."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = dict(manifest["files"])
        changed = {name for name, sealed in files.items() if _is_changed(folder / name, sealed)}
        damaged = [n for n in sorted(changed) if _sha256(folder / n) != files[n]["sha256"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        say(f"{folder} is not whole")
        return None
    if damaged:
        say(f"{folder / damaged[0]} is damaged")
        return None
    other = [name for name, fact in facts.items() if manifest.get(name) != fact]
    if other:
        say(f"{folder} is of another {' and '.join(other)}")
        return None
    for name in changed:
        files[name]["mtime_ns"] = (folder / name).stat().st_mtime_ns
    if changed:
        with contextlib.suppress(OSError):  # in a read-only folder they are read each time
            write_manifest(folder, manifest)
    return manifest


def _is_changed(path: Path, sealed: Mapping[str, Any]) -> bool:
    stat = path.stat()
    return bool(stat.st_size != sealed["size"] or stat.st_mtime_ns != sealed["mtime_ns"])


def _sha256(path: Path) -> str:
    value = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            value.update(chunk)
    return value.hexdigest()
