"""One process at a time: whoever makes or changes a model holds its lock."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gpt2bot.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def exclusive(folder: Path, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Holds the lock of a folder, which the kernel gives free when the process ends.

    Args:
        folder: It need not be there; the lock is a hidden file beside it.
        wait: Told that it must be waited for; None does not wait.

    Raises:
        LockedError: Another process holds it, and it was not to be waited for.
    """
    import filelock

    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        held = lock.acquire(blocking=False)
    except filelock.Timeout as error:
        if wait is None:
            raise LockedError(
                f"another process is making {folder}: wait until it is done, or stop it"
            ) from error
        wait(f"another process is making {folder}: waiting for it")
        held = lock.acquire()
    with held:
        yield
