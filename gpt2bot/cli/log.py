"""Which log messages are shown, and how: one line each on stderr."""

from __future__ import annotations

import logging
import sys

__all__ = ["show_messages", "show_problems_only"]


class _OneLine(logging.Handler):
    """Prints a record on one line, to whatever stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = " ".join(record.getMessage().splitlines())
            print(f"gpt2bot: {line}", file=sys.stderr, flush=True)
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)


def show_messages(level: int = logging.INFO) -> None:
    """Shows this package's messages from a level on. Calling it again changes the level."""
    logger = logging.getLogger("gpt2bot")
    if not any(isinstance(handler, _OneLine) for handler in logger.handlers):
        logger.addHandler(_OneLine())
        logger.propagate = False  # TensorFlow gives the root logger a handler of its own
    logger.setLevel(level)


def show_problems_only() -> None:
    """For a run that nobody watches, as one of cron's: what is no problem must not cause a mail."""
    if not sys.stderr.isatty():
        show_messages(logging.WARNING)
