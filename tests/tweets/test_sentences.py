import pytest

from gpt2bot.tweets.sentences import ends_sentence, find_stray_closer, sentence_ends


def sentences(text: str) -> list[str]:
    ends = sentence_ends(text)
    return [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(
    "text",
    [
        "He left.|She stayed!|Why?|Nobody knows.",
        "It was cold!!|What?!|Yes.",
        # abbreviations
        "I met Mr. Scunthorpe and Dr. No.|They left.",
        "It was 5 p.m. when he came.|He sat.",
        "It was 5 p.m.|He came.",
        "Apples, pears etc. are fruits.|We like fruits, nuts, etc.|The end.",
        "The U.S. Army came.|He lives in the U.S.|The end.",
        "Bring fruit, e.g. Apples, i.e. The red ones.|Thanks.",
        "No. 5 is alive.|Is it?|No.|It is not.",
        "Smith vs. Jones was on Jan. 5 in St. Louis.|It rained on Dec. 6.",
        "J. R. Smith and I.|You and I.|He is C. Jones.",
        "The hill is 2,500 m. high.|It rises to 3,000 m.|The end.",
        # numbers and list items
        "Pi is 3.14.|It is not 3.|Really.",
        "He was born in 1987.|He died in 2001.",
        "1. Peel the onion.|2. Cut it.",
        # ellipses
        "Wait... I see.|Well\u2026 Yes.|What...?|So.",
        # quotes and brackets
        '"Stop. Go. Now," he said.|She went.',
        '"Stop!" he said.|"Go."|She went.',
        "\u201cStop. Go.\u201d|He said \u2018no. Never.\u2019|Yes.",
        "(He left. She stayed.)|So did I (or not. Or yes).|End.",
        "'I am. He is,' she said.|'Go.'|She went.",
        "'Twas night.|The dogs' ears rock 'n' roll, in the '90s.|Don't you see?",
        "He is 5'10\" tall.|So is she.",
        "Well :-) Good.|1) is right, b) is wrong.",
    ],
)
def test_finds_the_ends(text: str) -> None:
    assert sentences(text.replace("|", " ")) == text.split("|")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "He left",
        "He left,",
        "He met Mr.",
        "Wait...",
        "Wait\u2026",
        "It costs 3.1",
        '"Go. Now. He left.',
        "\u201cGo. Now. He left.",
        "'Go. Now. He left.",
        "(He left. She stayed.",
        "J. R.",
        "so be it. and go on",
        ".",
        ". . .",
    ],
)
def test_finds_no_end(text: str) -> None:
    assert sentence_ends(text) == []


def test_nothing_ends_behind_a_bracket_that_opens_nowhere() -> None:
    assert sentences("He left. She stayed) here. Yes.") == ["He left."]


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("He left.", True),
        ('"He left."', True),
        ("He left. She", False),
        ("He left. ", False),
        ("", False),
    ],
)
def test_ends_sentence(text: str, ended: bool) -> None:
    assert ends_sentence(text) is ended


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("He left) and", ")"),
        ("He (left)) and", ")"),
        ("A smile\u201d and", "\u201d"),
        ("\u00bbHallo\u00ab and", "\u00bb"),
        ("He (left", None),
        ("He said: \u201cGo", None),
        ("A smile :) and 1) a list", None),
        ("He left.", None),
        ("", None),
    ],
)
def test_a_mark_that_closes_nothing_is_found(text: str, stray: str | None) -> None:
    assert find_stray_closer(text) == stray
