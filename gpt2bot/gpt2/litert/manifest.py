"""Detects damage to a folder by a manifest with the size, time and SHA-256 of each of its files.

As in git's index, a file is hashed again only if its size or modification time has changed since
the manifest was written. So a check takes almost no time, and a copied folder is intact although
its times differ.
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
    """Flushes the files of a complete folder to disk, then writes its manifest.

    Args:
        folder: The folder. The manifest lists its files, but not its subfolders.
        facts: Further entries of the manifest.

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
    _write(folder, manifest)
    return manifest


def find_intact(
    folders: Iterable[Path],
    facts: Mapping[str, Any],
    *,
    strict: bool = False,
    level: int = logging.INFO,
) -> tuple[Path, dict[str, Any]] | None:
    """The first folder that matches its manifest and `facts`, with the manifest.

    A folder that exists but does not match is skipped, and the reason is logged.

    Args:
        folders: The folders to check, in this order.
        facts: Entries that the manifest must have.
        strict: Whether to raise an error instead of skipping a folder.
        level: The level at which to log the reason.

    Raises:
        CheckpointError: A folder does not match, and `strict` is set.
    """
    for folder in folders:
        if not folder.is_dir():
            continue
        try:
            return folder, _checked_manifest(folder, facts)
        except CheckpointError as error:
            if strict:
                raise
            logger.log(level, "%s: it is not used", error)
    return None


def damaged_files(folder: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """The files whose content does not match the manifest. Reads every file.

    Raises:
        OSError: A file cannot be read.
    """
    files = manifest["files"].items()
    return [folder / name for name, file in files if sha256_of(folder / name) != file["sha256"]]


def digest(manifest: Mapping[str, Any]) -> str:
    """A SHA-256 that identifies the contents of a folder, in hexadecimal."""
    hashes = {name: file["sha256"] for name, file in manifest["files"].items()}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _write(folder: Path, manifest: Mapping[str, Any]) -> None:
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def _checked_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a folder, if its files and `facts` match it; else raises CheckpointError."""
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
        with contextlib.suppress(OSError):  # in a read-only folder they are hashed every time
            _write(folder, manifest)
    return manifest


def _is_changed(path: Path, entry: Mapping[str, Any]) -> bool:
    stat = path.stat()
    return bool(stat.st_size != entry["size"] or stat.st_mtime_ns != entry["mtime_ns"])
