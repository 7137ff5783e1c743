"""Stops a training between two steps, never within one."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextlib.contextmanager
def deferred_signals() -> Iterator[list[int]]:
    """Gives a list in which Ctrl-C (SIGINT) and SIGTERM are noted, instead of acting at once.

    A second signal acts as ever. Who uses this looks into the list at a good moment, ends the
    context, and passes the signal on by `signal.raise_signal`.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # signals only ever reach the main thread
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    previous = {kind: signal.getsignal(kind) for kind in kinds}

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    for kind, handler in previous.items():
        if handler is not signal.SIG_IGN:  # as under nohup
            signal.signal(kind, note)
    try:
        yield received
    finally:
        for kind, handler in previous.items():
            signal.signal(kind, handler)
