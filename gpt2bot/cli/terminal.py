"""The standard streams, and results on stdout; `log` has the messages on stderr."""

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
    """Makes both streams UTF-8 in any locale. One that is closed, as by `2>&-`, goes nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - stays open
            setattr(sys, name, nowhere)
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def show(result: str) -> None:
    """Prints a result, at once: a pipe may be read while the next one is being made."""
    try:
        print(result, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise GPT2BotError(f"the output cannot be written: {error.strerror}") from error


def width() -> int | None:
    """The columns of the terminal that shows the results; None if they go elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def use_utc() -> None:
    """From now on, times are shown in UTC, as by `TZ=UTC gpt2bot ...`."""
    os.environ["TZ"] = "UTC0"  # which needs no data on zones
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()
