"""Handles Ctrl-C (SIGINT) and SIGTERM with one line on stderr and an exit code, at any moment.

Before a command runs there is nothing to clean up, so a signal ends the process at once. While the
command runs, the first signal raises an exception, so that locks are released and files are closed.
A second signal ends the process at once. After the command, signals are ignored.

The handler replaces the handlers before it raises, so that a second signal can never cause a
traceback. A signal that was ignored from the start stays ignored, as in background jobs of a shell.

This module is imported before all others and imports only what Python has already loaded. Importing
`signal` and `typing` takes milliseconds in which Ctrl-C would cause a traceback.
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
"""The signal that raised an exception. Libraries may convert that exception to another one."""

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped"}


def end_at_once() -> None:
    """From now on a signal ends the process at once."""
    _handle(_end)


def raise_once() -> None:
    """From now on the first signal raises `KeyboardInterrupt`, or `SystemExit` for SIGTERM.

    The `SystemExit` has the exit code as its `code`.
    """
    sys.unraisablehook = _end_if_swallowed
    _handle(_raise)


def ignore() -> None:
    """From now on signals are ignored, because the process is about to end anyway."""
    _handle(signal.SIG_IGN)


def end(number: int, when: str = "") -> "NoReturn":
    """Ends the process as a signal would.

    No code of Python or of a native library runs afterwards, so nothing else is written to stderr.

    Args:
        number: The signal's number.
        when: More words for the line that is shown.
    """
    ignore()
    line = " ".join(filter(None, (_WORDS[number], when)))
    try:
        # Not with `print`: the signal may have interrupted one.
        os.write(2, f"gpt2bot: {line}\n".encode())
    finally:  # even if stderr is closed or nobody reads it
        os._exit(128 + number)  # as in a shell


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
    """Ends the process if Python dropped the exception, as it does in some callbacks."""
    if received:
        end(received[0])
    sys.__unraisablehook__(unraisable)
