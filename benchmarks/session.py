"""A run: makes what is measured, measures it round by round, and collects the figures.

In each round every system has its turn, so that a machine that is slower for a while is so for
all of them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import figures as f
from benchmarks.derived import int8_bytes, pace
from benchmarks.figures import OWN, Case, Results
from benchmarks.machine import describe
from benchmarks.measure import MeasureError, Process, run
from benchmarks.peers.runner import PROMPT, PROMPT_IDS
from benchmarks.systems import ENVIRONMENT, PEERS, ROOT, System, own_system
from gpt2bot.gpt2.download.registry import DEMO, is_model
from gpt2bot.gpt2.hparams import HParams

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        models: Names of random models.
        peers: Names of peers.
        with_demo: Whether the bundled model is measured, too.
        rounds: How often each system is measured.
        threads: Numbers of threads.
        batches: Numbers of rows.
        length: New tokens per row.
        growth_batches: Numbers of rows, to show how the cost grows.
        growth_lengths: Numbers of new tokens, to show how the cost grows.
        repeats: The most measurements of a point in a round.
        patience: Seconds after which a point is not measured again in a round.
        megabytes: Memory to read for the bandwidth.
    """

    models: tuple[str, ...]
    peers: tuple[str, ...]
    with_demo: bool = True
    rounds: int = 3
    threads: tuple[int, ...] = (1, 2)
    batches: tuple[int, ...] = (1, 8)
    length: int = 64
    growth_batches: tuple[int, ...] = (1, 2, 4, 8, 16)
    growth_lengths: tuple[int, ...] = (64, 128, 256, 512)
    repeats: int = 3
    patience: float = 8.0
    megabytes: int = 1000


@dataclass
class Session:
    """The state of a run: its plan, folder and results so far."""

    plan: Plan
    scratch: Path
    results: Results = field(default_factory=Results)

    def run(self) -> Results:
        """Makes and measures everything in the plan. What fails is left out, with a note."""
        self.results.machine = describe()
        self.scratch.mkdir(parents=True, exist_ok=True)
        self._config.write_text("", encoding="utf-8")
        own = own_system(self.scratch, self._models)
        for model in self._all_models:
            self._make(model)
            self._compile(model)
        systems = [own]
        for name in self.plan.peers:
            with self._noting(name):
                systems.append(self._peer(name))
        for number in range(self.plan.rounds):
            _say(f"round {number + 1} of {self.plan.rounds}")
            self._machine_and_commands()
            for model in self.plan.models:
                for system in systems:
                    self._turn(system, model)
        self._growth(own)
        return self.results

    @property
    def _models(self) -> Path:
        return self.scratch / "models"

    @property
    def _config(self) -> Path:
        return self.scratch / "config.toml"

    @property
    def _all_models(self) -> tuple[str, ...]:
        return (*([DEMO] if self.plan.with_demo else []), *self.plan.models)

    def _make(self, model: str) -> None:
        folder = self._models / model
        if is_model(folder):
            return
        _say(f"making {model}")
        if model == DEMO:
            shutil.copytree(
                ROOT / "models" / DEMO, folder, ignore=shutil.ignore_patterns("litert-*")
            )
        else:
            self._run([sys.executable, "-m", "benchmarks.checkpoints", str(folder), model])

    def _compile(self, model: str) -> None:
        _say(f"compiling {model}")
        for compiled in (self._models / model).glob("litert-*"):
            shutil.rmtree(compiled)  # otherwise there would be nothing to compile
        with self._noting(f"compiling {model}"):
            process = self._gpt2bot("compile", model)
            self.results.figures.add(f.COMPILE, process.seconds, Case(OWN, model))
            self.results.figures.add(f.COMPILE_PEAK, process.peak_bytes, Case(OWN, model))
            if model == DEMO:
                self._accuracy(self._models / model)

    def _accuracy(self, folder: Path) -> None:
        """Copies the accuracy that `compile` measured; it is meaningless for random weights."""
        for manifest in folder.glob("litert-*/manifest.json"):
            accuracy = json.loads(manifest.read_text(encoding="utf-8"))["accuracy"]
            bits, reference = (
                accuracy[name] for name in ("bits_per_character", "bits_per_character_float32")
            )
            case = Case(OWN, folder.name)
            self.results.figures.add(f.MORE_BITS, bits / reference - 1, case)
            self.results.figures.add(f.SAME_TOP_1, accuracy["top1_agreement"], case)

    def _peer(self, name: str) -> System:
        """Installs a peer and makes its models."""
        _say(f"preparing {name}")
        system = PEERS[name](self.scratch)
        for model in self.plan.models:
            system.prepare(self._models / model)
        return system

    def _machine_and_commands(self) -> None:
        figures = self.results.figures
        for threads in self.plan.threads:
            module = [sys.executable, "-m", "benchmarks.bandwidth"]
            process = self._run([*module, str(threads), str(self.plan.megabytes)])
            figures.add(f.BANDWIDTH, float(process.output), Case(threads=threads))
        with self._noting("import tensorflow"):
            process = self._run([sys.executable, "-c", "import tensorflow"])
            figures.add(f.IMPORT, process.seconds)
        with self._noting("gpt2bot --help"):
            figures.add(f.HELP, self._gpt2bot("--help").seconds)

    def _turn(self, system: System, model: str) -> None:
        folder, plan = self._models / model, self.plan
        with self._noting(f"{system.name}, {model}"):
            for threads in plan.threads:
                points = tuple((batch, plan.length) for batch in plan.batches)
                request = system.request(
                    folder, threads, points, repeats=plan.repeats, patience=plan.patience
                )
                _, reply = system.measure(request)
                self.results.versions[system.name] = reply["version"]
                case = Case(system.name, model, threads)
                self.results.figures.add(f.STARTUP, reply["startup"], case)
                for batch, length, first, whole in _measured(reply):
                    case = Case(system.name, model, threads, batch, length)
                    self.results.figures.add(f.FIRST, first, case)
                    self.results.figures.add(f.DECODE, pace(first, whole, length), case)
            self._whole_process(system, model)  # last, so that the files are in the page cache

    def _whole_process(self, system: System, model: str) -> None:
        """Measures a process that writes one text: our own command, or a peer's runner."""
        length = self.plan.length
        if system.name == OWN:
            options = ["--raw", "--length", str(length), "--model", model, "--seed", "1"]
            process = self._gpt2bot("sample", *options, "--prompt", PROMPT)
        else:
            threads = max(self.plan.threads)
            request = system.request(self._models / model, threads, ((1, length),), repeats=0)
            process, _ = system.measure(request)
        case = Case(system.name, model)
        self.results.figures.add(f.COLD, process.seconds, case)
        self.results.figures.add(f.PEAK, process.peak_bytes, case)
        if process.anonymous_bytes:
            self.results.figures.add(f.ANONYMOUS, process.anonymous_bytes, case)

    def _growth(self, own: System) -> None:
        """Measures how the cost of a step grows with the batch and the length."""
        plan, threads = self.plan, max(self.plan.threads)
        for model in self._all_models:
            _say(f"growth of {model}")
            hparams = HParams.read(self._models / model / "hparams.json")
            self.results.figures.add(f.WEIGHTS, int8_bytes(hparams), Case(OWN, model))
            points = [(batch, plan.growth_lengths[0]) for batch in plan.growth_batches]
            points += [
                (batch, length) for length in plan.growth_lengths[1:] for batch in plan.batches
            ]
            # A small vocabulary may need twice as many tokens for the prompt.
            fitting = tuple(p for p in points if 2 * len(PROMPT_IDS) + p[1] <= hparams.n_ctx)
            with self._noting(f"growth of {model}"):
                request = own.request(
                    self._models / model,
                    threads,
                    fitting,
                    repeats=plan.repeats,
                    patience=plan.patience,
                )
                for batch, length, first, whole in _measured(own.measure(request)[1]):
                    case = Case(OWN, model, threads, batch, length)
                    self.results.figures.add(f.STEP, pace(first, whole, length), case)

    def _gpt2bot(self, *words: str) -> Process:
        settings = {
            "GPT2BOT_CONFIG": str(self._config),
            "GPT2BOT_MODELS_DIR": str(self._models),
            "GPT2BOT_THREADS": str(max(self.plan.threads)),
        }
        return self._run([sys.executable, "-m", "gpt2bot", *words], settings)

    def _run(self, command: list[str], settings: dict[str, str] | None = None) -> Process:
        return run(command, ENVIRONMENT | (settings or {}), self.scratch)

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Notes once what could not be measured, and continues."""
        try:
            yield
        except MeasureError as error:
            _say(f"{what} is left out: {error}")
            # Without the reason, which may name paths and hosts of this machine.
            note = f"{what} is left out: it could not be installed or failed."
            if note not in self.results.notes:
                self.results.notes.append(note)


def _measured(reply: dict[str, Any]) -> Iterator[tuple[int, int, float, float]]:
    """Batch, length, and seconds to the first and to the last token of each measurement."""
    for point in reply["points"]:
        for first, whole in zip(point["first"], point["whole"], strict=True):
            yield point["batch"], point["length"], first, whole


def _say(message: str) -> None:
    print(f"benchmarks: {message}", file=sys.stderr, flush=True)
