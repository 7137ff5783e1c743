from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gpt2bot.gpt2 import network
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.tensorflow_engine import TensorFlowEngine
from tests.gpt2 import reference

GOLDEN = Path(__file__).parent / "golden" / "transformers.npz"


def test_logits_agree_with_the_numpy_reference(hparams, weights):
    ids = np.random.default_rng(1).integers(0, hparams.n_vocab, [3, hparams.n_ctx])
    found = network.forward(weights, hparams, tf.constant(ids, tf.int32)).numpy()
    wanted = [reference.logits(weights, hparams.n_head, row) for row in ids]
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_logits_agree_with_hugging_face():
    with np.load(GOLDEN) as golden:
        arrays = dict(golden)
    hparams = HParams(*(int(n) for n in arrays.pop("hparams")))
    ids, wanted = arrays.pop("ids"), arrays.pop("logits")
    weights = {name: tf.constant(value) for name, value in arrays.items()}
    assert {name: value.shape for name, value in arrays.items()} == hparams.shapes()
    found = network.forward(weights, hparams, tf.constant(ids, tf.int32)).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("prompt_length", [1, 5, 31])
def test_decoding_with_the_kv_cache_gives_the_logits_of_a_full_pass(
    hparams, weights, prompt_length
):
    ids = np.random.default_rng(2).integers(0, hparams.n_vocab, [2, hparams.n_ctx], dtype=np.int32)
    full = network.forward(weights, hparams, tf.constant(ids)).numpy()
    engine = TensorFlowEngine(weights, hparams)
    steps = [engine.prefill(ids[:, :prompt_length])]
    steps += [engine.step(column) for column in ids.T[prompt_length:]]
    np.testing.assert_allclose(np.stack(steps, axis=1), full[:, prompt_length - 1 :], atol=1e-4)


def test_padding_rows_of_a_batch_does_not_change_their_logits(hparams, weights):
    rng = np.random.default_rng(3)
    rows = [rng.integers(0, hparams.n_vocab, n) for n in (9, 1, 4)]
    engine = TensorFlowEngine(weights, hparams)
    together = [engine.prefill(rows)]
    together.append(engine.step(np.array([7, 8, 9], np.int32)))
    for number, row in enumerate(rows):
        wanted = reference.logits(weights, hparams.n_head, [*row, 7 + number])[-2:]
        np.testing.assert_allclose([step[number] for step in together], wanted, atol=1e-4)


def test_dropout_reaches_embeddings_attention_and_both_branches(hparams, weights):
    shapes = []

    def dropout(x):
        shapes.append(x.shape.as_list())
        return x

    network.forward(weights, hparams, tf.zeros([2, 5], tf.int32), dropout=dropout)
    stream, scores = [2, 5, hparams.n_embd], [2, hparams.n_head, 5, 5]
    assert shapes == [stream] + [scores, stream, stream] * hparams.n_layer
