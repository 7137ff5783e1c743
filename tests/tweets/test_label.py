import pytest

from gpt2bot.tweets.label import (
    DEFAULT_LABEL,
    MAX_LABEL_LENGTH,
    carries_label,
    check_label,
    find_label,
)


@pytest.mark.parametrize(
    "label",
    [
        DEFAULT_LABEL,
        "#GPT2",
        "Written by a machine (GPT-2)",
        "\U0001f916 GPT-2",
        "\U0001f916",
        "\u6a5f\u68b0",
        "bot " + "x" * (MAX_LABEL_LENGTH - 4),
    ],
)
def test_fine_labels_stay_as_they_are(label: str) -> None:
    assert check_label(label) == label


def test_a_label_is_tidied() -> None:
    assert check_label("  #GPT2 \t #cafe\u0301\n") == "#GPT2 #caf\u00e9"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        ("\u200b", "empty"),
        ("\u3164\u2800", "character"),
        ("...", "empty"),
        ("#GPT2\n#AI", "one line"),
        ("#GPT2\u2028#AI", "one line"),
        ("x" * (MAX_LABEL_LENGTH + 1), "81 characters long .* 80 are allowed"),
        ("\u65e5" * 41, "82 characters long .* 80 are allowed"),
        ("a." * 1_000_000, "long"),
        ("#GPT2 example.com", r"URL or a mention, such as 'example\.com'"),
        ("made by https://example.com", "URL"),
        ("by @gpt2bot", "mention, such as '@gpt2bot'"),
        ("#GPT2\u202e", r"U\+202E"),
        ("hello", r"'hello' does not say that a machine wrote the tweet: .*label_is_disclosure"),
        ("#story #daily", "does not say that a machine wrote"),
        ("I said it would rain", "does not say that a machine wrote"),
    ],
)
def test_wrong_labels(label: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        check_label(label)
    assert "\n" not in str(caught.value)


def test_an_owner_vouches_for_a_label_in_other_words() -> None:
    assert check_label(" #silicon  dreams", is_disclosure=True) == "#silicon dreams"
    for label in ("", "#AI\n#GPT2", "by @gpt2bot", "x" * (MAX_LABEL_LENGTH + 1)):
        with pytest.raises(ValueError, match="the label"):
            check_label(label, is_disclosure=True)


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("Every morning,#bot", "#bot"),
        ("Every morning;#AI #GPT2 \n", "#AI #GPT2"),
        ('Every morning\t"#MadeByAI"', "#MadeByAI"),
        ("Every morning, we | \U0001f916", "\U0001f916"),
        ("Every morning #bot", None),
        ("Every morning,", None),
        ("Every morning, #monday", None),
        ("Machines, robots, AI", None),
        ("#bot, and", None),
        ("x," * 100_000, None),
    ],
)
def test_finds_a_label_in_the_last_field_of_a_line(line: str, label: str | None) -> None:
    assert find_label(line) == label


@pytest.mark.parametrize(
    ("text", "label", "carried"),
    [
        ("A text.\n#GPT2", "#GPT2", True),
        ("Two\nlines.\n#GPT2 #AI", "#GPT2 #AI", True),
        ("A text. #GPT2", "#GPT2", False),
        ("A text.\n#GPT2 more", "#GPT2", False),
        ("A text.\nno #GPT2", "#GPT2", False),
        ("A text.\n#GPT2\n", "#GPT2", False),
        ("#GPT2\nA text.", "#GPT2", False),
        ("\n#GPT2", "#GPT2", False),
        ("#GPT2", "#GPT2", False),
        ("A text.\n", "", False),
        ("A text.\n ", " ", False),
    ],
)
def test_carries_label(text: str, label: str, carried: bool) -> None:
    assert carries_label(text, label) is carried
