"""The common part of the Python runners; `llama_cpp.mjs` does the same for Node.

A runner takes a JSON request as its only argument, and prints a JSON reply as the last line of its
output.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    # Continues the prompt, given the number of rows and the number of tokens.
    Generate = Callable[[int, int], object]
    # Loads a model with a number of threads; also returns the version of the system.
    Load = Callable[[str, int], tuple[Generate, str]]

TOP_K = 40
PROMPT = "It was late in the evening when the two old friends met again at the"
END_OF_TEXT = 50256
# The prompt as GPT-2 sees it, after the end of another text: 16 tokens.
PROMPT_IDS = (
    END_OF_TEXT, 1026, 373, 2739, 287, 262, 6180, 618, 262, 734, 1468, 2460, 1138, 757, 379, 262,
)  # fmt: skip

WARM_UP_TOKENS = 4


@dataclass(frozen=True)
class Request:
    """What to measure in a process.

    Attributes:
        model: The file or folder of the model.
        threads: Number of threads.
        points: Pairs of batch and new tokens per row.
        repeats: The most measurements per point; at least one is made. 0 asks for a single text of
            each point and nothing else, like a whole process for one text.
        patience: Seconds after which a point is not measured again.
        started: When the process was started, in seconds since the epoch.
    """

    model: str
    threads: int
    points: tuple[tuple[int, int], ...]
    repeats: int
    patience: float
    started: float
    prompt: tuple[int, ...] = PROMPT_IDS
    top_k: int = TOP_K


@dataclass(frozen=True)
class Point:
    """Measurements for a batch and a length: seconds to the first and to the last token."""

    batch: int
    length: int
    first: list[float]
    whole: list[float]


def main(load: Load) -> None:
    """Carries out the request that is this process's argument."""
    request = Request(**json.loads(sys.argv[1]))
    generate, version = load(request.model, request.threads)
    startup = time.time() - request.started
    points = [_measure(generate, request, batch, length) for batch, length in request.points]
    reply = {
        "version": version,
        "startup": startup,
        "points": [asdict(point) for point in points],
    }
    print(json.dumps(reply))


def _measure(generate: Generate, request: Request, batch: int, length: int) -> Point:
    point = Point(batch, length, [], [])
    if not request.repeats:
        point.whole.append(_seconds(generate, batch, length))
        return point
    generate(batch, WARM_UP_TOKENS)
    begin = time.perf_counter()
    while not point.whole or (
        len(point.whole) < request.repeats and time.perf_counter() - begin < request.patience
    ):
        point.first.append(_seconds(generate, batch, 1))
        point.whole.append(_seconds(generate, batch, length))
    return point


def _seconds(generate: Generate, batch: int, length: int) -> float:
    begin = time.perf_counter()
    generate(batch, length)
    return time.perf_counter() - begin
