"""The way through the rooms, with the bundled model and an X on the loopback."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gpt2bot.bot import drafting, post
from gpt2bot.errors import ConfigurationError, LockedError, NoCandidateError
from gpt2bot.posting.outbox import Outbox
from gpt2bot.posting.state_folder import exclusive
from gpt2bot.tweets.filter import OPTIONAL_RULES
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt2bot.config import Settings
    from tests.fakes.x_server import XServer


LABEL = "#GPT2 #AIgenerated"


def test_a_tweet_can_be_had_again_by_its_seed(settings: Callable[..., Settings]) -> None:
    result = post.dry_run(settings(), prompt=None)
    again = {"prompt": result.tweet.prompt, "seed": result.seed}
    [candidate] = drafting.sample(settings(), nsamples=1, **again)
    assert candidate.verdict.tweet == result.tweet


def test_what_an_earlier_run_left_ready_goes_first(
    settings: Callable[..., Settings], x: XServer
) -> None:
    made = settings(model="absent")  # a new tweet could not be written
    tweet = Tweet("It was ready long ago.", LABEL, "It was")
    with Outbox(made.state_dir) as outbox:
        outbox.add(tweet, model="124M", seed=7, now=time.time())
    result = post.post(made, prompt=None)
    assert x.texts == [tweet.text]
    assert (result.tweet, result.model, result.seed) == (tweet, "124M", 7)


def test_nothing_is_posted_that_was_posted_before(
    settings: Callable[..., Settings], x: XServer
) -> None:
    """Greedy sampling of one prompt writes one text, again and again."""
    made = settings(
        sampling={"top_k": 1, "candidates": 2},
        tweets={"prompts": ["The old man"], "max_rounds": 1},
    )
    first = post.post(made, prompt=None)
    assert x.texts == [first.tweet.text]
    for run in (post.post, post.dry_run):
        with pytest.raises(NoCandidateError, match="duplicate 2"):
            run(made, prompt=None)
    assert x.texts == [first.tweet.text]


def test_no_prompt_is_used_twice_before_all_were(
    settings: Callable[..., Settings], x: XServer
) -> None:
    prompts = ["The old man", "The little girl", "The cat looked at"]
    made = settings(
        tweets={"prompts": prompts},
        filter={"disabled": sorted(OPTIONAL_RULES)},  # so that what is written is taken
    )
    results = [post.post(made, prompt=None) for _ in prompts]
    assert sorted(result.tweet.prompt for result in results) == sorted(prompts)
    assert len(x.texts) == 3


def test_the_prompt_that_was_used_longest_ago_comes_next(settings: Callable[..., Settings]) -> None:
    made = settings(
        tweets={"prompts": ["The old man", "The little girl"]},
        filter={"disabled": sorted(OPTIONAL_RULES)},
    )
    with Outbox(made.state_dir) as outbox:
        for prompt in ("The old man", "The old man", "The little girl"):
            outbox.add(Tweet(f"{prompt}.", LABEL, prompt), model="demo", seed=1, now=0.0)
    assert post.dry_run(made, prompt=None).tweet.prompt == "The old man"


def test_a_second_run_waits_for_nothing(settings: Callable[..., Settings], x: XServer) -> None:
    made = settings()
    with exclusive(made.state_dir), pytest.raises(LockedError):
        post.post(made, prompt=None)
    assert not x.requests


def test_keys_that_are_missing_are_told_before_the_lock_is_taken(
    settings: Callable[..., Settings],
) -> None:
    made = settings(x={})
    with pytest.raises(ConfigurationError, match="consumer_key, consumer_secret"):
        post.post(made, prompt=None)
    assert not made.state_dir.exists()
