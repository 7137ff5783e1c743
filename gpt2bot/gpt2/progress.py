"""Progress bars for work that takes longer than a moment."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["progress"]

DELAY = 1.0  # seconds; work that is finished by then shows no bar


@contextlib.contextmanager
def progress(total: int, description: str, unit: str = "it") -> Iterator[Callable[[], object]]:
    """Shows a progress bar on stderr if that is a terminal, and removes it at the end.

    tqdm is imported only then, because it would cost every cron job a twentieth of a second.

    Args:
        total: The number of steps.
        description: What is being done.
        unit: The name of a step.

    Yields:
        A function to call after each step. After the end, it does nothing.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    from tqdm import tqdm

    with tqdm(
        total=total, desc=description, unit=unit, leave=False, delay=DELAY, dynamic_ncols=True
    ) as bar:
        yield bar.update
