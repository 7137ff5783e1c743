"""A bot's state folder: private to its owner, and used by one run at a time."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from gpt2bot import files
from gpt2bot.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["check_folder", "exclusive", "is_held", "private_folder"]


def private_folder(folder: Path) -> None:
    """Creates the state folder, readable by its owner only, unless it exists.

    Raises:
        StateError: It cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error


def check_folder(folder: Path) -> None:
    """Checks that a run can create the state folder and write to it. Creates nothing.

    Raises:
        StateError: It cannot be created or written.
    """
    try:
        files.check_writable(folder)
    except OSError as error:
        raise _unusable(folder, error) from error


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the lock of the bot with this state folder.

    Raises:
        LockedError: Another run holds it. Raised at once, without waiting.
        StateError: The folder cannot be used.
    """
    private_folder(folder)
    path = folder / "lock"
    busy = f"another run of this bot is in progress (it holds {path}): nothing was done"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(files.exclusive(path, busy=busy))
        except OSError as error:
            raise _not_locked(path, error) from error
        yield


def is_held(folder: Path) -> bool:
    """Whether a run of the bot with this state folder is in progress. Creates nothing.

    Raises:
        StateError: It cannot be determined, or no run could hold the lock.
    """
    path = folder / "lock"
    try:
        return files.is_locked(path)
    except OSError as error:
        raise _not_locked(path, error) from error


def _not_locked(path: Path, error: OSError) -> StateError:
    advice = files.explain_lock_error(error)
    return StateError(f"cannot lock {path} ({error.strerror}): {advice}")


def _unusable(folder: Path, error: OSError) -> StateError:
    """Why the state folder cannot be created or written, and what to do."""
    nearest = next(
        place for place in (folder, *folder.absolute().parents) if os.path.lexists(place)
    )
    if not os.path.isdir(nearest):  # noqa: PTH112 - unlike Path.is_dir, it never raises
        return StateError(
            f"cannot use the state folder {folder}, because"
            f" {'it' if nearest == folder else nearest} is not a folder: set another state_dir"
        )
    what, place = ("write to", "it") if nearest == folder else ("create", "its parent")
    return StateError(
        f"cannot {what} the state folder {folder} ({error.strerror}): make {place} writable for the"
        " user who runs the bot, or set another state_dir"
    )
