from __future__ import annotations

import math

import numpy as np
import pytest

from gpt2bot.errors import PromptTooLongError, UsageError
from gpt2bot.gpt2 import GPT2
from gpt2bot.gpt2.generate import row_seeds
from gpt2bot.gpt2.tokenizer import END_OF_TEXT
from tests.gpt2 import reference

PROMPTS = ["the quick brown fox", "", "dog", "over the lazy dog and the"]


@pytest.fixture(params=["tensorflow", "litert"])
def lm(compiled_folder, request):
    return GPT2.load(compiled_folder, engine=request.param, precision="float32")


def test_greedy_text_matches_the_numpy_reference(lm, weights):
    end = lm.tokenizer.end_of_text
    found = lm.generate(PROMPTS, length=20, top_k=1)
    for prompt, text in zip(PROMPTS, found, strict=True):
        ids = [end, *lm.tokenizer.encode(prompt)]
        room = min(20, lm.hparams.n_ctx - len(ids))
        wanted = reference.greedy(weights, lm.hparams.n_head, ids, room, end)
        assert text == lm._text(wanted)


def test_the_same_seed_gives_the_same_texts_in_any_batch(lm):
    together = lm.generate(PROMPTS, length=12, seed=11)
    assert lm.generate(PROMPTS, length=12, seed=11) == together
    assert lm.generate(PROMPTS, length=12, seed=12) != together
    seeds = row_seeds(11, len(PROMPTS))
    alone = [lm.generate([p], length=12, seed=s)[0] for p, s in zip(PROMPTS, seeds, strict=True)]
    assert alone == together
    assert lm.generate(PROMPTS[::-1], length=12, seed=seeds[::-1]) == together[::-1]


def test_without_a_seed_texts_differ(lm):
    assert len(set(lm.generate([""] * 8, top_k=0, length=12))) > 4


def test_a_text_ends_at_end_of_text_which_never_appears(hparams, tokenizer, weights):
    # All other weights are zero, so two tokens are equally probable at every position.
    biased = {name: value * 0 for name, value in weights.items()}
    embedding = np.zeros([hparams.n_vocab, hparams.n_embd], np.float32)
    embedding[tokenizer.end_of_text, 0] = embedding[tokenizer.encode("e")[0], 0] = 30
    biased |= {"wte": embedding, "ln_f/b": np.eye(hparams.n_embd, dtype=np.float32)[0]}
    lm = GPT2.of_weights(hparams, tokenizer, biased)
    texts = lm.generate([""] * 64, length=20, seed=1, top_k=0)
    assert not any(END_OF_TEXT in text for text in texts)
    assert set("".join(texts)) == {"e"}
    assert len({len(text) for text in texts}) > 3
    assert 0.3 < sum(text == "" for text in texts) / 64 < 0.7


def test_a_text_is_no_longer_than_length_or_the_context(lm):
    for length in (1, 5, 1000):
        prompts = ["dog", "the dog and the fox"]
        for prompt, text in zip(prompts, lm.generate(prompts, length=length), strict=True):
            n_prompt = len(lm.tokenizer.encode(prompt)) + 1
            # No token of this vocabulary is longer than nine bytes.
            assert len(text.encode()) <= 9 * min(length, lm.hparams.n_ctx - n_prompt)


def test_a_prompt_that_fills_the_context_is_an_error(lm):
    with pytest.raises(PromptTooLongError, match=r"the prompt is 64 tokens long.*context of 32"):
        lm.generate(["dog", "quick " * 31])


def test_an_incomplete_last_character_is_left_out(lm):
    euro = lm.tokenizer.encode("€")
    assert len(euro) == 3
    assert lm._text([*lm.tokenizer.encode("dog"), *euro[:2]]) == "dog"
    assert lm._text([*lm.tokenizer.encode("dog"), *euro]) == "dog€"
    assert lm._text([euro[1], *lm.tokenizer.encode("dog")]) == "\ufffddog"


def test_a_second_generate_does_not_retrace(compiled_folder):
    lm = GPT2.load(compiled_folder, engine="tensorflow")
    lm.generate(["dog"], length=3)
    functions = (lm._engine._advance, lm._engine._sample)
    assert [f.experimental_get_tracing_count() for f in functions] == [1, 1]
    lm.generate(PROMPTS, length=9, top_k=7, top_p=0.5, temperature=0.7)
    assert [f.experimental_get_tracing_count() for f in functions] == [1, 1]


def test_a_text_ends_when_the_stopping_criterion_is_met(lm):
    full = lm.generate(PROMPTS, length=16, temperature=1.0, seed=3)
    asked = []

    def stop(row, text):
        asked.append((row, text))
        return row != 1 and len(text) >= 5 * (row + 1)

    options = {"length": 16, "temperature": 1.0, "seed": 3}
    found = lm.generate(PROMPTS, **options, stopping_criterion=stop)
    assert found[1] == full[1]
    for row in (0, 2, 3):
        texts = [text for number, text in asked if number == row]
        assert all(len(text) < 5 * (row + 1) for text in texts[:-1])
        assert found[row] == texts[-1]
        assert full[row].startswith(found[row])


def test_an_unknown_engine_or_precision_is_an_error(compiled_folder):
    with pytest.raises(UsageError, match="choose litert or tensorflow"):
        GPT2.load(compiled_folder, engine="torch")
    with pytest.raises(UsageError, match="choose int8 or float32"):
        GPT2.load(compiled_folder, precision="int4")


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"length": 0}, "length must be a whole number of at least 1, not 0"),
        ({"top_k": -1}, "top_k must be a whole number of at least 0, not -1"),
        ({"top_p": 0.0}, "top_p must be a number greater than 0 and at most 1, not 0.0"),
        ({"top_p": 1.1}, "top_p must be a number greater than 0 and at most 1, not 1.1"),
        (
            {"temperature": 0.0},
            "temperature must be a number greater than 0 and at most 100, not 0.0",
        ),
        (
            {"temperature": math.nan},
            "temperature must be a number greater than 0 and at most 100, not nan",
        ),
        ({"temperature": 1e39}, "temperature must be a number greater than 0 and at most 100"),
        ({"seed": [1, 2]}, "expected 1 seeds, one per prompt, not 2"),
    ],
)
def test_a_setting_out_of_range_is_an_error(lm, options, wanted):
    with pytest.raises(ValueError, match=wanted):
        lm.generate(["dog"], **options)


def test_a_single_text_instead_of_a_list_is_an_error(lm):
    with pytest.raises(TypeError, match="must be a list of texts"):
        lm.generate("dog")


def test_no_prompts_give_no_texts(lm):
    assert lm.generate([]) == []


def test_logits_have_a_row_for_each_position(lm, weights):
    ids = [5, 6, 7]
    found = lm.logits(ids)
    assert found.shape == (1, 3, lm.hparams.n_vocab)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], reference.logits(weights, 3, ids), atol=1e-4)
    assert lm.logits([ids, ids]).shape == (2, 3, lm.hparams.n_vocab)


def test_logits_of_unknown_or_too_many_ids_are_an_error(lm):
    with pytest.raises(ValueError, match="token ids must be from 0 to"):
        lm.logits([0, lm.hparams.n_vocab])
    with pytest.raises(PromptTooLongError, match="33 tokens do not fit"):
        lm.logits([0] * 33)


def test_scores_match_the_numpy_reference(lm, weights):
    text = "the lazy dog"
    ids = lm.tokenizer.encode(text)
    logits = reference.logits(weights, lm.hparams.n_head, [lm.tokenizer.end_of_text, *ids])
    scores = lm.score(text)
    assert "".join(score.text for score in scores) == text
    for score, token, row in zip(scores, ids, logits, strict=False):
        probabilities = np.exp(row) / np.exp(row).sum()
        assert score.id == token
        assert score.log_probability == pytest.approx(math.log(probabilities[token]), abs=1e-4)
        assert score.rank == (probabilities > probabilities[token]).sum()
    assert lm.score("") == []


def test_limits_beyond_what_the_model_has_are_no_limits(lm):
    huge = lm.generate(["a"], length=10**12, top_k=10**30, seed=1)
    assert huge == lm.generate(["a"], length=lm.hparams.n_ctx, top_k=0, seed=1)
