"""Prepares the standard streams and shows results on stdout. `log` shows messages on stderr."""

from __future__ import annotations

import os
import shutil
import sys
import time
from io import TextIOWrapper
from pathlib import Path

from gpt2bot.errors import GPT2BotError

__all__ = ["prepare_streams", "show", "use_utc", "width"]


def prepare_streams() -> None:
    """Makes both streams UTF-8 in any locale. A closed stream (`2>&-`) discards its output."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - stays open
            setattr(sys, name, nowhere)
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def show(result: str) -> None:
    """Prints a result and flushes, so that a reader gets it before the next one is ready."""
    try:
        print(result, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GPT2BotError(f"cannot write the output: {error.strerror}") from error


def width() -> int | None:
    """The width of the terminal in columns; None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def use_utc() -> None:
    """From now on, times are shown in UTC, as with `TZ=UTC gpt2bot ...`."""
    os.environ["TZ"] = "UTC0"  # needs no time zone data
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()
