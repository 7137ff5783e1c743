"""A bot's state folder: its owner's alone, and used by one run at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gpt2bot import files
from gpt2bot.errors import LockedError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["exclusive", "is_held", "private_folder"]


def private_folder(folder: Path) -> None:
    """Creates the state folder, readable by its owner only, unless it exists.

    Raises:
        StateError: It cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot create the state folder {folder} ({error.strerror}): make its parent writable"
            " for the user who runs the bot, or set another state_dir"
        ) from error


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the lock of the bot whose state folder this is.

    Raises:
        LockedError: Another run holds it. Raised at once, without waiting.
        StateError: The folder cannot be used.
    """
    private_folder(folder)
    path = folder / "lock"
    busy = f"another run of this bot is at work (it holds {path}): nothing was done"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(files.exclusive(path, busy=busy))
        except OSError as error:
            raise StateError(
                f"cannot lock {path} ({error.strerror}): {files.explain_lock_error(error)}"
            ) from error
        yield


def is_held(folder: Path) -> bool:
    """Whether a run of the bot with this state folder is at work. Creates nothing.

    Raises:
        StateError: It cannot be determined.
    """
    if not (folder / "lock").exists():
        return False
    try:
        with exclusive(folder):
            return False
    except LockedError:
        return True
