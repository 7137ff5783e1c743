"""Keeps native libraries from writing to stderr what is no message to the user."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Sends what native code writes to stderr nowhere; exceptions still tell.

    For libraries that log before any setting of theirs could stop it, or have no such setting.
    """
    try:
        saved = os.dup(2)
    except OSError:  # it is closed, and so nothing can be written to it
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
