"""GPT-2 as functions of its weights.

The one definition of the network: training, scoring, generation and whatever is compiled all call
it. The weights are a flat mapping with the names of `HParams.shapes`.

Radford et al. 2019, and `model.py` of OpenAI's release: pre-norm transformer blocks, learned
positions, GELU in its tanh form, and an output layer that shares the embedding's matrix.

Shapes: b = batch, t = new positions, p = positions in the cache, e = n_embd, h = n_head, d = e / h,
v = n_vocab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from gpt2bot.gpt2.hparams import HParams

Weights = Mapping[str, "tf.Tensor"]
Dropout = Callable[["tf.Tensor"], "tf.Tensor"]

# What a mask takes off the score of a position that must not be seen: in float32, all of it.
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
    """Tokens and positions, [b, t] or [t] each -> [b, t, e]."""
    return tf.gather(w["wte"], tokens) + tf.gather(w["wpe"], positions)


def block(
    w: Weights,
    x: tf.Tensor,
    mask: tf.Tensor,
    past: tuple[tf.Tensor, tf.Tensor] | None = None,
    *,
    n_head: int,
    dropout: Dropout = identity,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """One layer.

    Args:
        w: The layer's weights, see `layer_weights`.
        x: The residual stream, [b, t, e].
        mask: What each new position must not see, [b or 1, 1, t, p + t]: 0 or `MASKED`.
        past: Keys and values of earlier positions, [b, h, p, d] each.
        n_head: The number of heads, h.
        dropout: Applied to attention's weights and to both branches, when training.

    Returns:
        The stream [b, t, e], and the new positions' keys and values [b, h, t, d].
    """
    a, k, v = attention(
        w, layer_norm(x, w["ln_1/g"], w["ln_1/b"]), mask, past, n_head=n_head, dropout=dropout
    )
    x = x + dropout(a)
    m = mlp(w, layer_norm(x, w["ln_2/g"], w["ln_2/b"]))
    return x + dropout(m), k, v


def attention(
    w: Weights,
    x: tf.Tensor,
    mask: tf.Tensor,
    past: tuple[tf.Tensor, tf.Tensor] | None = None,
    *,
    n_head: int,
    dropout: Dropout = identity,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Multi-head attention of the new positions to the cache and themselves; see `block`."""
    qkv = dense(x, w["attn/c_attn/w"], w["attn/c_attn/b"])  # [b, t, e] -> [b, t, 3e]
    q, k, v = (split_heads(part, n_head) for part in tf.split(qkv, 3, axis=-1))  # [b, h, t, d]
    q *= float(q.shape[-1]) ** -0.5
    scores = tf.matmul(q, k, transpose_b=True)  # [b, h, t, t]
    if past is not None:
        # Cache and new positions are multiplied apart and only the scores are joined: joining the
        # keys and values would copy the whole cache at every step.
        scores = tf.concat([tf.matmul(q, past[0], transpose_b=True), scores], axis=-1)
    # Subtracted, for TensorFlow fuses a product and a sum to what takes 8 times as long on a CPU.
    p = dropout(tf.nn.softmax(scores - mask))  # [b, h, t, p + t]
    if past is None:
        a = tf.matmul(p, v)  # [b, h, t, d]
    else:
        n = tf.shape(past[0])[2]
        a = tf.matmul(p[..., :n], past[1]) + tf.matmul(p[..., n:], v)
    return dense(merge_heads(a), w["attn/c_proj/w"], w["attn/c_proj/b"]), k, v


def mlp(w: Weights, x: tf.Tensor) -> tf.Tensor:
    """The position-wise network: [b, t, e] -> [b, t, 4e] -> [b, t, e]."""
    hidden = gelu(dense(x, w["mlp/c_fc/w"], w["mlp/c_fc/b"]))
    return dense(hidden, w["mlp/c_proj/w"], w["mlp/c_proj/b"])


def output(w: Weights, x: tf.Tensor) -> tf.Tensor:
    """Logits from the last layer's stream: [..., e] -> [..., v]."""
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
    """Multiplies x [..., in] by a matrix, as two matrices, which is what runs fast."""
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
    """Hides from each of t positions those that come after it: [1, 1, t, t]."""
    return padded_causal_mask(tf.range(t), tf.zeros([1], tf.int32), t)


def padded_causal_mask(columns: tf.Tensor, padding: tf.Tensor, n: tf.Tensor) -> tf.Tensor:
    """Hides padding on the left, and what comes after a position, in rows of n columns.

    Args:
        columns: The columns of the new positions, [t].
        padding: How many columns of each row are padding, [b].
        n: Number of columns, those in the cache included.

    Returns:
        The mask, [b, 1, t, n].
    """
    seen = tf.range(n)
    hidden = (seen > columns[:, tf.newaxis]) | (seen < padding[:, tf.newaxis, tf.newaxis])
    return tf.cast(hidden, tf.float32)[:, tf.newaxis] * MASKED


def layer_weights(w: Weights, layer: int) -> Weights:
    """One layer's weights, under their names within the layer."""
    start = f"h{layer}/"
    return {name.removeprefix(start): value for name, value in w.items() if name.startswith(start)}
