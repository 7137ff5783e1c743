"""Converts the network and the sampler to LiteRT graphs.

A conversion holds several copies of its weights in memory. Each graph is therefore small: one
layer, or a part of the output matrix with no more weights than a layer of 774M. The weights are
variables of a module: as constants of a function they would take ten times the time and memory.
"""

from __future__ import annotations

import gc
import math
from functools import partial
from typing import TYPE_CHECKING

from gpt2bot.gpt2 import network
from gpt2bot.gpt2.litert.precision import PRECISIONS
from gpt2bot.gpt2.quiet import quiet_stderr
from gpt2bot.gpt2.sampler import sample
from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.litert.precision import Precision

# Most weights in a part of the output matrix: about as many as in a layer of 774M.
_MAX_OUTPUT_WEIGHTS = 20_000_000


class _Function(tf.Module):  # type: ignore[misc]
    """A function and its weights, in the form that the converter needs."""

    def __init__(
        self,
        function: Callable[..., dict[str, tf.Tensor]],
        weights: Mapping[str, tf.Tensor],
        inputs: Mapping[str, tf.TensorSpec],
    ) -> None:
        super().__init__()
        self.weights = {name: tf.Variable(value) for name, value in weights.items()}
        self.concrete = tf.function(
            lambda **tensors: function(self.weights, **tensors), autograph=False
        ).get_concrete_function(**inputs)

    def convert(self, precision: Precision) -> bytes:
        with quiet_stderr():
            converter = tf.lite.TFLiteConverter.from_concrete_functions([self.concrete], self)
            if precision.quantized:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            graph: bytes = converter.convert()
        return graph


def convert_layer(
    weights: Mapping[str, tf.Tensor], hparams: HParams, precision: Precision
) -> bytes:
    """The graph of `network.block`.

    Inputs: `x`, the residual stream [b, t, e]; `hidden`, the attention mask [b, 1, t, p + t], 0
    where a new position may attend and 1 where it may not; `past_k` and `past_v`, the KV cache
    [b, h, p, d] each. Outputs: `x`; `k` and `v` of the new positions, [b, h, t, d] each. The names
    belong to the format of compiled models.
    """
    h, d = hparams.n_head, hparams.n_embd // hparams.n_head

    def layer(
        w: network.Weights, x: tf.Tensor, hidden: tf.Tensor, past_k: tf.Tensor, past_v: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        mask = hidden * network.MASKED
        x, k, v = network.block(w, x, mask, (past_k, past_v), n_head=h)
        return {"x": x, "k": k, "v": v}

    float32 = partial(tf.TensorSpec, dtype=tf.float32)
    inputs = {
        "x": float32([None, None, hparams.n_embd]),
        "hidden": float32([None, 1, None, None]),
        "past_k": float32([None, h, None, d]),
        "past_v": float32([None, h, None, d]),
    }
    return _convert(layer, weights, inputs, precision)


def output_parts(hparams: HParams) -> list[slice]:
    """The parts of the vocabulary, each to be converted by `convert_output`."""
    weights = hparams.n_vocab * hparams.n_embd
    size = math.ceil(hparams.n_vocab / math.ceil(weights / _MAX_OUTPUT_WEIGHTS))
    return [slice(start, start + size) for start in range(0, hparams.n_vocab, size)]


def convert_output(weights: Mapping[str, tf.Tensor], precision: Precision) -> bytes:
    """The graph of `network.output`: `x` [rows, e] to `logits` [rows, v].

    Args:
        weights: `ln_f/g`, `ln_f/b`, and `wte` or some of its rows.
        precision: Precision of the weights.
    """

    def output(w: network.Weights, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"logits": network.output(w, x)}

    inputs = {"x": tf.TensorSpec([None, weights["wte"].shape[1]], tf.float32)}
    return _convert(output, weights, inputs, precision)


def convert_sampler(hparams: HParams) -> bytes:
    """The graph of `sampler.sample`. Inputs: its arguments. Output: `tokens`, int32 [b]."""

    def sampler(_: network.Weights, **tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"tokens": sample(**tensors)}

    inputs = {
        "logits": tf.TensorSpec([None, hparams.n_vocab], tf.float32),
        "uniform": tf.TensorSpec([None], tf.float32),
        "temperature": tf.TensorSpec([], tf.float32),
        "top_k": tf.TensorSpec([], tf.int32),
        "top_p": tf.TensorSpec([], tf.float32),
    }
    return _convert(sampler, {}, inputs, PRECISIONS["float32"])


def _convert(
    function: Callable[..., dict[str, tf.Tensor]],
    weights: Mapping[str, tf.Tensor],
    inputs: Mapping[str, tf.TensorSpec],
    precision: Precision,
) -> bytes:
    try:
        return _Function(function, weights, inputs).convert(precision)
    finally:
        gc.collect()  # graph and variables form a reference cycle, which holds the weights
