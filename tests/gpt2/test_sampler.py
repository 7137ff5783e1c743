from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.gpt2.generate import row_seeds, uniforms
from gpt2bot.gpt2.sampler import sample
from gpt2bot.gpt2.tensorflow import tf

PROBABILITIES = np.array([0.05, 0.4, 0.1, 0.25, 0.2])
LOGITS = np.log(PROBABILITIES).astype(np.float32)


def sample_tokens(n, *, temperature=1.0, top_k=0, top_p=1.0, logits=LOGITS, uniform=None):
    uniform = uniforms(5, n) if uniform is None else uniform
    return sample(
        tf.constant(np.tile(logits, [n, 1])),
        tf.constant(uniform, tf.float32),
        temperature=tf.constant(temperature),
        top_k=tf.constant(top_k),
        top_p=tf.constant(top_p),
    ).numpy()


def expected(probabilities, kept):
    masked = np.where(np.isin(np.arange(len(probabilities)), kept), probabilities, 0.0)
    return masked / masked.sum()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, PROBABILITIES),
        ({"top_k": 5}, PROBABILITIES),
        ({"top_k": 99}, PROBABILITIES),
        ({"top_k": 3}, expected(PROBABILITIES, [1, 3, 4])),
        ({"top_p": 0.66}, expected(PROBABILITIES, [1, 3])),
        ({"top_p": 0.86}, expected(PROBABILITIES, [1, 3, 4])),
        ({"top_k": 3, "top_p": 0.5}, expected(PROBABILITIES, [1])),
        ({"top_k": 3, "top_p": 0.7}, expected(PROBABILITIES, [1])),
        ({"temperature": 0.5}, expected(PROBABILITIES**2, range(5))),
        ({"temperature": 2.0, "top_k": 2}, expected(PROBABILITIES**0.5, [1, 3])),
    ],
)
def test_token_frequencies_match_the_distribution(options, wanted):
    n = 20_000
    counts = np.bincount(sample_tokens(n, **options), minlength=5)
    assert not counts[wanted == 0].any()
    cells = wanted > 0
    chi_square = ((counts[cells] - n * wanted[cells]) ** 2 / (n * wanted[cells])).sum()
    # The 99.9th percentile of chi-square with 0 to 4 degrees of freedom.
    assert chi_square <= [0.0, 10.83, 13.82, 16.27, 18.47][cells.sum() - 1]


def test_top_k_of_one_takes_the_most_probable_token():
    assert set(sample_tokens(1000, top_k=1)) == {1}


def test_the_smallest_nucleus_is_one_token():
    assert set(sample_tokens(1000, top_p=1e-6)) == {1}


def test_greedy_sampling_takes_the_first_of_equal_logits():
    assert set(sample_tokens(100, top_k=1, logits=np.float32([1, 3, 3, 2]))) == {1}


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(np.float32(1), np.float32(0))])
def test_the_extreme_random_numbers_give_tokens_within_top_k(uniform):
    (token,) = sample_tokens(1, top_k=3, uniform=[uniform])
    assert token == (1 if uniform == 0 else 4)


def test_half_precision_logits_are_summed_in_float32():
    logits = np.zeros(4096, np.float16)
    tokens = sample_tokens(64, logits=logits, uniform=np.linspace(0.5, 0.9999, 64))
    assert len(set(tokens)) == 64
    assert tokens.min() >= 2047


@settings(max_examples=50)
@given(
    logits=st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40),
    uniform=st.floats(0, 1, exclude_max=True, width=32),
    temperature=st.floats(0.05, 5),
    top_k=st.integers(0, 60),
    top_p=st.floats(0.01, 1),
)
def test_a_sampled_token_is_always_one_of_the_top_k(logits, uniform, temperature, top_k, top_p):
    (token,) = sample_tokens(
        1,
        logits=np.float32(logits),
        uniform=[uniform],
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    larger = sum(value > logits[token] for value in logits)
    assert larger < (top_k or len(logits))


def test_random_numbers_depend_only_on_the_seed():
    np.testing.assert_array_equal(uniforms(9, 5), uniforms(9, 50)[:5])
    assert not np.array_equal(uniforms(9, 5), uniforms(10, 5))


def test_row_seeds_start_with_the_seed_itself_and_do_not_depend_on_the_batch():
    assert row_seeds(7, 6)[0] == 7
    assert row_seeds(7, 6) == row_seeds(7, 2) + row_seeds(7, 4, start=2)
    seeds = row_seeds(7, 1000) + row_seeds(8, 1000)
    assert len(set(seeds)) == 2000
    assert all(0 <= seed < 2**53 for seed in seeds)
