import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.tweets.length import MAX_LENGTH, twitter_text, weighted_length

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("I am a tweet", 12),
        ("One line.\nAnother.", 18),
        ("One line.\r\nAnother.", 18),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),
        ("\u201cIt\u2019s\u201d \u2014 so", 11),
        ("well\u2026", 6),
        ("\u20ac5", 3),
        ("\u65e5\u672c\u8a9e", 6),
        ("\uc800\ucc00\ucbc0\ucfff", 8),
        ("\U0001f431", 2),
        ("\U0001f44d\U0001f3fd", 2),
        (FAMILY, 2),
        ("\U0001f1eb\U0001f1f7", 2),
        ("1\ufe0f\u20e3", 2),
        ("H\U0001f431\u263a", 5),
        ("http://example.com", 23),
        ("see https://example.com/a/rather/long/path?with=a&query=string now", 31),
        ("example.com", 23),
        ("example.com and t.co/abc", 51),
        ("3.14 at 5 p.m. e.g. today", 25),
        ("a" * 280, 280),
        ("\u306e" * 140, 280),
        (FAMILY * 140, 280),
        (FAMILY * 140 + " .", 282),
    ],
)
def test_counts_as_x_does(text: str, length: int) -> None:
    assert weighted_length(text) == length


@given(st.text(st.characters(max_codepoint=127), max_size=300))
@settings(max_examples=200)
def test_agrees_with_the_parser_where_it_spares_it(text: str) -> None:
    assert weighted_length(text) == twitter_text().parse_tweet(text).weightedLength


@given(st.text(max_size=150))
@settings(max_examples=200)
def test_is_the_same_for_all_spellings_of_a_character(text: str) -> None:
    assert weighted_length(unicodedata.normalize("NFD", text)) == weighted_length(text)


@pytest.mark.parametrize(
    "unit", ["a", "a.", "a. ", "\u0301\u0316", ")", "\u65e5.", FAMILY, "\ud800", "-a.b"]
)
def test_a_megabyte_is_too_long_at_once(unit: str) -> None:
    """The parser alone needs half a minute for 4 kB of `a.`, and hours for this."""
    assert weighted_length(unit * (1_000_000 // len(unit))) > MAX_LENGTH


def test_a_lone_surrogate_counts_as_a_character() -> None:
    assert weighted_length("a\udcff.") == 4
