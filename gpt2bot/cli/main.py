"""The command line: finds the command, runs it and returns its exit code."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from gpt2bot import __version__
from gpt2bot.cli import signals
from gpt2bot.cli.commands import COMMANDS, GROUPS
from gpt2bot.cli.log import show_messages
from gpt2bot.cli.parser import Program
from gpt2bot.cli.terminal import prepare_streams, show
from gpt2bot.errors import GPT2BotError

if TYPE_CHECKING:
    from collections.abc import Sequence

logger = logging.getLogger(__name__)

NOBODY_READS = 141  # as in a shell: 128 + the number of the signal, here SIGPIPE

PROGRAM = Program(
    name="gpt2bot",
    version=__version__,
    about="Writes tweets with GPT-2, labels them as synthetic and posts them to X.",
    functions=COMMANDS,
    groups=GROUPS,
    show=show,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Ctrl-C and SIGTERM end the process with exit code 130 or 143. After this function returns they
    are ignored, because the process is about to end anyway.

    Args:
        argv: The arguments. If None, those of the process.

    Returns:
        The exit code: 0, that of the `GPT2BotError`, or 141 if the reader of the output is gone.
    """
    prepare_streams()
    show_messages()
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Python flushes both streams again at exit.
        for descriptor in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
        return NOBODY_READS
    finally:
        signals.ignore()


def _run(argv: Sequence[str]) -> int:
    try:
        try:
            signals.raise_once()
            PROGRAM.parse(argv)()
        finally:
            signals.end_at_once()
    except BaseException as error:
        if signals.received:
            is_stop = isinstance(error, (KeyboardInterrupt, SystemExit))
            words = [word for word in error.args if is_stop and isinstance(word, str)]
            signals.end(signals.received[0], *words)
        if isinstance(error, GPT2BotError):
            logger.error("%s", error)
            return error.exit_code
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            logger.error("%s", error)  # it names the file, for example an unreadable folder
            return GPT2BotError.exit_code
        raise
    return 0
