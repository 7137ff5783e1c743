"""Compares the compiled model with the network in TensorFlow, on the bundled model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from gpt2bot.gpt2 import GPT2
from gpt2bot.gpt2.download.registry import find_model
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.generate import row_seeds
from gpt2bot.gpt2.litert.build import compile_model, load_engine
from gpt2bot.gpt2.litert.precision import PRECISIONS

PROMPTS = [
    "Once upon a time",
    "",
    (
        "The old man who lived by the sea had never been to the town on the other side of the "
        "hill, where his brother kept a shop and a garden, and so one morning in the spring he"
    ),
    "My neighbour",
]


@pytest.fixture(scope="module")
def folder(shared_folder, tmp_path_factory):
    """A copy of the bundled model, compiled to both precisions."""

    def fill(folder):
        demo = find_model("demo", tmp_path_factory.mktemp("models"))
        shutil.copytree(demo, folder, dirs_exist_ok=True)
        for precision in PRECISIONS:
            compile_model(folder, precision=precision)

    return shared_folder("demo", fill)


@pytest.fixture(scope="module")
def tensorflow(folder):
    return GPT2.load(folder, engine="tensorflow")


@pytest.fixture(scope="module")
def compiled(folder):
    return {p: GPT2.load(folder, precision=p) for p in ("int8", "float32")}


def test_float32_gives_the_logits_and_greedy_text_of_tensorflow(folder, tensorflow, compiled):
    hparams, tokenizer = read_description(folder)
    engine = load_engine(folder, hparams, precision="float32")
    rows = [[tokenizer.end_of_text, *tokenizer.encode(prompt)] for prompt in PROMPTS]
    found = [engine.prefill(rows).copy()]
    steps = np.random.default_rng(1).integers(0, hparams.n_vocab, [50, len(rows)], np.int32)
    found += [engine.step(tokens).copy() for tokens in steps]
    for number, row in enumerate(rows):
        wanted = tensorflow.logits([*row, *steps[:, number]])[0, len(row) - 1 :]
        np.testing.assert_allclose([step[number] for step in found], wanted, atol=1e-3)
    options = {"length": 70, "top_k": 1}
    assert compiled["float32"].generate(PROMPTS, **options) == tensorflow.generate(
        PROMPTS, **options
    )


@pytest.mark.parametrize(
    "options", [{"top_k": 40}, {"top_k": 0, "top_p": 0.9}, {"top_k": 3, "temperature": 1.5}]
)
def test_float32_samples_the_same_texts_as_tensorflow(tensorflow, compiled, options):
    options |= {"length": 40, "seed": 5}
    assert compiled["float32"].generate(PROMPTS, **options) == tensorflow.generate(
        PROMPTS, **options
    )


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_a_text_does_not_depend_on_its_batch(compiled, precision):
    """Bit for bit: finished rows, a growing KV cache and prefill chunks change nothing."""
    lm, options = compiled[precision], {"length": 70, "top_k": 0}
    prompts = PROMPTS * 3
    seeds = row_seeds(7, len(prompts))
    together = lm.generate(prompts, seed=seeds, **options)
    alone = [lm.generate([p], seed=s, **options)[0] for p, s in zip(prompts, seeds, strict=True)]
    assert together == alone
    assert len({len(text) for text in together}) > 6


def test_rows_can_be_reordered_and_repeated(folder):
    hparams, tokenizer = read_description(folder)
    engine = load_engine(folder, hparams)
    rows = [[tokenizer.end_of_text, *tokenizer.encode(prompt)] for prompt in PROMPTS]
    tokens = np.array([10, 20, 30, 40], np.int32)
    engine.prefill(rows)
    wanted = engine.step(tokens).copy()
    for order in ([3, 2, 1, 0], [2, 2, 0], [1]):
        engine.prefill(rows)
        engine.reorder(np.array(order))
        np.testing.assert_array_equal(engine.step(tokens[order]), wanted[order])


def test_a_text_ends_when_the_context_is_full(compiled, folder):
    hparams, tokenizer = read_description(folder)
    texts = compiled["int8"].generate(PROMPTS, length=1000, top_k=0, temperature=3.0, seed=2)
    for prompt, text in zip(PROMPTS, texts, strict=True):
        written = len(tokenizer.encode(prompt + text)) + 1
        assert written <= hparams.n_ctx + 20  # the sampled text may encode to more tokens


def test_generating_prints_nothing_and_does_not_import_tensorflow(folder):
    program = (
        "import sys; from gpt2bot.gpt2 import GPT2\n"
        "lm = GPT2.load(sys.argv[1], threads=1)\n"
        "print(len(lm.generate(['The', 'A'] * 9, length=40, seed=1)))\n"
        "print('tensorflow' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, folder], capture_output=True, text=True, env=os.environ
    )
    assert (run.stdout, run.stderr) == ("18\nFalse\n", "")
