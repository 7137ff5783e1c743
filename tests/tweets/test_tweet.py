from gpt2bot.tweets.tweet import Draft


def test_the_label_is_the_last_line() -> None:
    draft = Draft("The old man left.", "#GPT2", "The old man")
    assert draft.text == "The old man left.\n#GPT2"


def test_the_length_is_weighted_and_counts_the_label() -> None:
    assert Draft("\u65e5\u672c.", "#GPT2", "").length == 5 + 1 + 5
