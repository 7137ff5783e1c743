"""What an owner is advised to do where nothing passes the filter."""

from __future__ import annotations

from typing import Any

import pytest

from gpt2bot.bot.rejections import explain_rejections
from gpt2bot.config import Settings
from gpt2bot.tweets.filter import Reason, Verdict
from gpt2bot.tweets.tweet import Draft

DRAFT = Draft("Some text.", "#GPT2", "Some")
AGAIN = "run it again"


def explained(*rules: str, **sections: Any) -> str:
    """What is said of candidates that broke these rules, one or several (`a b`) each."""
    verdicts = [
        Verdict(DRAFT, tuple(Reason(rule, "") for rule in broken.split())) for broken in rules
    ]
    return explain_rejections(verdicts, Settings(**sections))


@pytest.mark.parametrize(
    ("rule", "sections", "advice"),
    [
        ("unfinished", {}, "use a larger model"),
        ("unfinished", {"sampling": {"length": 20}}, "raise sampling.length (20)"),
        ("too_short", {}, "lower filter.min_words (6) or filter.min_characters (30)"),
        ("too_short", {"sampling": {"length": 9}}, "raise sampling.length (9), or lower"),
        ("duplicate", {}, "add prompts"),
        ("repetition", {"sampling": {"temperature": 0.1}}, "raise sampling.temperature (0.1)"),
        ("language", {"filter": {"language": "de"}}, "set filter.language (de)"),
        ("prompt_only", {}, "a larger model"),
        ("profanity", {}, "use other prompts"),
        ("contact", {}, "use other prompts"),
    ],
)
def test_what_all_candidates_lack_decides_the_advice(
    rule: str, sections: dict[str, Any], advice: str
) -> None:
    said = explained(*[rule] * 40, **sections)
    assert said.startswith(f"none of 40 candidates passed the filter; reasons: {rule} 40; ")
    assert advice in said
    assert AGAIN not in said


def test_each_advice_is_given_once() -> None:
    said = explained(*["profanity hate unfinished"] * 8)
    assert said.endswith("; use other prompts, or use a larger model")


def test_what_is_rare_gives_no_advice() -> None:
    said = explained(*["duplicate"] * 39, "contact")
    assert said.endswith("; add prompts, or raise sampling.temperature (0.9)")


def test_chance_is_tried_again() -> None:
    assert AGAIN in explained("unfinished", "repetition", "language", "profanity")
