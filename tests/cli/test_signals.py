"""Ctrl-C and SIGTERM at any instant: one line, an exit code, and no traceback."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.waiting import HANG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.home import Home

    Start = Callable[..., subprocess.Popen[bytes]]

# With this, Python writes a line to stderr for each module when it has been imported: a clock that
# runs as fast as the process does, however busy the machine is.
IMPORT, FIRST = b"import time:", b"| gpt2bot.cli.signals"
ENDS = {signal.SIGINT: (130, "gpt2bot: interrupted"), signal.SIGTERM: (143, "gpt2bot: stopped")}


@pytest.fixture
def start(home: Home) -> Iterator[Start]:
    """Starts the real command, which does not outlive a test."""
    with contextlib.ExitStack() as stack:

        def start(*argv: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-X", "importtime", "-m", "gpt2bot", *argv],
                cwd=home.path,
                env=home.environment(),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def end(process: subprocess.Popen[bytes]) -> tuple[int, list[str]]:
    """The exit code, and what was said on stderr besides imports and the notice of the demo."""
    _, err = process.communicate(timeout=HANG)
    lines = err.decode().splitlines()
    expected = (IMPORT.decode(), "gpt2bot: the model")
    return process.returncode, [line for line in lines if not line.startswith(expected)]


def wait_for_imports(process: subprocess.Popen[bytes], number: int) -> None:
    """Waits until so many modules were imported after the first of ours."""
    assert process.stderr
    imports = (line for line in process.stderr if line.startswith(IMPORT))
    assert any(FIRST in line for line in imports)
    assert sum(1 for _ in itertools.islice(imports, number)) == number


def moments(last: int, number: int) -> list[int]:
    """Numbers of imports; with the first one, the program has been made ready for signals."""
    return [1 + last * step // number for step in range(number)]


@pytest.mark.parametrize("number", ENDS)
@pytest.mark.parametrize("imports", moments(100, 10))
def test_while_the_program_is_imported(start: Start, imports: int, number: signal.Signals) -> None:
    process = start("--help")
    wait_for_imports(process, imports)
    process.send_signal(number)
    code, said = end(process)
    assert (code, said) in ((ENDS[number][0], [ENDS[number][1]]), (0, []))


@pytest.mark.parametrize("imports", moments(500, 12))
def test_while_a_command_imports_what_it_needs(start: Start, imports: int) -> None:
    process = start("sample", "--nsamples", "500")
    wait_for_imports(process, imports)
    process.send_signal(signal.SIGINT)
    assert end(process) == (130, ["gpt2bot: interrupted"])


@pytest.mark.parametrize("imports", moments(500, 5))
def test_twice_in_a_row(start: Start, imports: int) -> None:
    process = start("sample", "--nsamples", "500")
    wait_for_imports(process, imports)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
    assert end(process) == (130, ["gpt2bot: interrupted"])


def test_while_help_waits_for_a_reader(start: Start) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"full")
    os.set_blocking(writing, True)
    process = start("--help", stdout=writing)
    os.close(writing)
    wait_for_imports(process, 100)
    process.send_signal(signal.SIGINT)
    assert end(process) == (130, ["gpt2bot: interrupted"])
    os.close(reading)


def test_ctrl_c_that_a_shell_ignores_in_the_background_stays_ignored(start: Start) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = start("--help")
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    wait_for_imports(process, 5)
    process.send_signal(signal.SIGINT)
    assert end(process) == (0, [])
