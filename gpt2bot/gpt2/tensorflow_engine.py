"""The engine that runs the network in TensorFlow: the reference, and the one that can use a GPU."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gpt2bot.gpt2 import network
from gpt2bot.gpt2.sampler import sample as sample_tokens
from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.settings import Sampling


class TensorFlowEngine:
    """Implements `generate.Engine`.

    Shapes: b = batch, t = new positions, p = positions in the KV cache, e = n_embd, h = n_head,
    d = e / h, v = n_vocab.
    """

    def __init__(self, weights: Mapping[str, tf.Tensor], hparams: HParams) -> None:
        self._weights, self._hparams = weights, hparams
        h, d = hparams.n_head, hparams.n_embd // hparams.n_head
        cache = tf.TensorSpec([None, h, None, d], tf.float32)
        # The sizes of batch, prompt and cache are left open, so each function is traced only once.
        self._advance = tf.function(
            self._advance_eagerly,
            autograph=False,
            input_signature=[
                tf.TensorSpec([None, None], tf.int32),
                tf.TensorSpec([None], tf.int32),
                [(cache, cache)] * hparams.n_layer,
            ],
        )
        scalar = partial(tf.TensorSpec, [])
        self._sample = tf.function(
            lambda logits, uniform, temperature, top_k, top_p: sample_tokens(
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

    def prefill(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """See `generate.Engine`."""
        h, d = self._hparams.n_head, self._hparams.n_embd // self._hparams.n_head
        # Padding on the left lets all rows continue in the same column.
        longest = max(map(len, prompts))
        self._padding = tf.constant([longest - len(prompt) for prompt in prompts], tf.int32)
        tokens = np.zeros([len(prompts), longest], np.int32)
        for row, prompt in zip(tokens, prompts, strict=True):
            row[longest - len(prompt) :] = prompt
        empty = tf.zeros([len(prompts), h, 0, d])
        self._cache = [(empty, empty)] * self._hparams.n_layer
        return self._run(tokens)

    def step(self, tokens: np.ndarray) -> np.ndarray:
        """See `generate.Engine`."""
        return self._run(tokens[:, np.newaxis])

    def reorder(self, rows: np.ndarray) -> None:
        """See `generate.Engine`."""
        self._padding = tf.gather(self._padding, rows)
        self._cache = [(tf.gather(k, rows), tf.gather(v, rows)) for k, v in self._cache]

    def sample(self, logits: np.ndarray, uniform: np.ndarray, sampling: Sampling) -> np.ndarray:
        """See `generate.Engine`."""
        temperature = tf.constant(sampling.temperature, tf.float32)
        top_p = tf.constant(sampling.top_p, tf.float32)
        top_k = min(sampling.top_k, self._hparams.n_vocab)
        tokens = self._sample(logits, uniform, temperature, top_k, top_p)
        array: np.ndarray = tokens.numpy()
        return array

    def _run(self, tokens: np.ndarray) -> np.ndarray:
        logits, self._cache = self._advance(tf.constant(tokens), self._padding, self._cache)
        array: np.ndarray = logits.numpy()
        return array

    def _advance_eagerly(
        self,
        tokens: tf.Tensor,
        padding: tf.Tensor,
        cache: list[tuple[tf.Tensor, tf.Tensor]],
    ) -> tuple[tf.Tensor, list[tuple[tf.Tensor, tf.Tensor]]]:
        """Runs new tokens [b, t]; returns the last one's logits [b, v] and the extended cache."""
        p, t = tf.shape(cache[0][0])[2], tf.shape(tokens)[1]
        columns = tf.range(p, p + t)
        # Finished rows run on until they leave the batch, possibly past the last position.
        positions = tf.clip_by_value(
            columns - padding[:, tf.newaxis], 0, self._hparams.n_ctx - 1
        )  # [b, t]
        mask = network.padded_causal_mask(columns, padding, p + t)  # [b, 1, t, p + t]
        x = network.embed(self._weights, tokens, positions)  # [b, t, e]
        extended = []
        for layer, (past_k, past_v) in enumerate(cache):
            w = network.layer_weights(self._weights, layer)
            x, k, v = network.block(w, x, mask, (past_k, past_v), n_head=self._hparams.n_head)
            extended.append((tf.concat([past_k, k], axis=2), tf.concat([past_v, v], axis=2)))
        return network.output(self._weights, x[:, -1]), extended
