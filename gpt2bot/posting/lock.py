"""One run at a time: an exclusive lock for each bot, that is for each state folder."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gpt2bot.errors import LockedError, StateError
from gpt2bot.posting.database import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["exclusive", "is_held"]


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the lock of the bot whose state folder this is.

    The kernel gives it free when the process ends, however it ends: the file `lock` stays, and
    its being there means nothing.

    Raises:
        LockedError: Another run holds it; said at once, without waiting.
        StateError: The folder cannot be used.
    """
    import filelock

    private_folder(folder)
    path = folder / "lock"
    # A soft lock would outlive a killed process and stop the bot for good.
    lock = filelock.FileLock(path, timeout=0, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise LockedError(
            f"another run of this bot is at work (it holds {path}): nothing was done"
        ) from None
    except OSError as error:
        raise StateError(
            f"cannot lock {path} ({error.strerror}): let the user who runs the bot write there"
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a run of the bot is at work whose state folder this is. Nothing is created.

    Raises:
        StateError: That cannot be told.
    """
    if not (folder / "lock").exists():
        return False
    try:
        with exclusive(folder):
            return False
    except LockedError:
        return True
