"""The bundled model, through the real command."""

from __future__ import annotations

import json
import re

import pytest

from gpt2bot.gpt2 import GPT2
from gpt2bot.gpt2.download.registry import DATA_FILE, FILES, find_model
from gpt2bot.gpt2.formats.checkpoint import read_weights, verify
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.training.validation import Validation
from tests.fakes.home import Home
from tests.gpt2 import reference

LABEL = "#GPT2 #AIgenerated"

# Written for this test, so that no model has seen them.
UNSEEN = [
    "The gardener put down her spade and looked at the small green shoots.",
    '"Where have you been all this time?" asked the baker, wiping his hands.',
    "Stir the onions over a low heat until they are soft, then add the rice.",
    "My uncle always said that a boat without a name will never come home.",
    "We walked along the river until the lights of the town went out.",
    "The climate is mild, with cool winters and dry, sunny summers.",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return find_model("demo", tmp_path_factory.mktemp("models"))


@pytest.fixture
def run(tmp_path):
    return Home(tmp_path).run


def test_it_is_whole_small_and_carries_what_is_owed(folder):
    verify(folder)
    hparams, tokenizer = read_description(folder)
    assert 4000 <= tokenizer.n_vocab <= 8000
    assert hparams.n_ctx >= 128
    assert (folder / DATA_FILE).stat().st_size <= 16_000_000
    present = {path.name for path in folder.iterdir()}
    assert present >= {*FILES, "MODEL_CARD.md", "training.json", "ATTRIBUTION-stories.tsv"}
    assert {path.name for path in (folder / "LICENSES").iterdir()} >= {"WordNet-3.1.txt"}


def test_it_foretells_text_that_it_has_not_seen(folder):
    hparams, tokenizer = read_description(folder)
    held_out = Validation(UNSEEN, tokenizer, hparams, read_weights(folder, hparams))
    _, bits_per_character = held_out.measure()
    assert bits_per_character < 2.0
    best = json.loads((folder / "training.json").read_text())["best"]
    assert best["bits_per_character"] <= 1.8


def test_fifty_tweets_are_different_labelled_fit_and_come_again(run):
    first = run("sample", "--nsamples", "50", "--seed", "1", "--json")
    assert first.returncode == 0, first.stderr
    tweets = [json.loads(line) for line in first.stdout.splitlines()]
    texts = [tweet["text"] for tweet in tweets]
    assert len(set(texts)) == 50
    for tweet in tweets:
        body, _, label = tweet["text"].rpartition("\n")
        assert label == LABEL
        assert tweet["accepted"]
        assert tweet["length"] <= 280
        assert tweet["model"] == "demo"
        assert not re.search(r"@\w|https?:|www\.|\S\.(com|org|net)\b|#\w|\d{3}.\d{4}", body)
        assert body.startswith(tweet["prompt"])
    again = run("sample", "--nsamples", "50", "--seed", "1", "--json")
    assert again.stdout == first.stdout


def test_a_tweet_comes_again_alone_by_its_own_seed(run):
    lines = run("sample", "--nsamples", "3", "--seed", "5", "--json").stdout.splitlines()
    third = json.loads(lines[2])
    alone = run("sample", "--prompt", third["prompt"], "--seed", str(third["seed"]), "--json")
    assert json.loads(alone.stdout)["text"] == third["text"]


@pytest.mark.parametrize("prompt", ["Once upon a time", "The old man said"])
def test_greedy_raw_text_is_that_of_the_numpy_reference(run, folder, prompt):
    result = run("sample", "--raw", "--top-k", "1", "--length", "40", "--prompt", prompt)
    lm = GPT2.load(folder)
    weights = read_weights(folder, lm.hparams)
    end = lm.tokenizer.end_of_text
    ids = [end, *lm.tokenizer.encode(prompt)]
    wanted = reference.greedy(weights, lm.hparams.n_head, ids, 40, end)
    assert result.stdout == prompt + lm.tokenizer.decode(wanted) + "\n"


def test_a_dry_run_shows_a_labelled_tweet_says_demo_and_leaves_nothing(run, tmp_path):
    result = run("post", "--dry-run")
    assert result.returncode == 0, result.stderr
    *_, label, last = result.stdout.splitlines()
    assert label == LABEL
    assert re.fullmatch(r"\[\d+/280\] demo, dry run: not posted", last)
    assert "gpt2bot download" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_model_card_names_every_source_and_the_figures(folder):
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    report = json.loads((folder / "training.json").read_text())
    assert f"{report['best']['bits_per_character']:.3f}" in card
    for file in report["files"]:
        assert file["name"] in card
