"""Measures a model's loss on text that it was not trained on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gpt2bot.gpt2 import network
from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.training import corpus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer

ROWS = 64


class Validation:
    """Measures weights on the validation items, each alone between two `<|endoftext|>`."""

    def __init__(
        self,
        items: Sequence[str],
        tokenizer: Tokenizer,
        hparams: HParams,
        weights: Mapping[str, tf.Tensor],
    ) -> None:
        encoded = [tokenizer.encode(item) for item in items]
        windows = corpus.windows(encoded, tokenizer.end_of_text, hparams.n_ctx)
        self._windows = sorted(windows, key=len)
        self._tokens = sum(len(window) - 1 for window in windows)
        # The end of an item counts as one character, since the model must predict it, too.
        self._characters = sum(len(item) + 1 for item in items)

        def nats(tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
            logits = network.forward(weights, hparams, tokens[:, :-1])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tokens[:, 1:], logits=logits
            )
            return tf.reduce_sum(losses * tf.sequence_mask(lengths - 1, dtype=tf.float32))

        rows, lengths = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
        self._nats = tf.function(nats, autograph=False, input_signature=[rows, lengths])

    def measure(self) -> tuple[float, float]:
        """Returns the loss in nats per token and in bits per character."""
        nats = 0.0
        for first in range(0, len(self._windows), ROWS):
            rows = self._windows[first : first + ROWS]
            padded = np.zeros([len(rows), len(rows[-1])], dtype=np.int32)
            for row, window in zip(padded, rows, strict=True):
                row[: len(window)] = window
            nats += float(self._nats(padded, np.array([len(window) for window in rows], np.int32)))
        return nats / self._tokens, nats / math.log(2) / self._characters
