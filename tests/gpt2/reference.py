"""An independent GPT-2 in float64 NumPy, to hold the network against."""

from __future__ import annotations

import math

import numpy as np


def logits(weights, n_head, ids):
    """Logits [t, v] of one row of ids."""
    w = {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}
    x = np.array([w["wte"][token] + w["wpe"][place] for place, token in enumerate(ids)])
    n_layer = sum(name.endswith("/ln_1/g") for name in w)
    for layer in range(n_layer):
        h = f"h{layer}/"
        normed = norm(x, w[h + "ln_1/g"], w[h + "ln_1/b"])
        qkv = normed @ w[h + "attn/c_attn/w"] + w[h + "attn/c_attn/b"]
        q, k, v = np.split(qkv, 3, axis=1)
        size = q.shape[1] // n_head
        heads = []
        for head in range(n_head):
            part = slice(head * size, (head + 1) * size)
            out = np.zeros_like(q[:, part])
            for place in range(len(ids)):
                scores = k[: place + 1, part] @ q[place, part] / math.sqrt(size)
                e = np.exp(scores - scores.max())
                out[place] = (e / e.sum()) @ v[: place + 1, part]
            heads.append(out)
        x = x + np.hstack(heads) @ w[h + "attn/c_proj/w"] + w[h + "attn/c_proj/b"]
        normed = norm(x, w[h + "ln_2/g"], w[h + "ln_2/b"])
        hidden = gelu(normed @ w[h + "mlp/c_fc/w"] + w[h + "mlp/c_fc/b"])
        x = x + hidden @ w[h + "mlp/c_proj/w"] + w[h + "mlp/c_proj/b"]
    return norm(x, w["ln_f/g"], w["ln_f/b"]) @ w["wte"].T


def greedy(weights, n_head, ids, length, end_of_text):
    """The most probable continuation of ids, token by token."""
    ids, new = list(ids), []
    while len(new) < length:
        token = int(logits(weights, n_head, ids)[-1].argmax())
        if token == end_of_text:
            break
        ids.append(token)
        new.append(token)
    return new


def norm(x, g, b):
    mean = x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + 1e-5)
    return (x - mean) / deviation * g + b


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
