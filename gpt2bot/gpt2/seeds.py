"""Seeds, and the random numbers that come from them."""

from __future__ import annotations

import numpy as np


def row_seeds(seed: int, n: int, start: int = 0) -> list[int]:
    """The seeds of rows `start` to `start + n - 1` of a run.

    Row 0 has the run's own seed and the others have seeds derived from it, so that any row can be
    drawn again alone, given its seed. They are below 2^53, which JSON's numbers hold exactly.
    """
    return [seed if row == 0 else _derived(seed, row) for row in range(start, start + n)]


def uniforms(seed: int, n: int) -> np.ndarray:
    """The first n random numbers of a row, [n] float32 in [0, 1), one a step.

    They come from Philox (Salmon et al. 2011), whose stream is a function of its key: the first
    numbers of a longer stream are those of a shorter one.
    """
    return np.random.Generator(np.random.Philox(key=seed)).random(n, dtype=np.float32)


def _derived(seed: int, row: int) -> int:
    (state,) = np.random.SeedSequence([seed, row]).generate_state(1, np.uint64)
    return int(state) >> 11
