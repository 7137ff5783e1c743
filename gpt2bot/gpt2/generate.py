"""Generates tokens, a batch of rows at a time, on any engine that runs the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from gpt2bot.errors import PromptTooLongError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpt2bot.gpt2.settings import Sampling

# Rows that are finished leave the batch once they are this share of it: what is left is copied.
_FINISHED_SHARE = 0.25


class Engine(Protocol):
    """Runs the network over a batch whose keys and values it keeps, and draws from its logits.

    Shapes: b = batch, v = n_vocab.
    """

    def prefill(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """Takes a new batch of token ids, no row empty, and forgets the one before.

        Returns:
            Logits for each row's next token, float32 [b, v], valid until the next call.
        """

    def step(self, tokens: np.ndarray) -> np.ndarray:
        """Takes a token a row, int32 [b], and returns logits for the next as `prefill` does."""

    def reorder(self, rows: np.ndarray) -> None:
        """Goes on with these rows of the batch, in this order; one may come more than once."""

    def sample(self, logits: np.ndarray, uniform: np.ndarray, sampling: Sampling) -> np.ndarray:
        """Draws tokens, int32 [b], by `sampler.sample`."""


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
    """Continues each prompt until `end_of_text`, enough, the wanted length, or a full context.

    Args:
        engine: Runs the network.
        prompts: Token ids of each row, at least one.
        sampling: How tokens are drawn, and how many at most.
        n_ctx: Positions that the network has.
        end_of_text: The token that ends a row; it is not part of the result.
        seeds: A seed a row.
        stopping_criterion: Asked after each new token, with a row's number and its new tokens.

    Returns:
        The new tokens of each row.

    Raises:
        PromptTooLongError: A prompt leaves no room for a new token.
    """
    longest = max(map(len, prompts))
    if longest >= n_ctx:
        raise PromptTooLongError(
            f"the prompt is {longest} tokens long, but the model's context of {n_ctx} must hold "
            f"at least one more: shorten the prompt"
        )
    room = [min(sampling.length, n_ctx - len(prompt)) for prompt in prompts]
    random = np.stack([uniforms(seed, sampling.length) for seed in seeds], axis=1)  # [length, rows]
    texts: list[list[int]] = [[] for _ in prompts]
    running = np.full(len(prompts), fill_value=True)
    batch = np.arange(len(prompts))  # the numbers of the rows that the engine still has
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
    return texts


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


def _prefill(engine: Engine, prompts: Sequence[Sequence[int]]) -> np.ndarray:
    """As `Engine.prefill`, but rows of the same prompt are computed once."""
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
