"""The languages that the filter knows, and what a wrong code may stand for."""

from __future__ import annotations

import re

import pytest

from gpt2bot.tweets.filter import FilterSettings
from gpt2bot.tweets.filter.languages import LANGUAGES, check_language
from gpt2bot.tweets.filter.rules import _language_detector


def test_the_list_is_the_detectors_own() -> None:
    found = _language_detector().detect("A text.", model="lite", k=1000, threshold=-1.0)
    assert {result["lang"] for result in found} == set(LANGUAGES)


@pytest.mark.parametrize("code", ["en", "de", "zh", "war", "ceb", "als"])
def test_what_is_known(code: str) -> None:
    assert check_language(code) == code
    assert FilterSettings(language=code)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("EN", "'en' (English)"),
        ("en-US", "'en' (English)"),
        ("en_GB", "'en' (English)"),
        (" en ", "'en' (English)"),
        ("eng", "'en' (English)"),
        ("English", "'en' (English)"),
        ("ger", "'de' (German)"),
        ("spa", "'es' (Spanish)"),
        ("cz", "'cs' (Czech)"),
        ("zh-Hans", "'zh' (Chinese)"),
    ],
)
def test_what_may_be_meant_is_named(wrong: str, meant: str) -> None:
    with pytest.raises(ValueError, match=rf"did you mean {re.escape(meant)}\?"):
        check_language(wrong)


@pytest.mark.parametrize("wrong", ["xx", "", "\n", "qqq", "no language at all"])
def test_where_all_codes_are_is_told(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"such as 'en' .*https://fasttext\.cc/") as caught:
        check_language(wrong)
    assert str(caught.value).isprintable()


def test_without_the_rule_the_language_does_not_matter() -> None:
    assert FilterSettings(language="tlh", disabled=frozenset({"language"}))
    with pytest.raises(ValueError, match=r"^language: .*'tlh'"):
        FilterSettings(language="tlh")
