"""Folders whose damage is noticed, by a manifest with size, time and SHA-256 of each file.

As in git's index, a file is read again only if its size or modification time has changed since the
manifest was written. So checking costs nothing, and a copied folder is intact although its times
differ.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from typing import TYPE_CHECKING, Any

from gpt2bot.errors import CheckpointError
from gpt2bot.files import sha256_of, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the manifest of a folder that is complete, once all its bytes are on the disk.

    Args:
        folder: Its files count, but not the folders in it.
        facts: What else the manifest holds.

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
            "sha256": sha256_of(path),
        }
    manifest = {**facts, "files": files}
    _replace(folder, manifest)
    return manifest


def find_intact(
    folders: Iterable[Path],
    facts: Mapping[str, Any],
    *,
    strict: bool = False,
    level: int = logging.INFO,
) -> tuple[Path, dict[str, Any]] | None:
    """The first folder whose files are as its manifest says, with the manifest.

    A folder that exists but is not intact is skipped, and what is wrong with it is logged.

    Args:
        folders: Where it may be.
        facts: What the manifest must hold, or the folder was made for something else.
        strict: Whether to raise the error instead of skipping the folder.
        level: At which level to log what is wrong.

    Raises:
        CheckpointError: A folder is not intact, and `strict` is set.
    """
    for folder in folders:
        if not folder.is_dir():
            continue
        try:
            return folder, _open(folder, facts)
        except CheckpointError as error:
            if strict:
                raise
            logger.log(level, "%s: it is not used", error)
    return None


def damaged_files(folder: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """The files whose content is not what the manifest says: all are read.

    Raises:
        OSError: One cannot be read.
    """
    files = manifest["files"].items()
    return [folder / name for name, file in files if sha256_of(folder / name) != file["sha256"]]


def digest(manifest: Mapping[str, Any]) -> str:
    """What tells the contents of a folder from any others, in hexadecimal."""
    sums = {name: file["sha256"] for name, file in manifest["files"].items()}
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest()


def _replace(folder: Path, manifest: Mapping[str, Any]) -> None:
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def _open(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a folder, if the folder is as that says and as `facts` require."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = dict(manifest["files"])
        changed = {name for name, entry in files.items() if _is_changed(folder / name, entry)}
        damaged = [n for n in sorted(changed) if sha256_of(folder / n) != files[n]["sha256"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder} is incomplete") from error
    if damaged:
        raise CheckpointError(f"{folder / damaged[0]} is damaged")
    if other := [name for name, fact in facts.items() if manifest.get(name) != fact]:
        raise CheckpointError(f"{folder} was made for another {' and '.join(other)}")
    for name in changed:
        files[name]["mtime_ns"] = (folder / name).stat().st_mtime_ns
    if changed:
        with contextlib.suppress(OSError):  # in a read-only folder they are read each time
            _replace(folder, manifest)
    return manifest


def _is_changed(path: Path, entry: Mapping[str, Any]) -> bool:
    stat = path.stat()
    return bool(stat.st_size != entry["size"] or stat.st_mtime_ns != entry["mtime_ns"])
