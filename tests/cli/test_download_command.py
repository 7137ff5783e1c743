"""The real command `gpt2bot download`, of a real model, and what it is good for afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gpt2bot.gpt2.download.registry import DATA_FILE, FILES, find_model
from tests.fakes.bucket import Bucket
from tests.fakes.home import Home

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    demo = find_model("demo", tmp_path)
    return Bucket({f"124M/{name}": (demo / name).read_bytes() for name in FILES})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "models").mkdir()
    return Home(tmp_path)


def test_what_was_downloaded_writes_tweets_and_is_not_fetched_again(
    home: Home, bucket: Bucket
) -> None:
    with bucket.serve():
        first = home.run("download", "117M", "--base-url", bucket.url)
        assert first.returncode == 0, first.stderr
        assert first.stdout == f"{home.path / 'models' / '124M'}\n"
        assert "117M is the old name of 124M" in first.stderr
        asked = len(bucket.asked)
        second = home.run("download", "124M", "--base-url", bucket.url)
        assert second.returncode == 0
        assert "124M is already downloaded" in second.stderr
        assert len(bucket.asked) == asked
    sample = home.run("sample", "--seed", "1", "--json")
    assert '"model": "124M"' in sample.stdout
    assert sample.stderr == ""


def test_a_checkpoint_that_was_damaged_at_its_source_is_refused(home: Home, bucket: Bucket) -> None:
    weights = bytearray(bucket.files[f"124M/{DATA_FILE}"])
    weights[len(weights) // 2] ^= 1
    bucket.files[f"124M/{DATA_FILE}"] = bytes(weights)
    with bucket.serve():
        result = home.run("download", "124M", "--base-url", bucket.url)
    assert result.returncode == 4
    assert "124M arrived damaged and was deleted" in result.stderr
    assert "the tensor model/" in result.stderr
    assert home.files() == ["models", "models/.124M.lock"]
