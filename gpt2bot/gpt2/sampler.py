"""Chooses the next token from logits: temperature, top-k and nucleus, as OpenAI's `sample.py` does.

Nothing here knows of a model. Nor does it draw random numbers: a number for each row and step is
given, so that the same functions run in any graph and a text depends on its own seed alone.

Shapes: b = batch, v = n_vocab, k = the candidates that top-k leaves.
"""

from __future__ import annotations

from gpt2bot.gpt2.tensorflow import tf


def sample(
    logits: tf.Tensor,
    uniform: tf.Tensor,
    *,
    temperature: tf.Tensor,
    top_k: tf.Tensor,
    top_p: tf.Tensor,
) -> tf.Tensor:
    """Draws a token a row.

    The logits are divided by the temperature; the `top_k` largest are kept; of these, in falling
    order, those are kept whose probabilities sum up to at most `top_p`, and the first in any case
    (Holtzman et al. 2020, with the border as in OpenAI's code); one is drawn in proportion to its
    probability, by inverting the cumulative distribution.

    Args:
        logits: [b, v], any float; the arithmetic is done in float32.
        uniform: [b] float32 in [0, 1), independent random numbers.
        temperature: Scalar float32 above 0; 1 leaves the distribution as it is.
        top_k: Scalar int32; 1 takes the most probable token, 0 (or v and more) truncates nothing.
        top_p: Scalar float32 above 0; 1 truncates nothing.

    Returns:
        Token ids [b], int32.
    """
    n_vocab = tf.shape(logits)[-1]
    k = tf.where((top_k < 1) | (top_k > n_vocab), n_vocab, top_k)
    scaled = tf.cast(logits, tf.float32) / temperature
    values, ids = tf.math.top_k(scaled, k)  # [b, k] each, in falling order
    cumulative = tf.cumsum(tf.nn.softmax(values), axis=-1)
    within = tf.reduce_sum(tf.cast(cumulative <= top_p, tf.int32), axis=-1)  # [b]
    # A sum of all probabilities may be rounded to more than 1, so 1 is not left to comparison.
    kept = tf.where(top_p < 1.0, tf.maximum(within, 1), k)
    mass = tf.gather(cumulative, kept - 1, batch_dims=1)  # [b]
    below = cumulative <= (uniform * mass)[:, tf.newaxis]  # [b, k]
    chosen = tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), axis=-1), kept - 1)
    return tf.gather(ids, chosen, batch_dims=1)
