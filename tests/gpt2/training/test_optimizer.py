from __future__ import annotations

import numpy as np
import pytest

from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.training.optimizer import AdamW, learning_rate


def test_adamw_is_the_published_algorithm():
    rng = np.random.default_rng(0)
    start = {"w": rng.normal(size=(2, 3)), "b": rng.normal(size=3)}
    variables = {name: tf.Variable(value, dtype=tf.float32) for name, value in start.items()}
    optimizer = AdamW(variables, weight_decay=0.1)
    expected = {name: value.copy() for name, value in start.items()}
    mean = dict.fromkeys(start, 0.0)
    square = dict.fromkeys(start, 0.0)
    for t in range(1, 6):
        gradients = {name: rng.normal(size=value.shape) for name, value in start.items()}
        optimizer.apply([tf.constant(g, tf.float32) for g in gradients.values()], tf.constant(0.01))
        for name, g in gradients.items():
            mean[name] = 0.9 * mean[name] + 0.1 * g
            square[name] = 0.99 * square[name] + 0.01 * g**2
            step = (mean[name] / (1 - 0.9**t)) / np.sqrt(square[name] / (1 - 0.99**t))
            decay = 0.1 * expected[name] if name == "w" else 0.0
            expected[name] -= 0.01 * (step + decay)
    for name, value in variables.items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_the_learning_rate_warms_up_and_falls():
    rates = [learning_rate(step, peak=1.0, warmup=10, total=110) for step in range(111)]
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert max(rates) == 1.0
    assert rates[60] == pytest.approx(0.505)
    assert rates[110] == pytest.approx(0.01)
    assert (np.diff(rates[10:]) < 0).all()
