"""Stops a training run between two steps, never within one."""

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
    """Yields a list that collects SIGINT (Ctrl-C) and SIGTERM instead of letting them act at once.

    A second signal of the same kind acts immediately. The caller checks the list when it can stop,
    leaves the context, and passes the signal on with `signal.raise_signal`.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received  # Python handles signals only in the main thread
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def record(number: int, _: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, previous[signal.Signals(number)])

    for number, handler in previous.items():
        if handler is not signal.SIG_IGN:  # ignored signals stay ignored, as under nohup
            signal.signal(number, record)
    try:
        yield received
    finally:
        for number, handler in previous.items():
            if signal.getsignal(number) is record:
                signal.signal(number, handler)
