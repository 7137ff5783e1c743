"""Progress is shown on a terminal only, is gone at the end, and leaves messages whole."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

from tests.fakes.terminal import read_all

PROGRAM = """
import logging, sys
from gpt2bot.cli.log import show_messages
from gpt2bot.gpt2 import progress
progress.DELAY = 0
show_messages()
with progress.progress(3, "writing", "tok") as advance:
    for step in range(3):
        advance()
        logging.getLogger("gpt2bot.gpt2").info("message %d", step)
advance()
print("tqdm" in sys.modules)
"""


def on_a_terminal() -> tuple[str, str]:
    """What the program writes to stdout, and what its terminal receives on stderr."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    received = read_all(ours)
    out, _ = process.communicate()
    assert process.returncode == 0
    return out, received


def test_a_terminal_shows_it_and_messages_stand_on_lines_of_their_own() -> None:
    out, received = on_a_terminal()
    assert out == "True\n"
    assert "writing: " in received
    lines = [line.rpartition("\r")[2] for line in received.split("\r\n")]
    assert lines[:3] == [f"gpt2bot: message {step}" for step in range(3)]
    assert lines[3].strip() == ""


def test_elsewhere_nothing_is_shown_or_imported() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert run.stdout == "False\n"
    assert run.stderr.splitlines() == [f"gpt2bot: message {step}" for step in range(3)]
