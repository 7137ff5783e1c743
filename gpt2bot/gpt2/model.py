"""A GPT-2 to score and generate text with."""

from __future__ import annotations

import codecs
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpt2bot.errors import PromptTooLongError
from gpt2bot.gpt2 import network
from gpt2bot.gpt2.checkpoint import read_description, read_weights
from gpt2bot.gpt2.engine import TensorFlowEngine
from gpt2bot.gpt2.generate import generate
from gpt2bot.gpt2.sampler import sample
from gpt2bot.gpt2.seeds import row_seeds
from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer


@dataclass(frozen=True)
class TokenScore:
    """How well a model foretold a token.

    Attributes:
        id: The token.
        text: Its text; bytes that are no whole character are U+FFFD.
        log_probability: Natural logarithm of its probability, given all before it.
        rank: How many tokens were more probable; 0 is the most probable.
    """

    id: int
    text: str
    log_probability: float
    rank: int


class GPT2:
    """A model with its tokenizer.

    Every text begins after `<|endoftext|>`, as in GPT-2's training: a prompt is the beginning of a
    text, and an empty prompt is no special case.
    """

    def __init__(
        self, hparams: HParams, tokenizer: Tokenizer, weights: Mapping[str, tf.Tensor]
    ) -> None:
        self.hparams = hparams
        self.tokenizer = tokenizer
        self._engine = TensorFlowEngine(weights, hparams)
        self._forward = tf.function(
            partial(network.forward, weights, hparams),
            autograph=False,
            input_signature=[tf.TensorSpec([None, None], tf.int32)],
        )
        scalar = partial(tf.TensorSpec, [])
        self._sample = tf.function(
            lambda logits, uniform, temperature, top_k, top_p: sample(
                logits, uniform, temperature=temperature, top_k=top_k, top_p=top_p
            ),
            autograph=False,
            input_signature=[
                tf.TensorSpec([None, hparams.n_vocab], tf.float32),
                tf.TensorSpec([None], tf.float32),
                scalar(tf.float32),
                scalar(tf.int32),
                scalar(tf.float32),
            ],
        )

    @classmethod
    def load(cls, folder: Path | str) -> GPT2:
        """Loads a model from a folder in OpenAI's layout.

        Raises:
            ModelMissingError: There is no such folder.
            CheckpointError: A file is missing, damaged or does not fit the others.
        """
        folder = Path(folder)
        hparams, tokenizer = read_description(folder)
        return cls(hparams, tokenizer, read_weights(folder, hparams))

    def logits(self, ids: Sequence[int] | Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """What the network says to token ids, in float32.

        Args:
            ids: [time] or [batch, time], at most `hparams.n_ctx` of them in a row.

        Returns:
            float32 [batch, time, n_vocab]: at each place the logits of the token after it.

        Raises:
            PromptTooLongError: A row is longer than the context.
            ValueError: An id is not in the vocabulary.
        """
        tokens = np.atleast_2d(np.asarray(ids, dtype=np.int32))
        if tokens.shape[1] > self.hparams.n_ctx:
            raise PromptTooLongError(
                f"{tokens.shape[1]} tokens do not fit the model's context of {self.hparams.n_ctx}"
            )
        if not ((tokens >= 0) & (tokens < self.hparams.n_vocab)).all():
            raise ValueError(f"token ids go from 0 to {self.hparams.n_vocab - 1}")
        array: np.ndarray = self._forward(tokens).numpy()
        return array

    def score(self, text: str) -> list[TokenScore]:
        """Scores each token of a text, given those before it.

        Raises:
            PromptTooLongError: The text is longer than the context.
        """
        ids = self.tokenizer.encode(text)
        if not ids:
            return []
        logits = self.logits([self.tokenizer.end_of_text, *ids])[0, :-1].astype(np.float64)
        own = logits[np.arange(len(ids)), ids]
        top = logits.max(axis=-1)
        log_probabilities = own - top - np.log(np.exp(logits - top[:, None]).sum(axis=-1))
        ranks = (logits > own[:, None]).sum(axis=-1)
        return [
            TokenScore(i, self.tokenizer.decode([i]), float(log_probability), int(rank))
            for i, log_probability, rank in zip(ids, log_probabilities, ranks, strict=True)
        ]

    def generate(  # noqa: PLR0917 (the settings in the order of OpenAI's code)
        self,
        prompts: Sequence[str],
        length: int = 64,
        top_k: int = 40,
        top_p: float = 1.0,
        temperature: float = 1.0,
        seed: int | Sequence[int] | None = None,
    ) -> list[str]:
        """Continues each prompt.

        Args:
            prompts: Beginnings of texts; an empty one leaves all to the model.
            length: New tokens, at most; a text ends before at `<|endoftext|>`, or where the context
                is full.
            top_k: See `sampler.sample`; 0 truncates nothing, 1 is greedy.
            top_p: See `sampler.sample`.
            temperature: See `sampler.sample`.
            seed: Of the run, from which each row gets its own by `seeds.row_seeds`; or a seed a
                row. None draws one. A text depends on its prompt and its own seed alone.

        Returns:
            The continuations, without the prompts.

        Raises:
            PromptTooLongError: A prompt leaves no room for a new token.
            ValueError: A setting is out of its range.
        """
        _check_settings(length, top_k, top_p, temperature)
        if isinstance(prompts, str):
            raise TypeError("prompts must be a list of texts, not a text")
        if not prompts:
            return []
        if seed is None:
            seed = secrets.randbits(32)
        seeds = row_seeds(seed, len(prompts)) if isinstance(seed, int) else list(seed)
        if len(seeds) != len(prompts):
            raise ValueError(f"{len(prompts)} prompts need as many seeds, not {len(seeds)}")
        settings = (tf.constant(temperature, tf.float32), top_k, tf.constant(top_p, tf.float32))
        end = self.tokenizer.end_of_text
        rows = generate(
            self._engine,
            [[end, *self.tokenizer.encode(prompt)] for prompt in prompts],
            length=length,
            n_ctx=self.hparams.n_ctx,
            end_of_text=end,
            seeds=seeds,
            draw=lambda logits, uniform: self._sample(logits, uniform, *settings).numpy(),
        )
        return [self._text(row) for row in rows]

    def _text(self, ids: Sequence[int]) -> str:
        # A row may stop between the bytes of a character, which is then left out.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return decoder.decode(self.tokenizer.decode_bytes(ids), final=False)


def _check_settings(length: int, top_k: int, top_p: float, temperature: float) -> None:
    if length < 1:
        raise ValueError(f"length must be at least 1, not {length}")
    if top_k < 0:
        raise ValueError(f"top_k must be at least 0, not {top_k}")
    if not 0.0 < top_p <= 1.0:
        raise ValueError(f"top_p must be above 0 and at most 1, not {top_p}")
    if not temperature > 0.0:
        raise ValueError(f"temperature must be above 0, not {temperature}")
