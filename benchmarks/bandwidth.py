"""Measures memory read bandwidth: `python -m benchmarks.bandwidth THREADS MEGABYTES`."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

REPETITIONS = 8


def read_bandwidth(threads: int, n_bytes: int) -> float:
    """Bytes per second at which threads together read an array; the best of some repetitions.

    The array must be far larger than the caches. NumPy's sum is limited only by memory, and
    releases the GIL.
    """
    parts = np.array_split(np.ones(n_bytes // 8, dtype=np.float64), threads)
    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(REPETITIONS):
            begin = time.perf_counter()
            list(pool.map(np.sum, parts))
            best = min(best, time.perf_counter() - begin)
    return n_bytes / best


if __name__ == "__main__":
    print(read_bandwidth(int(sys.argv[1]), int(sys.argv[2]) * 10**6))
