"""A GPT-2 to score and generate text with."""

from __future__ import annotations

import codecs
import secrets
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from gpt2bot.errors import PromptTooLongError, UsageError
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.generate import generate, row_seeds
from gpt2bot.gpt2.settings import DEFAULT_ENGINE, DEFAULT_PRECISION, EngineName, Sampling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gpt2bot.gpt2.generate import Engine
    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer

ENGINES = get_args(EngineName)
DEFAULT_SAMPLING = Sampling()


@dataclass(frozen=True)
class TokenScore:
    """How well a model predicted a token.

    Attributes:
        id: The token's id.
        text: Its text; incomplete characters are U+FFFD.
        log_probability: Natural logarithm of its probability, given all tokens before it.
        rank: How many tokens were more probable; the most probable token has rank 0.
    """

    id: int
    text: str
    log_probability: float
    rank: int


class GPT2:
    """A model with its tokenizer.

    As in GPT-2's training, every text starts after `<|endoftext|>`. A prompt is the beginning of a
    text, so an empty prompt needs no special case.

    Args:
        hparams: The model's hyperparameters.
        tokenizer: The model's tokenizer.
        engine: Generates tokens.
        read_weights: Returns the float32 weights; called when `logits` or `score` first needs them.
    """

    def __init__(
        self,
        hparams: HParams,
        tokenizer: Tokenizer,
        engine: Engine,
        read_weights: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.hparams = hparams
        self.tokenizer = tokenizer
        self._engine = engine
        self._read_weights = read_weights

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        engine: str = DEFAULT_ENGINE,
        precision: str = DEFAULT_PRECISION,
        threads: int | None = None,
    ) -> GPT2:
        """Loads a model from a folder in OpenAI's layout.

        Args:
            folder: The model's folder.
            engine: `litert` runs the compiled model and compiles it first if necessary;
                `tensorflow` can use a GPU.
            precision: Precision of the compiled weights, `int8` or `float32`.
            threads: Threads for `litert`; None chooses by the machine.

        Raises:
            ModelMissingError: The folder does not exist.
            CheckpointError: A file is missing, damaged or does not match the others.
            ModelError: The model must be compiled, but no folder is writable or the disk is full.
            UsageError: The engine or precision is unknown.
        """
        folder = Path(folder)
        hparams, tokenizer = read_description(folder)
        if engine not in ENGINES:
            raise UsageError(f"unknown engine {engine!r}: choose {' or '.join(ENGINES)}")
        if engine == "tensorflow":
            from gpt2bot.gpt2.formats.checkpoint import read_weights

            return cls.of_weights(hparams, tokenizer, read_weights(folder, hparams))
        from gpt2bot.gpt2.litert.build import load_engine

        def read() -> Mapping[str, Any]:
            from gpt2bot.gpt2.formats.checkpoint import read_weights

            return read_weights(folder, hparams)

        litert = load_engine(folder, hparams, precision=precision, threads=threads)
        return cls(hparams, tokenizer, litert, read)

    @classmethod
    def of_weights(cls, hparams: HParams, tokenizer: Tokenizer, weights: Mapping[str, Any]) -> GPT2:
        """A model that runs in TensorFlow on weights in memory, named as in `HParams.shapes`."""
        from gpt2bot.gpt2.tensorflow_engine import TensorFlowEngine

        return cls(hparams, tokenizer, TensorFlowEngine(weights, hparams), lambda: weights)

    def logits(self, ids: Sequence[int] | Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
        """The network's logits for token ids, computed in float32.

        Args:
            ids: [time] or [batch, time], at most `hparams.n_ctx` ids per row.

        Returns:
            float32 [batch, time, n_vocab]: at each position, the logits of the next token.

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
            raise ValueError(f"token ids must be from 0 to {self.hparams.n_vocab - 1}")
        array: np.ndarray = self._forward(tokens).numpy()
        return array

    @cached_property
    def _forward(self) -> Callable[[np.ndarray], Any]:
        """The network in TensorFlow, loaded on first use."""
        from gpt2bot.gpt2 import network
        from gpt2bot.gpt2.tensorflow import tf

        function: Callable[[np.ndarray], Any] = tf.function(
            partial(network.forward, self._read_weights(), self.hparams),
            autograph=False,
            input_signature=[tf.TensorSpec([None, None], tf.int32)],
        )
        return function

    def score(self, text: str) -> list[TokenScore]:
        """Scores each token of a text, given those before it.

        Raises:
            PromptTooLongError: The text is longer than the context.
        """
        ids = self.tokenizer.encode(text)
        if not ids:
            return []
        logits = self.logits([self.tokenizer.end_of_text, *ids])[0, :-1].astype(np.float64)
        targets = logits[np.arange(len(ids)), ids]
        top = logits.max(axis=-1)
        log_probabilities = targets - top - np.log(np.exp(logits - top[:, None]).sum(axis=-1))
        ranks = (logits > targets[:, None]).sum(axis=-1)
        return [
            TokenScore(i, self.tokenizer.decode([i]), float(log_probability), int(rank))
            for i, log_probability, rank in zip(ids, log_probabilities, ranks, strict=True)
        ]

    def generate(  # noqa: PLR0917 (the settings in the order of OpenAI's code)
        self,
        prompts: Sequence[str],
        length: int | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        temperature: float | None = None,
        seed: int | Sequence[int] | None = None,
        *,
        sampling: Sampling = DEFAULT_SAMPLING,
        stopping_criterion: Callable[[int, str], bool] | None = None,
    ) -> list[str]:
        """Continues each prompt.

        Args:
            prompts: Beginnings of texts; may be empty.
            length: Maximum number of new tokens. A text also ends at `<|endoftext|>`, or when the
                context is full. None, here and for the next three: as in `sampling`.
            top_k: See `sampler.sample`; 0 keeps all tokens, 1 is greedy.
            top_p: See `sampler.sample`.
            temperature: See `sampler.sample`.
            seed: One seed for the run, from which `generate.row_seeds` derives a seed per prompt;
                or a list with a seed per prompt. None chooses a random one. A text depends only on
                its prompt and its own seed.
            sampling: How to sample where no argument says otherwise.
            stopping_criterion: Called after each token with the index of a prompt and its
                continuation so far; the continuation ends when it returns True.

        Returns:
            The continuations, without the prompts.

        Raises:
            PromptTooLongError: A prompt leaves no room for a new token.
            ValueError: A setting is out of range, or the number of seeds is wrong.
            TypeError: `prompts` is a single text.
        """
        given = {"length": length, "top_k": top_k, "top_p": top_p, "temperature": temperature}
        changes: dict[str, Any] = {k: value for k, value in given.items() if value is not None}
        sampling = replace(sampling, **changes)
        if isinstance(prompts, str):
            raise TypeError("prompts must be a list of texts, not a single text")
        if not prompts:
            return []
        if seed is None:
            seed = secrets.randbits(32)
        seeds = row_seeds(seed, len(prompts)) if isinstance(seed, int) else list(seed)
        if len(seeds) != len(prompts):
            raise ValueError(f"expected {len(prompts)} seeds, one per prompt, not {len(seeds)}")
        end = self.tokenizer.end_of_text
        stop: dict[str, Any] = {}
        if stopping_criterion:
            stop["stopping_criterion"] = lambda row, ids: stopping_criterion(row, self._text(ids))
        rows = generate(
            self._engine,
            [[end, *self.tokenizer.encode(prompt)] for prompt in prompts],
            sampling=sampling,
            n_ctx=self.hparams.n_ctx,
            end_of_text=end,
            seeds=seeds,
            **stop,
        )
        return [self._text(row) for row in rows]

    def _text(self, ids: Sequence[int]) -> str:
        # A row may stop in the middle of a character, whose bytes are then left out.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return decoder.decode(self.tokenizer.decode_bytes(ids), final=False)
