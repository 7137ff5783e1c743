"""A home of its own for the real command, which finds nothing of the developer's in it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.waiting import HANG

AT_A_TIME = """
import runpy, sys, time
now = float(sys.argv.pop(1))
time.time = lambda: now
runpy.run_module("gpt2bot", run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Home:
    """A folder that is the home and the working directory of the commands run in it.

    Attributes:
        path: The folder.
        now: The time at which the commands take place, in seconds since 1970; None is the true one.
        prefix: What stands before each command; see `restricted`.
    """

    path: Path
    now: float | None = None
    prefix: tuple[str, ...] = ()

    def environment(self, **environ: str) -> dict[str, str]:
        """The environment of a command: no settings but these."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GPT2BOT_", "XDG_"))}
        # Keras, which TensorFlow brings, imports Matplotlib where it is installed.
        elsewhere = str(Path(tempfile.gettempdir()) / "gpt2bot-matplotlib")
        return {**inherited, "HOME": str(self.path), "MPLCONFIGDIR": elsewhere, **environ}

    def start(self, *argv: str, **environ: str) -> subprocess.Popen[str]:
        """Starts `gpt2bot`."""
        return subprocess.Popen(
            [*self.prefix, sys.executable, *self._program(), *argv],
            cwd=self.path,
            env=self.environment(**environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def _program(self) -> list[str]:
        return ["-m", "gpt2bot"] if self.now is None else ["-c", AT_A_TIME, str(self.now)]

    def run(self, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs `gpt2bot` to its end, which is never a traceback."""
        process = self.start(*argv, **environ)
        out, err = process.communicate(timeout=HANG)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def files(self) -> list[str]:
        """What is in it."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*"))

    def write(self, name: str, text: str) -> Path:
        """Puts a file into it."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path
