"""Shows log messages on stderr, one line each."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["show_messages", "show_problems_only"]


class _OneLine(logging.Handler):
    """Prints a record on one line, to the current `sys.stderr`."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = " ".join(record.getMessage().splitlines())
            with _without_bars():
                print(f"gpt2bot: {line}", file=sys.stderr, flush=True)
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)


def _without_bars() -> AbstractContextManager[object]:
    """Takes tqdm's bars away while a line is printed, if there can be any: it is not imported."""
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)
    return bars.external_write_mode(file=sys.stderr) if bars else contextlib.nullcontext()


def show_messages(level: int = logging.INFO) -> None:
    """Shows this package's messages from this level up. Calling it again changes the level."""
    logger = logging.getLogger("gpt2bot")
    if not any(isinstance(handler, _OneLine) for handler in logger.handlers):
        logger.addHandler(_OneLine())
        logger.propagate = False  # TensorFlow adds a handler to the root logger
    logger.setLevel(level)


def show_problems_only() -> None:
    """Shows only warnings and errors in unattended runs, so that cron sends no needless mail."""
    if not sys.stderr.isatty():
        show_messages(logging.WARNING)
