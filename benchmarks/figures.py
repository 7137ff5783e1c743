"""The figures of a run: what was measured, on which system and model, and how often."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OWN = "gpt2bot int8"
CTRANSLATE2 = "CTranslate2 int8"
LLAMA_CPP = "llama.cpp Q8_0"
TRANSFORMERS = "transformers float32"

BANDWIDTH = "bandwidth"  # bytes per second
HELP = "help"  # seconds, `gpt2bot --help`
IMPORT = "import"  # seconds, `import tensorflow`
COMPILE = "compile"  # seconds, `gpt2bot compile`
COMPILE_PEAK = "compile peak"  # bytes
COLD = "cold"  # seconds, a whole process that writes one text
PEAK = "peak"  # bytes, of that process
WEIGHTS = "weights"  # bytes of int8 weights, see `derived.int8_bytes`
ANONYMOUS = "anonymous"  # bytes, of that process
STARTUP = "startup"  # seconds until a model is loaded
FIRST = "first"  # seconds until the first token
DECODE = "decode step"  # seconds per step after the first token, see `derived.pace`
STEP = "step"  # the same, for growing batches and lengths
SAME_TOP_1 = "same top 1"  # share of positions
MORE_BITS = "more bits"  # relative increase in bits per character from float32 to int8


@dataclass(frozen=True)
class Case:
    """What a figure belongs to. Fields that do not apply are empty."""

    system: str = ""
    model: str = ""
    threads: int = 0
    batch: int = 0
    length: int = 0


class Figures:
    """Repeated measurements by kind and case."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, Case], list[float]] = {}

    def add(self, kind: str, value: float, case: Case = Case()) -> None:
        """Adds a measurement."""
        self._values.setdefault((kind, case), []).append(value)

    def median(self, kind: str, case: Case = Case()) -> float | None:
        """The median of the measurements; None if there are none."""
        values = self._values.get((kind, case))
        return statistics.median(values) if values else None

    def best(self, kind: str, where: Callable[[Case], bool] = lambda _: True) -> float | None:
        """The highest of the medians of some cases; None if there is none."""
        return max(
            (statistics.median(self._values[kind, case]) for case in self.cases(kind, where)),
            default=None,
        )

    def cases(self, kind: str, where: Callable[[Case], bool] = lambda _: True) -> Iterator[Case]:
        """The cases that have a figure of a kind, in the order of their first measurement."""
        return (case for known, case in self._values if known == kind and where(case))

    def rows(self) -> list[dict[str, Any]]:
        """All measurements, for JSON."""
        return [
            {"kind": kind, **asdict(case), "values": values}
            for (kind, case), values in self._values.items()
        ]

    @classmethod
    def of_rows(cls, rows: list[dict[str, Any]]) -> Figures:
        """The inverse of `rows`."""
        figures = cls()
        for row in rows:
            kind, values = row.pop("kind"), row.pop("values")
            figures._values[kind, Case(**row)] = values
        return figures


@dataclass
class Results:
    """A run.

    Attributes:
        machine: Facts about the machine, by name.
        versions: The version of each system.
        notes: What was left out, and why.
        figures: The measurements.
    """

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)

    def write(self, path: Path) -> None:
        """Writes the results as JSON."""
        values = {**vars(self), "figures": self.figures.rows()}
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Reads what `write` wrote."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**values, "figures": Figures.of_rows(values["figures"])})
