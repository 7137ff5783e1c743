"""The systems that are measured: this project and its peers, each ready to run."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.environments import node_environment, python_environment
from benchmarks.figures import CTRANSLATE2, LLAMA_CPP, OWN, TRANSFORMERS
from benchmarks.measure import Process, run
from benchmarks.peers.runner import Request

ROOT = Path(__file__).resolve().parents[1]
# Runs this checkout, even if another version is installed.
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True)
class System:
    """A system in its environment.

    Attributes:
        name: Its name in the report.
        runner: The command that measures it; a request is appended.
        cwd: The folder to run the command in.
        converter: The command that makes a model in its format; the folder of our model and the
            path of the new one are appended. None if the system reads our format.
        converted: The folder of its models.
    """

    name: str
    runner: tuple[str, ...]
    cwd: Path
    converter: tuple[str, ...] | None
    converted: Path

    def prepare(self, model: Path) -> None:
        """Converts the model to the system's format, unless that was done before.

        Raises:
            MeasureError: The conversion fails.
        """
        path = self.path(model)
        if self.converter and not path.exists():
            self.converted.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f"{path.name}.new")
            run([*self.converter, model, new], ENVIRONMENT, self.cwd)
            new.rename(path)

    def path(self, model: Path) -> Path:
        """The path of a model in the system's format."""
        return self.converted / model.name

    def measure(self, request: Request) -> tuple[Process, dict[str, Any]]:
        """Runs the runner. Returns the process and its reply, as `peers/runner.py` describes it.

        Raises:
            MeasureError: It fails.
        """
        process = run(
            [*self.runner, json.dumps(asdict(request))],
            {**ENVIRONMENT, "OMP_NUM_THREADS": str(request.threads)},
            self.cwd,
        )
        reply: dict[str, Any] = json.loads(process.output.splitlines()[-1])
        return process, reply

    def request(
        self,
        model: Path,
        threads: int,
        points: tuple[tuple[int, int], ...],
        *,
        repeats: int,
        patience: float = 0.0,
    ) -> Request:
        """A request for a process that starts now."""
        return Request(str(self.path(model)), threads, points, repeats, patience, time.time())


def own_system(scratch: Path, models: Path) -> System:
    """This project."""
    return System(OWN, _module(sys.executable, "gpt2bot_int8"), scratch, None, models)


def transformers(scratch: Path) -> System:
    """The library transformers.

    Raises:
        MeasureError: It cannot be installed.
    """
    python = python_environment(
        scratch / "environments" / "transformers", ["torch==2.13.0", "transformers==5.24.0"]
    )
    return _python_peer(TRANSFORMERS, "transformers", "float32", str(python), scratch)


def ctranslate2(scratch: Path) -> System:
    """CTranslate2.

    Raises:
        MeasureError: It cannot be installed.
    """
    python = python_environment(
        scratch / "environments" / "ctranslate2", ["ctranslate2==4.8.5", "numpy>=2,<3"]
    )
    return _python_peer(CTRANSLATE2, "ctranslate2", "int8", str(python), scratch)


def llama_cpp(scratch: Path) -> System:
    """llama.cpp, through node-llama-cpp.

    Raises:
        MeasureError: It cannot be installed.
    """
    python = python_environment(scratch / "environments" / "gguf", ["gguf==0.19.0"])
    folder = node_environment(scratch / "environments" / "llama_cpp", "3.22.1")
    script = shutil.copy(ROOT / "benchmarks" / "peers" / "llama_cpp.mjs", folder)
    return System(
        LLAMA_CPP,
        ("node", str(script)),
        folder,
        _module(str(python), "llama_cpp_convert"),
        scratch / "converted" / "llama_cpp",
    )


PEERS = {"llama.cpp": llama_cpp, "ctranslate2": ctranslate2, "transformers": transformers}


def _python_peer(name: str, module: str, kind: str, python: str, scratch: Path) -> System:
    return System(
        name,
        _module(python, f"{module}_{kind}"),
        scratch,
        _module(python, f"{module}_convert"),
        scratch / "converted" / module,
    )


def _module(python: str, name: str) -> tuple[str, ...]:
    return (python, "-m", f"benchmarks.peers.{name}")
