"""What follows from the figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks import figures as f
from benchmarks.figures import OWN, Case

if TYPE_CHECKING:
    from benchmarks.figures import Figures
    from gpt2bot.gpt2.hparams import HParams


def int8_bytes(hparams: HParams) -> int:
    """Bytes of the int8 weights that each token of a single row has to read.

    All matrices but that of the positions, of which a token takes one row. The embeddings count,
    since they are the output matrix, too.
    """
    return sum(
        math.prod(shape)
        for name, shape in hparams.shapes().items()
        if len(shape) > 1 and name != "wpe"
    )


def bound(figures: Figures, model: str) -> float | None:
    """Tokens a second of a single row that the memory's bandwidth allows."""
    bandwidth = figures.best(f.BANDWIDTH)
    weights = figures.median(f.WEIGHTS, Case(OWN, model))
    return bandwidth / weights if bandwidth and weights else None


def pace(first: float, whole: float, length: int) -> float:
    """Seconds a step, from the seconds of a text of one token and of one of `length` tokens.

    A busy machine can take longer for the short text than for the long one. The result is then
    negative, and it counts in the median all the same: leaving it out would make others look slow.
    """
    return (whole - first) / (length - 1)


def is_noise(seconds: float) -> bool:
    """Whether the median of `pace` says only that the machine was busy."""
    return seconds <= 0


def rate(figures: Figures, case: Case) -> float | None:
    """Tokens a second of all rows together; None if they were not measured, or are noise."""
    seconds = figures.median(f.DECODE, case)
    return None if seconds is None or is_noise(seconds) else case.batch / seconds


def decoding(figures: Figures, system: str, model: str, batch: int) -> float | None:
    """Tokens a second, with the number of threads that suits the system best."""
    wanted = (system, model, batch)
    cases = figures.cases(f.DECODE, lambda c: (c.system, c.model, c.batch) == wanted)
    return max(filter(None, (rate(figures, case) for case in cases)), default=None)


def steps(figures: Figures) -> dict[tuple[str, int, int], float]:
    """Milliseconds a step of the whole batch, by model, batch and new tokens; noise included."""
    return {
        (case.model, case.batch, case.length): 1e3 * (figures.median(f.STEP, case) or 0)
        for case in figures.cases(f.STEP)
    }
