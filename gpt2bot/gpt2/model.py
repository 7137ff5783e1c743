"""A GPT-2 to score and generate text with."""

from __future__ import annotations

import codecs
import secrets
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt2bot.errors import PromptTooLongError, UsageError
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.generate import Sampling, generate, row_seeds
from gpt2bot.gpt2.litert.precision import DEFAULT_PRECISION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gpt2bot.gpt2.generate import Engine
    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer

ENGINES = ("litert", "tensorflow")


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

    Args:
        hparams: The model's hyperparameters.
        tokenizer: Its vocabulary.
        engine: What generates.
        read_weights: Gives the float32 weights, when `logits` or `score` first want them.
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
        engine: str = "litert",
        precision: str = DEFAULT_PRECISION,
        threads: int | None = None,
    ) -> GPT2:
        """Loads a model from a folder in OpenAI's layout.

        Args:
            folder: Of the model.
            engine: What generates: `litert`, from the compiled model, which is made first if need
                be; or `tensorflow`, for owners of a GPU.
            precision: Of the compiled weights, `int8` or `float32`.
            threads: Threads of `litert`; None takes what suits the machine.

        Raises:
            ModelMissingError: There is no such folder.
            CheckpointError: A file is missing, damaged or does not fit the others.
            ModelError: It must be compiled, and there is no room or no place for that.
            UsageError: There is no such engine or precision.
        """
        folder = Path(folder)
        hparams, tokenizer = read_description(folder)
        if engine not in ENGINES:
            raise UsageError(f"there is no engine {engine!r}: choose {' or '.join(ENGINES)}")
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
        """A model of weights in memory, named as in `HParams.shapes`, run by TensorFlow."""
        from gpt2bot.gpt2.tensorflow_engine import TensorFlowEngine

        return cls(hparams, tokenizer, TensorFlowEngine(weights, hparams), lambda: weights)

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

    @cached_property
    def _forward(self) -> Callable[[np.ndarray], Any]:
        """The network in TensorFlow, which is loaded when it is first wanted."""
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
        stopping_criterion: Callable[[int, str], bool] | None = None,
    ) -> list[str]:
        """Continues each prompt.

        Args:
            prompts: Beginnings of texts; an empty one leaves all to the model.
            length: New tokens, at most; a text ends before at `<|endoftext|>`, or where the context
                is full.
            top_k: See `sampler.sample`; 0 truncates nothing, 1 is greedy.
            top_p: See `sampler.sample`.
            temperature: See `sampler.sample`.
            seed: Of the run, from which each row gets its own by `generate.row_seeds`; or a seed a
                row. None draws one. A text depends on its prompt and its own seed alone.
            stopping_criterion: Asked after each token, with the number of a prompt and its
                continuation so far; a row for which it is true is not continued.

        Returns:
            The continuations, without the prompts.

        Raises:
            PromptTooLongError: A prompt leaves no room for a new token.
            ValueError: A setting is out of its range.
        """
        if length < 1:
            raise ValueError(f"length must be at least 1, not {length}")
        sampling = Sampling(top_k=top_k, top_p=top_p, temperature=temperature)
        if isinstance(prompts, str):
            raise TypeError("prompts must be a list of texts, not a text")
        if not prompts:
            return []
        if seed is None:
            seed = secrets.randbits(32)
        seeds = row_seeds(seed, len(prompts)) if isinstance(seed, int) else list(seed)
        if len(seeds) != len(prompts):
            raise ValueError(f"{len(prompts)} prompts need as many seeds, not {len(seeds)}")
        end = self.tokenizer.end_of_text
        stop: dict[str, Any] = {}
        if stopping_criterion:
            stop["stopping_criterion"] = lambda row, ids: stopping_criterion(row, self._text(ids))
        rows = generate(
            self._engine,
            [[end, *self.tokenizer.encode(prompt)] for prompt in prompts],
            length=length,
            n_ctx=self.hparams.n_ctx,
            end_of_text=end,
            seeds=seeds,
            sampling=sampling,
            **stop,
        )
        return [self._text(row) for row in rows]

    def _text(self, ids: Sequence[int]) -> str:
        # A row may stop between the bytes of a character, which is then left out.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return decoder.decode(self.tokenizer.decode_bytes(ids), final=False)
