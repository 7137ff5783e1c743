"""Drafting, with the bundled model."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.bot import drafting, post
from gpt2bot.errors import ConfigurationError, NoCandidateError, UsageError
from gpt2bot.posting.outbox import Outbox
from gpt2bot.tweets.entities import find_mention, find_url
from gpt2bot.tweets.filter.contact import find_contact
from gpt2bot.tweets.prompts import DEFAULT_PROMPTS
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gpt2bot.config import Settings
    from gpt2bot.tweets.tweet import Draft

LABEL = "#GPT2 #AIgenerated"


def accepted(settings: Settings, nsamples: int, **options: Any) -> list[Draft]:
    """The drafts of the accepted candidates."""
    options = {"prompt": None, "seed": 1, **options}
    candidates = drafting.sample(settings, nsamples=nsamples, **options)
    return [c.verdict.draft for c in candidates if c.verdict.accepted]


def test_fifty_tweets_are_different_labelled_and_short_enough(
    settings: Callable[..., Settings],
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
    settings: Callable[..., Settings],
) -> None:
    texts = [draft.text for draft in accepted(settings(), 8)]
    assert [draft.text for draft in accepted(settings(), 8)] == texts
    small = settings(sampling={"candidates": 3}, tweets={"max_rounds": 50})
    assert [draft.text for draft in accepted(small, 8)] == texts
    assert [draft.text for draft in accepted(settings(), 8, seed=2)] != texts


def test_prompts_take_turns(settings: Callable[..., Settings]) -> None:
    prompts = ["The old man", "The little girl", "A good friend"]
    candidates = drafting.sample(
        settings(tweets={"prompts": prompts}), nsamples=9, prompt=None, seed=1
    )
    assert [c.verdict.draft.prompt for c in islice(candidates, 6)] == prompts * 2


def test_a_prompt_that_leads_nowhere_stops_nothing(settings: Callable[..., Settings]) -> None:
    prompts = ["What the fuck is", "The old man"]
    made = settings(tweets={"prompts": prompts})
    assert [draft.prompt for draft in accepted(made, 3)] == ["The old man"] * 3
    with Outbox(made.state_dir) as outbox:  # so that the other one is tried first
        outbox.add(Tweet("The old.", LABEL, "The old man"), model="demo", seed=1, now=0.0)
    assert post.dry_run(made, prompt=None).tweet.prompt == "The old man"
    one_round = settings(tweets={"prompts": prompts, "max_rounds": 1})
    with pytest.raises(NoCandidateError, match=r"none of 8 .*profanity 8"):
        post.dry_run(one_round, prompt=None)


def test_prompts_and_labels_come_from_a_file(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text("input_text,end_text\nThe old man,#bot\n", encoding="utf-8")
    [draft] = accepted(settings(tweets={"prompts_file": file}), 1)
    assert draft.text.startswith("The old man")
    assert draft.text.endswith("\n#bot")


def test_an_owner_may_vouch_for_a_label_in_other_words(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.csv"
    file.write_text("input_text,end_text\nThe old man,#silicon\n", encoding="utf-8")
    tweets = {"label": "#dreams", "label_is_disclosure": True}
    [draft] = accepted(settings(tweets=tweets), 1)
    assert draft.text.endswith("\n#dreams")
    [draft] = accepted(settings(tweets={**tweets, "prompts_file": file}), 1)
    assert draft.text.endswith("\n#silicon")


def test_the_openings_in_the_box_are_used_where_none_are_configured(
    settings: Callable[..., Settings],
) -> None:
    written = drafting.sample_raw(settings(), nsamples=3, prompt=None, seed=1)
    assert [w.prompt.text for w in written] == list(DEFAULT_PROMPTS[:3])


def test_raw_text_is_the_models_own(settings: Callable[..., Settings]) -> None:
    def raw(nsamples: int, candidates: int) -> list[str]:
        made = settings(sampling={"candidates": candidates})
        written = drafting.sample_raw(made, nsamples=nsamples, prompt="The", seed=3)
        return [w.continuation for w in written]

    assert len(set(raw(5, 8))) == 5
    assert raw(5, 2) == raw(5, 8)


def test_each_seed_gives_its_text_alone(settings: Callable[..., Settings]) -> None:
    *_, last = drafting.sample_raw(settings(), nsamples=3, prompt="The", seed=3)
    [alone] = drafting.sample_raw(settings(), nsamples=1, prompt="The", seed=last.seed)
    assert alone == last


def test_the_demonstration_is_announced_once(
    settings: Callable[..., Settings], messages: list[str]
) -> None:
    list(drafting.sample_raw(settings(), nsamples=20, prompt=None, seed=1))
    assert messages == [drafting.DEMO_NOTICE]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"tweets": {"label": "see example.com"}}, r"tweets\.label: .*URL"),
        ({"tweets": {"label": "hello"}}, r"tweets\.label: .*does not say that a machine wrote"),
        ({"tweets": {"prompts": ["by @someone"]}}, r"tweets\.prompts: .*@someone"),
        ({"tweets": {"prompts_file": "/nowhere.txt"}}, r"/nowhere\.txt"),
    ],
)
def test_settings_that_the_rooms_refuse_are_configuration_errors(
    settings: Callable[..., Settings], sections: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        post.dry_run(settings(**sections, model="absent"), prompt=None)


def test_a_prompt_that_cannot_start_a_tweet_is_a_usage_error(
    settings: Callable[..., Settings],
) -> None:
    with pytest.raises(UsageError, match=r"--prompt: .*URL"):
        post.dry_run(settings(), prompt="see example.com")
