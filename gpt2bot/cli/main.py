"""The command line: finds the command, runs it, and gives its exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from gpt2bot import __version__
from gpt2bot.cli.commands import COMMANDS
from gpt2bot.cli.log import show_messages
from gpt2bot.cli.parser import Program
from gpt2bot.cli.terminal import prepare_streams, show
from gpt2bot.errors import GPT2BotError

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

INTERRUPTED = 130  # as a shell counts: 128 and the number of the signal, here SIGINT
NOBODY_READS = 141  # SIGPIPE

PROGRAM = Program(
    name="gpt2bot",
    version=__version__,
    about="Writes tweets with GPT-2, labels them as synthetic and posts them to X.",
    functions=COMMANDS,
    show=show,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The arguments; those of the process if None.

    Returns:
        The exit code: 0, that of the `GPT2BotError`, 130 after Ctrl-C, 141 if nobody reads.
    """
    prepare_streams()
    show_messages()
    # An exception, so that locks are released and files are closed.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Python flushes both once more at its end.
        for descriptor in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        return NOBODY_READS


def _run(argv: Sequence[str]) -> int:
    """Also while it tells of an error a command can be interrupted."""
    try:
        return _obey(argv)
    except KeyboardInterrupt:
        logger.error("interrupted")
        return INTERRUPTED
    except SystemExit:
        logger.error("stopped")
        raise


def _obey(argv: Sequence[str]) -> int:
    try:
        PROGRAM.parse(argv)()
    except GPT2BotError as error:
        logger.error("%s", error)
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:  # for example a folder that may not be read: its text says which
        logger.error("%s", error)
        return GPT2BotError.exit_code
    return 0
