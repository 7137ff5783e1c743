"""Values computed from the figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks import figures as f
from benchmarks.figures import OWN, Case

if TYPE_CHECKING:
    from benchmarks.figures import Figures
    from gpt2bot.gpt2.hparams import HParams


def int8_bytes(hparams: HParams) -> int:
    """Bytes of int8 weights that each token of a single row must read.

    These are all matrices except the positions, of which a token reads one row. The embeddings
    count, because they are also the output matrix.
    """
    return sum(
        math.prod(shape)
        for name, shape in hparams.shapes().items()
        if len(shape) > 1 and name != "wpe"
    )


def bound(figures: Figures, model: str) -> float | None:
    """Tokens per second of a single row that the memory bandwidth allows."""
    bandwidth = figures.best(f.BANDWIDTH)
    weights = figures.median(f.WEIGHTS, Case(OWN, model))
    return bandwidth / weights if bandwidth and weights else None


def pace(first: float, whole: float, length: int) -> float:
    """Seconds per step, from the seconds for one token and for `length` tokens.

    On a busy machine, the short text can take longer than the long one. The negative result still
    counts in the median, because leaving it out would bias the median upwards.
    """
    return (whole - first) / (length - 1)


def is_noise(seconds: float) -> bool:
    """Whether a median of `pace` shows only that the machine was busy."""
    return seconds <= 0


def rate(figures: Figures, case: Case) -> float | None:
    """Tokens per second of all rows together; None if not measured or only noise."""
    seconds = figures.median(f.DECODE, case)
    return None if seconds is None or is_noise(seconds) else case.batch / seconds


def decoding(figures: Figures, system: str, model: str, batch: int) -> float | None:
    """Tokens per second, with the number of threads that is fastest for the system."""
    wanted = (system, model, batch)
    cases = figures.cases(f.DECODE, lambda c: (c.system, c.model, c.batch) == wanted)
    return max(filter(None, (rate(figures, case) for case in cases)), default=None)


def steps(figures: Figures) -> dict[tuple[str, int, int], float]:
    """Milliseconds per step of the whole batch by model, batch and new tokens, with noise."""
    return {
        (case.model, case.batch, case.length): 1e3 * (figures.median(f.STEP, case) or 0)
        for case in figures.cases(f.STEP)
    }
