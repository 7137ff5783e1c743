"""One process at a time: whoever makes or changes a model holds its lock."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gpt2bot.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Holds the lock of a model, which the kernel gives free when the process ends.

    Args:
        folder: Of the model, which need not be there; the lock is a hidden file beside it.

    Raises:
        LockedError: Another process holds it; said at once, without waiting.
    """
    import filelock

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = filelock.FileLock(folder.with_name(f".{folder.name}.lock")).acquire(blocking=False)
    except filelock.Timeout as error:
        raise LockedError(
            f"another process is making {folder}: wait until it is done, or stop it"
        ) from error
    with held:
        yield
