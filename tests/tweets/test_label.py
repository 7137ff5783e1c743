import pytest

from gpt2bot.tweets.label import DEFAULT_LABEL, MAX_LABEL_LENGTH, carries_label, check_label


@pytest.mark.parametrize(
    "label",
    [
        DEFAULT_LABEL,
        "#GPT2",
        "Written by a machine (GPT-2)",
        "\U0001f916 GPT-2",
        "\U0001f916",
        "\u6a5f\u68b0",
        "x" * MAX_LABEL_LENGTH,
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
        ("x" * (MAX_LABEL_LENGTH + 1), "81 long .* of 80"),
        ("\u65e5" * 41, "82 long .* of 80"),
        ("a." * 1_000_000, "long"),
        ("#GPT2 example.com", r"URL or a mention, as 'example\.com'"),
        ("made by https://example.com", "URL"),
        ("by @gpt2bot", "mention, as '@gpt2bot'"),
        ("#GPT2\u202e", r"U\+202E"),
    ],
)
def test_wrong_labels(label: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        check_label(label)
    assert "\n" not in str(caught.value)


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
