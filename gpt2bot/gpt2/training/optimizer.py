"""AdamW and its learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BETA_1, BETA_2, EPSILON = 0.9, 0.99, 1e-8


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2).

    Only matrices decay; biases and the gains of layer norms do not.

    Attributes:
        step: Number of updates so far, int64.
    """

    def __init__(self, weights: Mapping[str, tf.Variable], *, weight_decay: float) -> None:
        self.step = tf.Variable(0, dtype=tf.int64)
        self._weights = weights
        self._weight_decay = weight_decay
        self._means = {name: tf.Variable(tf.zeros_like(w)) for name, w in weights.items()}
        self._squares = {name: tf.Variable(tf.zeros_like(w)) for name, w in weights.items()}

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """The optimizer's whole state by name, to save and restore."""
        return (
            {"step": self.step}
            | {f"mean/{name}": value for name, value in self._means.items()}
            | {f"square/{name}": value for name, value in self._squares.items()}
        )

    def apply(self, gradients: Sequence[tf.Tensor], learning_rate: tf.Tensor) -> None:
        """Updates the weights by one step; the gradients must be in the order of the weights."""
        self.step.assign_add(1)
        t = tf.cast(self.step, tf.float32)
        correction = tf.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
        for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
            mean = self._means[name].assign(BETA_1 * self._means[name] + (1 - BETA_1) * gradient)
            square = self._squares[name].assign(
                BETA_2 * self._squares[name] + (1 - BETA_2) * tf.square(gradient)
            )
            update = correction * mean / (tf.sqrt(square) + EPSILON)
            if len(weight.shape) > 1:
                update += self._weight_decay * weight
            weight.assign_sub(learning_rate * update)


def learning_rate(step: int, *, peak: float, warmup: int, total: int) -> float:
    """Linear warm-up to `peak`, then cosine decay to a hundredth of it at step `total`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
