"""Measures how much a compiled model differs from its float32 checkpoint, on a few texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gpt2bot.gpt2 import network
from gpt2bot.gpt2.litert.engine import Layers, Output
from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.litert.runtime import Graph
    from gpt2bot.gpt2.tokenizer import Tokenizer

# Plain English in several styles, written for this purpose, so no model was trained on it.
TEXTS = (
    "The ferry was late again, so we sat on the harbour wall and shared the last of the bread.",
    "In 1987 the town council voted, by nine to four, to keep the old library open on Sundays.",
    "My neighbour keeps bees. Every August she leaves a jar of honey at our door, without a note.",
    '"You never told me that you could sing," she said, and put the letter back into the drawer.',
    "Heat the oil in a wide pan, add the garlic, and stir until it smells sweet but is not brown.",
    "Scientists at the observatory have measured how quickly the comet is losing water and dust.",
    "There is a simple reason why most people stop learning the piano: nobody listens to them.",
    "The bus turned left where it always turns right, and for a moment none of us said anything.",
)


class Accuracy:
    """Runs the float32 network and the compiled graphs side by side, one layer at a time.

    So neither of them is ever in memory as a whole. Call `embed` first, then `layer` for each
    layer in order, then `output`.
    """

    def __init__(self, tokenizer: Tokenizer, hparams: HParams) -> None:
        self._hparams = hparams
        end = tokenizer.end_of_text
        rows = [[end, *tokenizer.encode(text), end][: hparams.n_ctx + 1] for text in TEXTS]
        self._rows = [np.array(row, np.int32) for row in rows]
        self._exact: list[tf.Tensor] = []  # residual stream of each text, [1, t, e]
        self._compiled: list[np.ndarray] = []

    def embed(self, weights: network.Weights) -> None:
        """Starts with the embeddings `wte` and `wpe`."""
        for row in self._rows:
            x = network.embed(weights, row[np.newaxis, :-1], tf.range(len(row) - 1))
            self._exact.append(x)
            self._compiled.append(x.numpy())

    def layer(self, weights: network.Weights, graph: Graph) -> None:
        """Runs the next layer."""
        compiled = Layers([lambda: graph], self._hparams)
        for number, x in enumerate(self._exact):
            mask = network.causal_mask(tf.shape(x)[1])
            self._exact[number], _, _ = network.block(weights, x, mask, n_head=self._hparams.n_head)
            self._compiled[number] = compiled.prefill(self._compiled[number])

    def output(self, weights: network.Weights, graphs: Sequence[Graph]) -> dict[str, float | int]:
        """Finishes with `wte`, `ln_f/g` and `ln_f/b`, and compares the logits.

        Returns:
            `positions`, the number of positions compared; `mean_kl_divergence` of the compiled
            model's distribution from the float32 one, in nats; `top1_agreement`, the share of
            positions with the same most probable token; `bits_per_character_float32` and
            `bits_per_character`, the loss of the checkpoint and of the compiled model.
        """
        compiled = Output(graphs, self._hparams)
        divergences, agreements, bits = [], [], np.zeros(2)
        for row, x, y in zip(self._rows, self._exact, self._compiled, strict=True):
            exact = _log_softmax(network.output(weights, x[0]).numpy())  # [t, v]
            rounded = _log_softmax(compiled(y[0]))
            divergences.append((np.exp(exact) * (exact - rounded)).sum(axis=-1))
            agreements.append(exact.argmax(axis=-1) == rounded.argmax(axis=-1))
            targets = np.arange(len(row) - 1), row[1:]
            bits -= [p[targets].sum() / math.log(2) for p in (exact, rounded)]
        # The end of a text counts as one character, since the model must predict it, too.
        exact_bits, rounded_bits = bits / sum(len(text) + 1 for text in TEXTS)
        return {
            "positions": sum(map(len, agreements)),
            "mean_kl_divergence": round(float(np.concatenate(divergences).mean()), 6),
            "top1_agreement": round(float(np.concatenate(agreements).mean()), 4),
            "bits_per_character_float32": round(float(exact_bits), 5),
            "bits_per_character": round(float(rounded_bits), 5),
        }


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    array: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return array
