"""Generates tokens, a batch of rows at a time, on any engine that runs the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from gpt2bot.errors import PromptTooLongError
from gpt2bot.gpt2.seeds import uniforms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Engine(Protocol):
    """Runs the network over a batch whose keys and values it keeps.

    Shapes: b = batch, t = positions of the longest prompt, v = n_vocab.
    """

    def prefill(self, tokens: np.ndarray, padding: np.ndarray) -> np.ndarray:
        """Takes a new batch of prompts and forgets the one before.

        Args:
            tokens: int32 [b, t], padded on the left, so that all rows go on in the same column.
            padding: int32 [b], how many tokens of a row are padding.

        Returns:
            Logits for each row's next token, float32 [b, v].
        """

    def step(self, tokens: np.ndarray) -> np.ndarray:
        """Takes a token a row, int32 [b], and returns logits for the next, float32 [b, v]."""


def generate(
    engine: Engine,
    prompts: Sequence[Sequence[int]],
    *,
    length: int,
    n_ctx: int,
    end_of_text: int,
    seeds: Sequence[int],
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> list[list[int]]:
    """Continues each prompt until `end_of_text`, `length` new tokens, or the end of the context.

    Args:
        engine: Runs the network.
        prompts: Token ids of each row, at least one.
        length: New tokens a row, at most.
        n_ctx: Positions that the network has.
        end_of_text: The token that ends a row; it is not part of the result.
        seeds: A seed a row.
        draw: Draws tokens [b] from logits [b, v] and random numbers [b].

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
    padding = np.array([longest - len(prompt) for prompt in prompts], dtype=np.int32)
    tokens = np.full([len(prompts), longest], end_of_text, dtype=np.int32)
    for row, prompt in zip(tokens, prompts, strict=True):
        row[longest - len(prompt) :] = prompt
    room = [min(length, n_ctx - len(prompt)) for prompt in prompts]
    random = np.stack([uniforms(seed, length) for seed in seeds], axis=1)  # [length, b]
    texts: list[list[int]] = [[] for _ in prompts]
    running = np.full(len(prompts), fill_value=True)
    logits = engine.prefill(tokens, padding)
    for uniform in random:
        drawn = draw(logits, uniform)
        running &= drawn != end_of_text
        for row in np.flatnonzero(running):
            texts[row].append(int(drawn[row]))
            running[row] = len(texts[row]) < room[row]
        if not running.any():
            break
        logits = engine.step(np.where(running, drawn, end_of_text).astype(np.int32))
    return texts
