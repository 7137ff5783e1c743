"""Crash-safe file operations: locks, atomic writes, hashes and replacement of whole folders.

`check_writable` finds out in advance whether a folder can be written.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from gpt2bot.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = [
    "check_writable",
    "exclusive",
    "explain_lock_error",
    "is_being_made",
    "is_locked",
    "making",
    "replaced_folder",
    "restore_folder",
    "sha256_of",
    "write_atomically",
]

logger = logging.getLogger(__name__)

CHUNK = 1 << 20  # bytes read at a time


@contextlib.contextmanager
def exclusive(path: Path, *, busy: str, waiting: str | None = None) -> Iterator[None]:
    """Holds an exclusive lock, which the kernel frees when the process ends, however it ends.

    Args:
        path: The lock file. It is not deleted, and its existence means nothing.
        busy: The error message if another process holds the lock.
        waiting: Logged before waiting for that process; if None, it gives up at once.

    Raises:
        LockedError: Another process holds the lock.
        OSError: The file cannot be created, or the file system does not support locks.
    """
    import filelock

    path.parent.mkdir(parents=True, exist_ok=True)
    # A soft lock would outlive a killed process and block every later one.
    lock = filelock.FileLock(path, mode=0o600, fallback_to_soft=False)
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout:
        if waiting is None:
            raise LockedError(busy) from None
        logger.info(waiting)
        held = lock.acquire()
    with held:
        yield


def making(folder: Path, *, wait: bool = False) -> AbstractContextManager[None]:
    """Holds the lock of a folder that is being created: a hidden file beside it, see `exclusive`.

    Raises:
        LockedError: Another process is creating it, and `wait` is not set.
        OSError: See `exclusive`.
    """
    return exclusive(
        _lock_of(folder),
        busy=f"another process is creating {folder}: wait until it finishes, or stop it",
        waiting=f"waiting for another process to create {folder}" if wait else None,
    )


def explain_lock_error(error: OSError) -> str:
    """What the owner can do about an `OSError` of `exclusive`."""
    if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
        return "use a local disk, because its file system does not support locks"
    if error.errno in (errno.EISDIR, errno.ELOOP):
        return "delete it, because it is not a regular file"
    return "make it and its folder writable for the user who runs the bot"


def check_writable(folder: Path) -> Path:
    """Checks whether files can be created in a folder, which need not exist. Leaves nothing behind.

    It creates an unnamed temporary file instead of reading permissions, because permissions do not
    tell whether a file system is read-only or full.

    Returns:
        The folder, or its nearest parent that exists.

    Raises:
        OSError: Files cannot be created.
    """
    place = _nearest(folder.absolute())
    with tempfile.TemporaryFile(dir=place):
        return place


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock file, which need not exist. Leaves nothing behind.

    Raises:
        OSError: No process can hold the lock; `explain_lock_error` gives advice.
    """
    if os.path.lexists(path):
        try:
            with exclusive(path, busy=f"{path} is held"):
                return False
        except LockedError:
            return True
    with tempfile.TemporaryFile(dir=_nearest(path.parent.absolute())) as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return False


def is_being_made(folder: Path) -> bool:
    """Whether another process holds the lock of `making`; see `is_locked`."""
    return is_locked(_lock_of(folder))


def _lock_of(folder: Path) -> Path:
    """The lock file of a folder that is being created."""
    return folder.with_name(f".{folder.name}.lock")


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest existing parent. Raises `OSError` if neither can be seen."""
    try:
        path.lstat()
    except FileNotFoundError:
        return _nearest(path.parent)
    return path


def write_atomically(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Writes a UTF-8 text file completely or not at all, whatever happens meanwhile.

    Args:
        path: The file. It is replaced if it exists.
        text: Its content.
        mode: Its permissions, before the umask is applied.

    Raises:
        OSError: It cannot be written; an existing file stays unchanged.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    try:
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    value = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            value.update(chunk)
    return value.hexdigest()


@contextlib.contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder to fill, which replaces `folder` unless something is raised."""
    new, old = (folder.with_name(f".{folder.name}.{part}") for part in ("new", "old"))
    restore_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        restore_folder(folder)


def restore_folder(folder: Path) -> None:
    """Restores a folder whose replacement stopped between the two renames, and cleans up."""
    old = folder.with_name(f".{folder.name}.old")
    if not folder.exists() and old.exists():
        old.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
