"""Drafting, with the bundled model."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.bot import drafting, post
from gpt2bot.errors import ConfigurationError, ModelMissingError, NoCandidateError, UsageError
from gpt2bot.gpt2.download.registry import FILES, find_model
from gpt2bot.posting.outbox import Outbox, State
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
# The model's few English words after it do not make it English.
FRENCH = (
    "Il \u00e9tait une fois, dans un petit village de montagne, une vieille dame qui ne parlait"
    " jamais \u00e0 personne et qui gardait ses ch\u00e8vres toute la journ\u00e9e sans se"
    " plaindre"
)


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


def prompts_of(settings: Settings, seed: int | None, *, is_raw: bool = False) -> list[str]:
    """The first six prompts that `sample` uses."""
    if is_raw:
        written = drafting.sample_raw(settings, nsamples=6, prompt=None, seed=seed)
        return [w.prompt.text for w in written]
    candidates = drafting.sample(settings, nsamples=9, prompt=None, seed=seed)
    return [c.verdict.draft.prompt for c in islice(candidates, 6)]


@pytest.mark.parametrize("is_raw", [False, True])
def test_prompts_take_turns_in_an_order_that_the_seed_gives(
    settings: Callable[..., Settings], is_raw: bool
) -> None:
    prompts = ["The old man", "The little girl", "A good friend"]
    made = settings(tweets={"prompts": prompts}, sampling={"length": 1}, filter={"min_words": 1})
    orders = set()
    for seed in range(8):
        first = prompts_of(made, seed, is_raw=is_raw)
        assert first == first[:3] * 2 == prompts_of(made, seed, is_raw=is_raw)
        assert sorted(first[:3]) == sorted(prompts)
        orders.add(tuple(first))
    assert len(orders) > 1


def test_without_a_seed_each_sample_is_another_one(settings: Callable[..., Settings]) -> None:
    assert prompts_of(settings(), None, is_raw=True) != prompts_of(settings(), None, is_raw=True)


def test_a_prompt_that_leads_nowhere_stops_nothing(settings: Callable[..., Settings]) -> None:
    prompts = [FRENCH, "The old man"]
    made = settings(tweets={"prompts": prompts})
    assert [draft.prompt for draft in accepted(made, 3)] == ["The old man"] * 3
    with Outbox(made.state_dir) as outbox:  # so that the other one is tried first
        outbox.add(Tweet("The old.", LABEL, "The old man"), model="demo", seed=1, now=0.0)
        [entry] = outbox.entries(State.READY)
        entry = outbox.begin(entry, account="1", now=0.0)
        outbox.finish(entry, State.POSTED, now=0.0, tweet_id="1990")
    assert post.dry_run(made, prompt=None).tweet.prompt == "The old man"
    one_round = settings(tweets={"prompts": prompts, "max_rounds": 1})
    with pytest.raises(NoCandidateError, match=r"none of 8 .*language 8.*; set filter\.language"):
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
    written = drafting.sample_raw(settings(), nsamples=60, prompt=None, seed=1)
    assert Counter(w.prompt.text for w in written) == dict.fromkeys(DEFAULT_PROMPTS, 2)


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


class TestChoiceOfTheModel:
    @pytest.fixture
    def install(self, tmp_path: Path) -> Callable[..., None]:
        """Puts the bundled model into the folder of models, under another name."""

        def put(name: str, *, trained: bool = False) -> None:
            demo, folder = find_model("demo", tmp_path), tmp_path / "models" / name
            folder.mkdir()
            for part in (*FILES, *(["training.json"] if trained else [])):
                (folder / part).symlink_to(demo / part)
            for compiled in demo.glob("litert-*"):
                (folder / compiled.name).symlink_to(compiled)

        return put

    def written_by(self, settings: Settings) -> str:
        """The model that writes a text, and then another one."""
        first, *_ = drafting.sample_raw(settings, nsamples=20, prompt=None, seed=1)
        return first.model

    def test_the_bundled_one_is_announced_once(
        self, settings: Callable[..., Settings], messages: list[str]
    ) -> None:
        assert self.written_by(settings(model=None)) == "demo"
        assert messages == [drafting.DEMO_NOTICE, "the model is demo"]

    def test_nothing_is_announced_of_one_that_is_named(
        self, settings: Callable[..., Settings], install: Callable[..., None], messages: list[str]
    ) -> None:
        install("mine", trained=True)
        for name in ("demo", "mine"):
            messages.clear()
            [candidate] = drafting.sample(settings(model=name), nsamples=1, prompt=None, seed=1)
            assert (candidate.model, messages) == (name, [])

    def test_a_published_one_is_chosen_and_nothing_more_is_said(
        self, settings: Callable[..., Settings], install: Callable[..., None], messages: list[str]
    ) -> None:
        install("124M")
        assert self.written_by(settings(model=None)) == "124M"
        assert messages == ["the model is 124M"]
        drafting.check_may_post(settings(model=None))

    def test_one_of_ones_own_is_not_chosen_and_this_is_said_once(
        self, settings: Callable[..., Settings], install: Callable[..., None], messages: list[str]
    ) -> None:
        install("mine", trained=True)
        install("gift")
        assert self.written_by(settings(model=None)) == "demo"
        notice = "`model` is not set, so {} is used; set it to use another model: gift, mine"
        assert messages == [notice.format("demo"), "the model is demo"]
        messages.clear()
        install("124M")
        assert self.written_by(settings(model=None)) == "124M"
        assert messages == [notice.format("124M"), "the model is 124M"]

    def test_the_bundled_one_posts_only_if_it_is_named(
        self, settings: Callable[..., Settings], install: Callable[..., None], tmp_path: Path
    ) -> None:
        drafting.check_may_post(settings(model="demo"))
        start = f"`model` is not set, and {tmp_path / 'models'} contains no published model: "
        end = '"demo", the small bundled model'
        with pytest.raises(ModelMissingError) as caught:
            drafting.check_may_post(settings(model=None))
        advice = f"run `gpt2bot download 124M`, or set it in config.toml to {end}"
        assert str(caught.value) == start + advice
        install("mine", trained=True)
        with pytest.raises(ModelMissingError) as caught:
            drafting.check_may_post(settings(model=None))
        advice = f"set it in config.toml to a model of your own (mine) or to {end}"
        assert str(caught.value) == start + advice
        drafting.check_may_post(settings(model="mine"))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"tweets": {"label": "see example.com"}}, r"tweets\.label: .*URL"),
        ({"tweets": {"label": "hello"}}, r"tweets\.label: .*does not say that a machine wrote"),
        ({"tweets": {"prompts": ["by @someone"]}}, r"tweets\.prompts: .*@someone"),
        ({"tweets": {"prompts_file": "/nowhere.txt"}}, r"/nowhere\.txt"),
        ({"tweets": {"prompts": ["What the fuck", "Hi"]}}, r"tweets\.prompts: .*What the fuck"),
        ({"filter": {"min_words": 999}}, r"tweets\.prompts: .*too_short: .*filter\.min_words"),
    ],
)
def test_settings_that_the_rooms_refuse_are_configuration_errors(
    settings: Callable[..., Settings], sections: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        post.dry_run(settings(**sections, model="absent"), prompt=None)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [("see example.com", "URL"), ("What the fuck is", r"\(profanity: fuck\)")],
)
def test_a_prompt_that_cannot_start_a_tweet_is_a_usage_error(
    settings: Callable[..., Settings], prompt: str, message: str
) -> None:
    for run in (post.post, post.dry_run):
        with pytest.raises(UsageError, match=f"--prompt: .*{message}"):
            run(settings(), prompt=prompt)
    with pytest.raises(UsageError, match=f"--prompt: .*{message}"):
        list(drafting.sample(settings(), nsamples=1, prompt=prompt, seed=1))


def test_a_rule_that_is_switched_off_refuses_no_prompt(settings: Callable[..., Settings]) -> None:
    off = settings(filter={"disabled": ["language", "repetition"], "language": "tlh"})
    assert drafting.check_settings(off, "ha ha ha ha")


def test_the_file_of_a_prompt_that_is_refused_is_named(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.txt"
    lines = ["My cat", *(f"Fuck number {number}" for number in range(9))]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"prompts\.txt: .*number 4' .*, and 4 more"):
        post.dry_run(settings(tweets={"prompts_file": file}), prompt=None)


def test_raw_text_has_no_filter(settings: Callable[..., Settings]) -> None:
    asked = {"nsamples": 1, "seed": 1}
    assert list(drafting.sample_raw(settings(), prompt="What the fuck is", **asked))
    with pytest.raises(UsageError, match=r"--prompt: .*context of 128 tokens"):
        drafting.sample_raw(settings(), prompt="word " * 200, **asked)
