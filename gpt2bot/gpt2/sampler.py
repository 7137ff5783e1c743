"""Samples the next token from logits: temperature, top-k and nucleus, as OpenAI's `sample.py` does.

The sampler does not know the model and draws no random numbers. The caller passes one number per
row and step, so the same function runs in any graph, and a text depends only on its own seed.

Shapes: b = batch, v = n_vocab, k = number of tokens that top-k keeps.
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
    """Samples one token per row.

    1. Temperature: the logits are divided by it.
    2. Top-k: the `top_k` largest logits are kept.
    3. Nucleus: of these, in descending order, the tokens whose cumulative probability is at most
       `top_p` are kept, and always the first (Holtzman et al. 2020; the boundary is as in OpenAI's
       code).
    4. One of the kept tokens is drawn by its probability, by inverting the cumulative distribution.

    Args:
        logits: [b, v], any float type; computed in float32.
        uniform: [b] float32 in [0, 1), independent random numbers.
        temperature: Scalar float32 above 0; 1 leaves the distribution unchanged.
        top_k: Scalar int32; 1 is greedy; 0, or v and more, keeps all tokens.
        top_p: Scalar float32 above 0; 1 keeps all tokens.

    Returns:
        Token ids [b], int32.
    """
    n_vocab = tf.shape(logits)[-1]
    k = tf.where((top_k < 1) | (top_k > n_vocab), n_vocab, top_k)
    scaled = tf.cast(logits, tf.float32) / temperature
    values, ids = tf.math.top_k(scaled, k)  # [b, k] each, in descending order
    cumulative = tf.cumsum(tf.nn.softmax(values), axis=-1)
    within = tf.reduce_sum(tf.cast(cumulative <= top_p, tf.int32), axis=-1)  # [b]
    # Rounding can push the sum of all probabilities above 1, so top_p = 1 is a case of its own.
    kept = tf.where(top_p < 1.0, tf.maximum(within, 1), k)
    mass = tf.gather(cumulative, kept - 1, batch_dims=1)  # [b]
    below = cumulative <= (uniform * mass)[:, tf.newaxis]  # [b, k]
    chosen = tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), axis=-1), kept - 1)
    return tf.gather(ids, chosen, batch_dims=1)
