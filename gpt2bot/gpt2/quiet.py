"""Keeps the messages of native libraries off stderr."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discards what is written to file descriptor 2; exceptions still report what goes wrong.

    This is for libraries that log before a setting can stop them, or that have no such setting.
    """
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed, so nothing can be written to it
        yield
        return
    devnull = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(devnull, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(devnull)
