import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.tweets.characters import find_forbidden, tidy


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  one\t two\r\n\nthree\u00a0\u2003four\u2028five ", "one two three four five"),
        ("cafe\u0301", "caf\u00e9"),
        (" \n ", ""),
    ],
)
def test_tidy(text: str, tidied: str) -> None:
    assert tidy(text) == tidied


@given(st.text())
@settings(max_examples=300)
def test_tidy_is_idempotent(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(
    "text",
    [
        "Plain text, caf\u00e9, \u201cquotes\u201d \u2014 and 3 \u00d7 4\u2026",
        "\u65e5\u672c\u8a9e, \u0440\u0443\u0441\u0441\u043a\u0438\u0439",
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u2764\ufe0f \U0001f44d\U0001f3fd 1\ufe0f\u20e3 \U0001f1eb\U0001f1f7",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f9d1\U0001f3fd\u200d\U0001f680",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "A\u00c3O and \u00c2ge",
    ],
)
def test_fine_characters(text: str) -> None:
    assert find_forbidden(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\x00b", "U+0000"),
        ("a\x1bb", "U+001B"),
        ("a\x85b", "U+0085"),
        ("a\u00adb", "U+00AD SOFT HYPHEN"),
        ("a\u200bb", "U+200B ZERO WIDTH SPACE"),
        ("a\u200db", "U+200D ZERO WIDTH JOINER"),
        ("a\ufe0fb", "U+FE0F VARIATION SELECTOR-16"),
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u3164b", "U+3164 HANGUL FILLER"),
        ("a\ufeffb", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("a\ufffdb", "U+FFFD REPLACEMENT CHARACTER"),
        ("a\ue000b", "U+E000"),
        ("a\U000e0041b", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("a\u0378b", "U+0378"),
        ("a\uffffb", "U+FFFF"),
        ("a\udcffb", "U+DCFF"),
        ("it\u00e2\u20ac\u2122s", "'\u00e2\u20ac'"),
        ("caf\u00c3\u00a9", "'\u00c3\u00a9'"),
    ],
)
def test_forbidden_characters(text: str, found: str) -> None:
    assert find_forbidden(text) == found
