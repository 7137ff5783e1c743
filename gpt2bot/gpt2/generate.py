"""Generates tokens, a batch of rows at a time, on any engine that runs the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from gpt2bot.errors import PromptTooLongError
from gpt2bot.gpt2.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpt2bot.gpt2.settings import Sampling

# Finished rows leave the batch only once they are this share of it, because the rest is copied.
_FINISHED_SHARE = 0.25


class Engine(Protocol):
    """Runs the network on a batch, keeps its keys and values, and samples from its logits.

    Shapes: b = batch, v = n_vocab.
    """

    def prefill(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Starts a new batch of token ids, in which no row is empty. Forgets the previous batch.

        Returns:
            Logits for each row's next token, float32 [b, v], valid until the next call.
        """

    def step(self, tokens: np.ndarray) -> np.ndarray:
        """Adds one token per row, int32 [b]. Returns logits for the next token, like `prefill`."""

    def reorder(self, rows: np.ndarray) -> None:
        """Keeps these rows of the batch, in this order. A row may be repeated."""

    def sample(self, logits: np.ndarray, uniform: np.ndarray, sampling: Sampling) -> np.ndarray:
        """Samples tokens, int32 [b], see `sampler.sample`."""


def generate(
    engine: Engine,
    prompts: Sequence[Sequence[int]],
    *,
    sampling: Sampling,
    n_ctx: int,
    end_of_text: int,
    seeds: Sequence[int],
    stopping_criterion: Callable[[int, Sequence[int]], bool] = lambda _row, _tokens: False,
) -> list[list[int]]:
    """Continues each prompt.

    A row ends at `end_of_text`, when `stopping_criterion` says so, at the wanted length, or when
    the context is full.

    Args:
        engine: Runs the network.
        prompts: Token ids of each row, at least one.
        sampling: How to sample tokens, and how many at most.
        n_ctx: The number of positions that the network has.
        end_of_text: The token that ends a row. It is not part of the result.
        seeds: One seed per row.
        stopping_criterion: Called after each new token with the row's number and its new tokens;
            returns whether the row ends.

    Returns:
        The new tokens of each row.

    Raises:
        PromptTooLongError: A prompt leaves no room for a new token.
    """
    longest = max(map(len, prompts))
    if longest >= n_ctx:
        raise PromptTooLongError(
            f"the prompt is {longest} tokens long, but the model's context of {n_ctx} tokens "
            "must have room for at least one more: shorten the prompt"
        )
    room = [min(sampling.length, n_ctx - len(prompt)) for prompt in prompts]
    random = np.stack([uniforms(seed, max(room)) for seed in seeds], axis=1)  # [steps, rows]
    texts: list[list[int]] = [[] for _ in prompts]
    running = np.full(len(prompts), fill_value=True)
    batch = np.arange(len(prompts))  # the numbers of the rows that the engine still has
    with progress(len(random), "writing", "tok") as advance:
        logits = _prefill(engine, prompts)
        for uniform in random:
            drawn = engine.sample(logits, uniform[batch], sampling)
            for row, token in zip(batch.tolist(), drawn.tolist(), strict=True):
                if running[row] and token != end_of_text:
                    texts[row].append(token)
                    has_room = len(texts[row]) < room[row]
                    running[row] = has_room and not stopping_criterion(row, texts[row])
                else:
                    running[row] = False
            if not running.any():
                break
            kept = np.flatnonzero(running[batch])
            if len(kept) <= len(batch) * (1 - _FINISHED_SHARE):
                engine.reorder(kept)
                batch, drawn = batch[kept], drawn[kept]
            logits = engine.step(drawn)
            advance()
    return texts


def row_seeds(seed: int, n: int, start: int = 0) -> list[int]:
    """The seeds of rows `start` to `start + n - 1` of a run.

    Row 0 has the run's own seed, and the others have seeds derived from it. So any row can be
    generated again alone from its seed. Seeds are below 2^53, so JSON represents them exactly.
    """
    return [seed if row == 0 else _derived(seed, row) for row in range(start, start + n)]


def uniforms(seed: int, n: int) -> np.ndarray:
    """The first n random numbers of a row, [n] float32 in [0, 1), one per step.

    They come from Philox (Salmon et al. 2011), whose stream is a function of its key. So a longer
    stream starts with the numbers of a shorter one.
    """
    return np.random.Generator(np.random.Philox(key=seed)).random(n, dtype=np.float32)


def _prefill(engine: Engine, prompts: Sequence[Sequence[int]]) -> np.ndarray:
    """Like `Engine.prefill`, but computes rows with the same prompt only once."""
    numbers: dict[tuple[int, ...], int] = {}
    rows = np.array([numbers.setdefault(tuple(prompt), len(numbers)) for prompt in prompts])
    logits = engine.prefill(list(numbers))
    if len(numbers) < len(prompts):
        engine.reorder(rows)
    chosen: np.ndarray = logits[rows]
    return chosen


def _derived(seed: int, row: int) -> int:
    (state,) = np.random.SeedSequence([seed, row]).generate_state(1, np.uint64)
    return int(state) >> 11
