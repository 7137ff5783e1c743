"""Ctrl-C (SIGINT) and SIGTERM: one line on stderr and an exit code, at any instant.

Before a command runs there is nothing to clean up, and a signal ends the process at once. While it
runs, the first signal raises an exception, so that locks are released and files are closed; a
second one ends the process at once. After it, nothing is left to stop, and signals are ignored.

A handler changes the handlers itself, before it raises: so a second signal meets no moment in which
an exception would be a traceback. A signal that was ignored from the start stays ignored, as in a
shell's background jobs.

This module is imported before all others, and imports only what Python has loaded by then: `signal`
and `typing` take milliseconds, in which Ctrl-C would be a traceback.
"""

import _signal as signal  # type: ignore[import-not-found]
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    Handler = Callable[[int, FrameType | None], None]

__all__ = ["end", "end_at_once", "ignore", "raise_once", "received"]

received: list[int] = []
"""The signal that raised an exception, which may come out as another one: libraries convert it."""

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped"}


def end_at_once() -> None:
    """From now on a signal ends the process at once."""
    _handle(_end)


def raise_once() -> None:
    """From now on the first signal raises `KeyboardInterrupt`, or `SystemExit` for SIGTERM.

    Both have the exit code as `code`.
    """
    sys.unraisablehook = _end_if_swallowed
    _handle(_raise)


def ignore() -> None:
    """From now on signals are ignored: the process is about to end by itself."""
    _handle(signal.SIG_IGN)


def end(number: int, when: str = "") -> "NoReturn":
    """Ends the process as a signal does.

    Nothing more of Python or of a native library runs, which could write to stderr.

    Args:
        number: The signal's number.
        when: Further words for the line that is shown.
    """
    ignore()
    line = " ".join(filter(None, (_WORDS[number], when)))
    try:
        # Not by `print`: the signal may have come in the middle of one.
        os.write(2, f"gpt2bot: {line}\n".encode())
    finally:  # even if stderr is closed, or nobody reads it
        os._exit(128 + number)  # as a shell counts


def _handle(handler: "Handler | int") -> None:
    for number in _WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _end(number: int, _: "FrameType | None") -> None:
    end(number)


def _raise(number: int, _: "FrameType | None") -> None:
    end_at_once()
    received.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _end_if_swallowed(unraisable: "sys.UnraisableHookArgs") -> None:
    """Python drops an exception that is raised in a callback, as of the import system."""
    if received:
        end(received[0])
    sys.__unraisablehook__(unraisable)
