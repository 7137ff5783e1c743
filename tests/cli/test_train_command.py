"""The real command `gpt2bot train`: what it reads, and what it refuses before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.home import Home


@pytest.mark.parametrize("size", ["n-vocab", "n-ctx", "n-embd", "n-head", "n-layer"])
def test_a_size_cannot_be_combined_with_a_base(home: Home, size: str) -> None:
    home.write("text.txt", "one\ntwo\n")
    options = ("--name", "mine", "--base", "demo", f"--{size}", "300")
    result = home.run("train", "text.txt", *options)
    assert result.returncode == 2
    assert f"--{size} cannot be combined with --base" in result.stderr
    assert "the size of demo" in result.stderr
    assert home.files() == ["text.txt"]


def test_a_file_whose_texts_cannot_be_told_trains_nothing(home: Home) -> None:
    home.write("tweets.csv", "id;body\n1;Hello, you\n")
    result = home.run("train", "tweets.csv", "--name", "mine")
    assert result.returncode == 4
    assert result.stderr.startswith("gpt2bot: tweets.csv, line 1: there is no column 'text'")
    assert "choose one with --column" in result.stderr
    assert not result.stdout


def test_trains_on_a_column(home: Home) -> None:
    rows = "".join(f"{n};The goat, number {n}, sleeps.\n" for n in range(20))
    home.write("tweets.csv", f"id;body\n{rows}")
    small = ("--n-vocab", "270", "--n-ctx", "16", "--n-embd", "8", "--n-head", "1")
    options = ("--name", "mine", "--column", "Body", "--epochs", "1", "--n-layer", "1", *small)
    result = home.run("train", "tweets.csv", *options)
    assert result.returncode == 0, result.stderr
    assert "19 items to train on, 1 held out" in result.stderr
