"""GPT-2 as functions of its weights.

This is the only definition of the network: training, scoring, generation and the compiler all call
it. The weights are a flat mapping with the names of `HParams.shapes`.

Sources: Radford et al. 2019, and `model.py` of OpenAI's release. The blocks are pre-norm
transformer blocks, positions are learned, GELU is the tanh approximation, and the output layer
shares the embedding matrix.

Shapes: b = batch, t = new positions, p = positions in the KV cache, e = n_embd, h = n_head,
d = e / h, v = n_vocab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from gpt2bot.gpt2.hparams import HParams

Weights = Mapping[str, "tf.Tensor"]
Dropout = Callable[["tf.Tensor"], "tf.Tensor"]

# Subtracted from the score of a masked position; in float32, nothing of the score remains.
MASKED = 1e10


def identity(x: tf.Tensor) -> tf.Tensor:
    """No dropout."""
    return x


def forward(
    w: Weights, hparams: HParams, tokens: tf.Tensor, *, dropout: Dropout = identity
) -> tf.Tensor:
    """Logits of whole sequences: tokens [b, t] int32 -> [b, t, v] float32."""
    t = tf.shape(tokens)[1]
    x = dropout(embed(w, tokens, tf.range(t)))  # [b, t, e]
    mask = causal_mask(t)  # [1, 1, t, t]
    for layer in range(hparams.n_layer):
        x, _, _ = block(layer_weights(w, layer), x, mask, n_head=hparams.n_head, dropout=dropout)
    return output(w, x)


def embed(w: Weights, tokens: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """Sums token and position embeddings: ids [b, t] or [t] each -> [b, t, e]."""
    return tf.gather(w["wte"], tokens) + tf.gather(w["wpe"], positions)


def block(
    w: Weights,
    x: tf.Tensor,
    mask: tf.Tensor,
    kv_cache: tuple[tf.Tensor, tf.Tensor] | None = None,
    *,
    n_head: int,
    dropout: Dropout = identity,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Runs one transformer layer.

    Args:
        w: The layer's weights, see `layer_weights`.
        x: The residual stream, [b, t, e].
        mask: The attention mask, [b or 1, 1, t, p + t]: 0 where a new position may attend, `MASKED`
            where it may not.
        kv_cache: Keys and values of earlier positions, [b, h, p, d] each.
        n_head: The number of heads, h.
        dropout: Applied to the attention weights and to both residual branches during training.

    Returns:
        The residual stream [b, t, e], and the keys and values [b, h, t, d] of the new positions.
    """
    normed = layer_norm(x, w["ln_1/g"], w["ln_1/b"])
    a, k, v = attention(w, normed, mask, kv_cache, n_head=n_head, dropout=dropout)
    x = x + dropout(a)
    m = mlp(w, layer_norm(x, w["ln_2/g"], w["ln_2/b"]))
    return x + dropout(m), k, v


def attention(
    w: Weights,
    x: tf.Tensor,
    mask: tf.Tensor,
    kv_cache: tuple[tf.Tensor, tf.Tensor] | None = None,
    *,
    n_head: int,
    dropout: Dropout = identity,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Multi-head attention from the new positions to the KV cache and themselves; see `block`."""
    qkv = dense(x, w["attn/c_attn/w"], w["attn/c_attn/b"])  # [b, t, e] -> [b, t, 3e]
    q, k, v = (split_heads(part, n_head) for part in tf.split(qkv, 3, axis=-1))  # [b, h, t, d]
    q *= float(q.shape[-1]) ** -0.5
    scores = tf.matmul(q, k, transpose_b=True)  # [b, h, t, t]
    if kv_cache is not None:
        # Only the scores are concatenated: concatenating the keys and values would copy the whole
        # cache at every step.
        scores = tf.concat([tf.matmul(q, kv_cache[0], transpose_b=True), scores], axis=-1)
    # The mask is subtracted: TensorFlow fuses a matmul and an addition into an operation that takes
    # 8 times as long on a CPU.
    p = dropout(tf.nn.softmax(scores - mask))  # [b, h, t, p + t]
    if kv_cache is None:
        a = tf.matmul(p, v)  # [b, h, t, d]
    else:
        n = tf.shape(kv_cache[0])[2]
        a = tf.matmul(p[..., :n], kv_cache[1]) + tf.matmul(p[..., n:], v)
    return dense(merge_heads(a), w["attn/c_proj/w"], w["attn/c_proj/b"]), k, v


def mlp(w: Weights, x: tf.Tensor) -> tf.Tensor:
    """The position-wise feed-forward network: [b, t, e] -> [b, t, 4e] -> [b, t, e]."""
    hidden = gelu(dense(x, w["mlp/c_fc/w"], w["mlp/c_fc/b"]))
    return dense(hidden, w["mlp/c_proj/w"], w["mlp/c_proj/b"])


def output(w: Weights, x: tf.Tensor) -> tf.Tensor:
    """Logits from the last layer's residual stream: [..., e] -> [..., v]."""
    x = layer_norm(x, w["ln_f/g"], w["ln_f/b"])
    return matmul(x, w["wte"], transpose_b=True)


def layer_norm(x: tf.Tensor, g: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Normalizes the last axis to mean 0 and variance 1, then scales and shifts it."""
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + 1e-5) * g + b


def gelu(x: tf.Tensor) -> tf.Tensor:
    """Gaussian error linear unit, approximated by tanh as in OpenAI's release."""
    return tf.nn.gelu(x, approximate=True)


def dense(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """[..., in] -> [..., out]."""
    return matmul(x, w) + b


def matmul(x: tf.Tensor, w: tf.Tensor, *, transpose_b: bool = False) -> tf.Tensor:
    """Multiplies x [..., in] by a matrix. It flattens x to a matrix first, which is faster."""
    rows = tf.reshape(x, [-1, x.shape[-1]])
    product = tf.matmul(rows, w, transpose_b=transpose_b)
    return tf.reshape(product, tf.concat([tf.shape(x)[:-1], [product.shape[-1]]], axis=0))


def split_heads(x: tf.Tensor, n_head: int) -> tf.Tensor:
    """[b, t, e] -> [b, h, t, d]."""
    b, t = tf.shape(x)[0], tf.shape(x)[1]
    return tf.transpose(tf.reshape(x, [b, t, n_head, x.shape[-1] // n_head]), [0, 2, 1, 3])


def merge_heads(x: tf.Tensor) -> tf.Tensor:
    """[b, h, t, d] -> [b, t, e]."""
    b, t = tf.shape(x)[0], tf.shape(x)[2]
    return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [b, t, x.shape[1] * x.shape[3]])


def causal_mask(t: tf.Tensor) -> tf.Tensor:
    """Masks from each of t positions those that come after it: [1, 1, t, t]."""
    return padded_causal_mask(tf.range(t), tf.zeros([1], tf.int32), t)


def padded_causal_mask(columns: tf.Tensor, padding: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
    """Masks later positions, and the padding at the left of each row.

    Args:
        columns: The columns of the new positions, [t].
        padding: How many columns of each row are padding, [b].
        n: Number of columns, including those in the KV cache.

    Returns:
        The attention mask, [b, 1, t, n].
    """
    keys = tf.range(n)
    masked = (keys > columns[:, tf.newaxis]) | (keys < padding[:, tf.newaxis, tf.newaxis])
    return tf.cast(masked, tf.float32)[:, tf.newaxis] * MASKED


def layer_weights(w: Weights, layer: int) -> Weights:
    """One layer's weights, without the layer's prefix in their names."""
    prefix = f"h{layer}/"
    return {name.removeprefix(prefix): v for name, v in w.items() if name.startswith(prefix)}
