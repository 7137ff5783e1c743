"""Generates tokens, a batch of rows at a time, on any engine that runs the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gpt2bot.errors import PromptTooLongError
from gpt2bot.gpt2.seeds import uniforms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    def select(self, rows: np.ndarray) -> None:
        """Goes on with these rows of the batch, in this order; one may come more than once."""

    def draw(
        self,
        logits: np.ndarray,
        uniform: np.ndarray,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
    ) -> np.ndarray:
        """Draws tokens, int32 [b], by `sampler.sample`."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; see `sampler.sample`.

    Raises:
        ValueError: A value is out of its range.
    """

    top_k: int = 40
    top_p: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.top_k < 0:
            raise ValueError(f"top_k must be at least 0, not {self.top_k}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if not self.temperature > 0.0:
            raise ValueError(f"temperature must be above 0, not {self.temperature}")


def generate(
    engine: Engine,
    prompts: Sequence[Sequence[int]],
    *,
    length: int,
    n_ctx: int,
    end_of_text: int,
    seeds: Sequence[int],
    sampling: Sampling,
    is_enough: Callable[[int, Sequence[int]], bool] = lambda _row, _tokens: False,
) -> list[list[int]]:
    """Continues each prompt until `end_of_text`, enough, `length` new tokens, or a full context.

    Args:
        engine: Runs the network.
        prompts: Token ids of each row, at least one.
        length: New tokens a row, at most.
        n_ctx: Positions that the network has.
        end_of_text: The token that ends a row; it is not part of the result.
        seeds: A seed a row.
        sampling: How tokens are drawn.
        is_enough: Asked after each new token, with a row's number and its new tokens so far.

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
    room = [min(length, n_ctx - len(prompt)) for prompt in prompts]
    random = np.stack([uniforms(seed, length) for seed in seeds], axis=1)  # [length, rows]
    texts: list[list[int]] = [[] for _ in prompts]
    running = np.full(len(prompts), fill_value=True)
    batch = np.arange(len(prompts))  # the numbers of the rows that the engine still has
    logits = _prefill(engine, prompts)
    for uniform in random:
        drawn = engine.draw(
            logits,
            uniform[batch],
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
        )
        for row, token in zip(batch.tolist(), drawn.tolist(), strict=True):
            if running[row] and token != end_of_text:
                texts[row].append(token)
                running[row] = len(texts[row]) < room[row] and not is_enough(row, texts[row])
            else:
                running[row] = False
        if not running.any():
            break
        kept = np.flatnonzero(running[batch])
        if len(kept) <= len(batch) * (1 - _FINISHED_SHARE):
            engine.select(kept)
            batch, drawn = batch[kept], drawn[kept]
        logits = engine.step(drawn)
    return texts


def _prefill(engine: Engine, prompts: Sequence[Sequence[int]]) -> np.ndarray:
    """As `Engine.prefill`, but rows of the same prompt are computed once."""
    numbers: dict[tuple[int, ...], int] = {}
    rows = np.array([numbers.setdefault(tuple(prompt), len(numbers)) for prompt in prompts])
    logits = engine.prefill(list(numbers))
    if len(numbers) < len(prompts):
        engine.select(rows)
    chosen: np.ndarray = logits[rows]
    return chosen
