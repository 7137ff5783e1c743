"""Small models to test with, random so that every weight matters, and a bucket to fetch from."""

from __future__ import annotations

import numpy as np
import pytest

from gpt2bot.gpt2.formats.checkpoint import write_model
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.litert.build import compile_model
from gpt2bot.gpt2.litert.precision import PRECISIONS
from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.training.vocabulary import train_tokenizer
from tests.fakes.bucket import Bucket
from tests.fakes.downloads import contents

TEXT = "the quick brown fox jumps over the lazy dog and the dog does not mind it at all"


def random_weights(hparams, seed=0, scale=0.3):
    rng = np.random.default_rng(seed)
    return {
        name: tf.constant(rng.normal(float(name.endswith("/g")), scale, shape), tf.float32)
        for name, shape in hparams.shapes().items()
    }


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer([TEXT] * 3, 300)


@pytest.fixture(scope="session")
def hparams(tokenizer):
    return HParams(n_vocab=tokenizer.n_vocab, n_ctx=32, n_embd=24, n_head=3, n_layer=2)


@pytest.fixture(scope="session")
def weights(hparams):
    return random_weights(hparams)


@pytest.fixture
def model_folder(tmp_path, hparams, tokenizer, weights):
    folder = tmp_path / "models" / "tiny"
    write_model(folder, hparams, tokenizer, weights)
    return folder


@pytest.fixture(scope="session")
def compiled_folder(shared_folder, hparams, tokenizer, weights):
    """A model with its compiled forms, which no test may change."""

    def fill(folder):
        write_model(folder, hparams, tokenizer, weights)
        for precision in PRECISIONS:
            compile_model(folder, precision=precision)

    return shared_folder("tiny", fill)


@pytest.fixture
def bucket():
    with Bucket(contents()).serve() as bucket:
        yield bucket


@pytest.fixture
def models(tmp_path):
    return tmp_path / "models"
