"""The way through the rooms, with the model in the box and an X on the loopback."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot import bot
from gpt2bot.config import Settings
from gpt2bot.errors import ConfigurationError, LockedError, NoCandidateError, UsageError
from gpt2bot.posting.lock import exclusive
from gpt2bot.posting.outbox import Outbox
from gpt2bot.tweets.entities import find_mention, find_url
from gpt2bot.tweets.filter import OPTIONAL_RULES
from gpt2bot.tweets.filter.contact import find_contact
from gpt2bot.tweets.prompts import DEFAULT_PROMPTS
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.x_server import KEYS, XServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gpt2bot.tweets.tweet import Draft

LABEL = "#GPT2 #AIgenerated"


def ignore(_: str) -> None:
    """What is said to the owner is not looked at."""


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings of a bot that has the model in the box and remembers nothing."""

    def make(**sections: Any) -> Settings:
        folders = {"models_dir": tmp_path / "models", "state_dir": tmp_path / "state"}
        often = {"min_minutes_between_posts": 0}
        usual = {**folders, "model": "demo", "x": KEYS, "limits": often}
        return Settings.model_validate({**usual, **sections})

    return make


def accepted(settings: Settings, nsamples: int, **options: Any) -> list[Draft]:
    """The drafts of the accepted candidates."""
    options = {"prompt": None, "seed": 1, **options}
    candidates = bot.sample(settings, ignore, nsamples=nsamples, **options)
    return [c.verdict.draft for c in candidates if c.verdict.accepted]


class TestSample:
    def test_fifty_tweets_are_different_labelled_and_short_enough(
        self, settings: Callable[..., Settings]
    ) -> None:
        drafts = accepted(settings(), 50)
        assert len({draft.text for draft in drafts}) == 50
        for draft in drafts:
            assert draft.text.endswith(f"\n{LABEL}")
            assert draft.length <= 280
            assert draft.body.startswith(draft.prompt)
            assert not find_url(draft.text)
            assert not find_mention(draft.text)
            assert not find_contact(draft.body)

    def test_the_same_seed_gives_the_same_tweets_whatever_the_batch(
        self, settings: Callable[..., Settings]
    ) -> None:
        texts = [draft.text for draft in accepted(settings(), 8)]
        assert [draft.text for draft in accepted(settings(), 8)] == texts
        small = settings(sampling={"candidates": 3}, tweets={"max_rounds": 50})
        assert [draft.text for draft in accepted(small, 8)] == texts
        assert [draft.text for draft in accepted(settings(), 8, seed=2)] != texts

    def test_prompts_take_turns(self, settings: Callable[..., Settings]) -> None:
        prompts = ["The old man", "The little girl", "A good friend"]
        candidates = bot.sample(
            settings(tweets={"prompts": prompts}), ignore, nsamples=9, prompt=None, seed=1
        )
        assert [c.verdict.draft.prompt for c in islice(candidates, 6)] == prompts * 2

    def test_a_prompt_that_leads_nowhere_stops_nothing(
        self, settings: Callable[..., Settings]
    ) -> None:
        prompts = ["What the fuck is", "The old man"]
        made = settings(tweets={"prompts": prompts})
        assert [draft.prompt for draft in accepted(made, 3)] == ["The old man"] * 3
        with Outbox(made.state_dir) as outbox:  # so that the other one is tried first
            outbox.add(Tweet("The old.", LABEL, "The old man"), model="demo", seed=1, now=0.0)
        assert bot.dry_run(made, ignore, prompt=None).tweet.prompt == "The old man"
        one_round = settings(tweets={"prompts": prompts, "max_rounds": 1})
        with pytest.raises(NoCandidateError, match=r"none of 8 .*profanity 8"):
            bot.dry_run(one_round, ignore, prompt=None)

    def test_prompts_and_labels_come_from_a_file(
        self, settings: Callable[..., Settings], tmp_path: Path
    ) -> None:
        file = tmp_path / "prompts.csv"
        file.write_text("input_text,end_text\nThe old man,#bot\n", encoding="utf-8")
        [draft] = accepted(settings(tweets={"prompts_file": file}), 1)
        assert draft.text.startswith("The old man")
        assert draft.text.endswith("\n#bot")

    def test_the_openings_in_the_box_are_used_where_none_are_configured(
        self, settings: Callable[..., Settings]
    ) -> None:
        written = bot.sample_raw(settings(), ignore, nsamples=3, prompt=None, seed=1)
        assert [w.prompt.text for w in written] == list(DEFAULT_PROMPTS[:3])

    def test_raw_text_is_the_models_own(self, settings: Callable[..., Settings]) -> None:
        def raw(nsamples: int, candidates: int) -> list[str]:
            made = settings(sampling={"candidates": candidates})
            written = bot.sample_raw(made, ignore, nsamples=nsamples, prompt="The", seed=3)
            return [w.continuation for w in written]

        assert len(set(raw(5, 8))) == 5
        assert raw(5, 2) == raw(5, 8)

    def test_each_seed_gives_its_text_alone(self, settings: Callable[..., Settings]) -> None:
        *_, last = bot.sample_raw(settings(), ignore, nsamples=3, prompt="The", seed=3)
        [alone] = bot.sample_raw(settings(), ignore, nsamples=1, prompt="The", seed=last.seed)
        assert alone == last

    def test_the_demonstration_is_announced_once(self, settings: Callable[..., Settings]) -> None:
        said: list[str] = []
        list(bot.sample_raw(settings(), said.append, nsamples=20, prompt=None, seed=1))
        assert said == [bot.DEMO_NOTICE]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"tweets": {"label": "see example.com"}}, r"tweets\.label: .*URL"),
        ({"tweets": {"prompts": ["by @someone"]}}, r"tweets\.prompts: .*@someone"),
        ({"tweets": {"prompts_file": "/nowhere.txt"}}, r"/nowhere\.txt"),
        ({"filter": {"disabled": ["url"]}}, r"filter\.disabled: .*not url"),
    ],
)
def test_settings_that_the_rooms_refuse_are_configuration_errors(
    settings: Callable[..., Settings], sections: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        bot.dry_run(settings(**sections, model="absent"), ignore, prompt=None)


def test_a_prompt_that_cannot_start_a_tweet_is_a_usage_error(
    settings: Callable[..., Settings],
) -> None:
    with pytest.raises(UsageError, match=r"--prompt: .*URL"):
        bot.dry_run(settings(), ignore, prompt="see example.com")


class TestPost:
    def test_a_tweet_can_be_had_again_by_its_seed(self, settings: Callable[..., Settings]) -> None:
        result = bot.dry_run(settings(), ignore, prompt=None)
        [draft] = accepted(settings(), 1, prompt=result.tweet.prompt, seed=result.seed)
        assert draft.text == result.tweet.text

    def test_what_an_earlier_run_left_ready_goes_first(
        self, settings: Callable[..., Settings], x: XServer
    ) -> None:
        made = settings(model="absent")  # a new tweet could not be written
        tweet = Tweet("It was ready long ago.", LABEL, "It was")
        with Outbox(made.state_dir) as outbox:
            outbox.add(tweet, model="124M", seed=7, now=time.time())
        result = bot.post(made, ignore, prompt=None)
        assert x.texts == [tweet.text]
        assert (result.tweet, result.model, result.seed) == (tweet, "124M", 7)

    def test_nothing_is_posted_that_was_posted_before(
        self, settings: Callable[..., Settings], x: XServer
    ) -> None:
        """Greedy sampling of one prompt writes one text, again and again."""
        made = settings(
            sampling={"top_k": 1, "candidates": 2},
            tweets={"prompts": ["The old man"], "max_rounds": 1},
        )
        first = bot.post(made, ignore, prompt=None)
        assert x.texts == [first.tweet.text]
        for run in (bot.post, bot.dry_run):
            with pytest.raises(NoCandidateError, match="duplicate 2"):
                run(made, ignore, prompt=None)
        assert x.texts == [first.tweet.text]

    def test_no_prompt_is_used_twice_before_all_were(
        self, settings: Callable[..., Settings], x: XServer
    ) -> None:
        prompts = ["The old man", "The little girl", "The cat looked at"]
        made = settings(
            tweets={"prompts": prompts},
            filter={"disabled": sorted(OPTIONAL_RULES)},  # so that what is written is taken
        )
        results = [bot.post(made, ignore, prompt=None) for _ in prompts]
        assert sorted(result.tweet.prompt for result in results) == sorted(prompts)
        assert len(x.texts) == 3

    def test_the_prompt_that_was_used_longest_ago_comes_next(
        self, settings: Callable[..., Settings]
    ) -> None:
        made = settings(
            tweets={"prompts": ["The old man", "The little girl"]},
            filter={"disabled": sorted(OPTIONAL_RULES)},
        )
        with Outbox(made.state_dir) as outbox:
            for prompt in ("The old man", "The old man", "The little girl"):
                outbox.add(Tweet(f"{prompt}.", LABEL, prompt), model="demo", seed=1, now=0.0)
        assert bot.dry_run(made, ignore, prompt=None).tweet.prompt == "The old man"

    def test_a_second_run_waits_for_nothing(
        self, settings: Callable[..., Settings], x: XServer
    ) -> None:
        made = settings()
        with exclusive(made.state_dir), pytest.raises(LockedError):
            bot.post(made, ignore, prompt=None)
        assert not x.requests

    def test_keys_that_are_missing_are_told_before_the_lock_is_taken(
        self, settings: Callable[..., Settings]
    ) -> None:
        made = settings(x={})
        with pytest.raises(ConfigurationError, match="consumer_key, consumer_secret"):
            bot.post(made, ignore, prompt=None)
        assert not made.state_dir.exists()
