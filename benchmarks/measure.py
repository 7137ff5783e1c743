"""Runs whole processes and measures them from outside: time and memory.

The measuring process must itself stay small: Linux counts from the fork, so the peak memory of a
new process starts at the size of its parent.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAMPLING_SECONDS = 0.01
_KIB = 1024


class MeasureError(Exception):
    """A process to be measured failed."""


@dataclass(frozen=True)
class Process:
    """The time and memory that a finished process took.

    Attributes:
        seconds: From its start to its end.
        peak_bytes: The most memory that it held at once, including mapped files.
        anonymous_bytes: The most memory without mapped files; 0 if unknown, for example on systems
            other than Linux. It is sampled, so a short peak may be missed.
        output: What it wrote to stdout.
    """

    seconds: float
    peak_bytes: int
    anonymous_bytes: int
    output: str


def run(command: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> Process:
    """Runs a command to its end.

    Args:
        command: The program and its arguments.
        env: Environment variables to add to those of this process.
        cwd: The folder to run it in.

    Raises:
        MeasureError: It cannot be started or it fails. The message has the last line of its stderr.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        try:
            process = subprocess.Popen(
                list(map(str, command)),
                env={**os.environ, **env},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        except OSError as error:
            raise MeasureError(f"{command[0]} cannot be run: {error.strerror}") from error
        anonymous, peak = _wait(process)
        seconds = time.perf_counter() - begin
        out.seek(0)
        err.seek(0)
        output, errors = (stream.read().decode(errors="replace") for stream in (out, err))
    if process.returncode:
        reason = (errors.strip() or output.strip() or "no output").splitlines()[-1]
        raise MeasureError(f"{Path(command[0]).name} ended with {process.returncode}: {reason}")
    return Process(seconds, peak, anonymous, output)


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Waits for the end. Returns the peaks of anonymous memory and of all memory, in bytes."""
    status = Path(f"/proc/{process.pid}/status")
    anonymous = 0
    while True:
        anonymous = max(anonymous, _anonymous_bytes(status))
        pid, code, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(code)
            return anonymous, usage.ru_maxrss * (1 if os.uname().sysname == "Darwin" else _KIB)
        time.sleep(SAMPLING_SECONDS)


def _anonymous_bytes(status: Path) -> int:
    try:
        match = re.search(r"^RssAnon:\s+(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return 0
    return int(match[1]) * _KIB if match else 0
