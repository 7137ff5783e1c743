import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.tweets.characters import tidy
from gpt2bot.tweets.compose import compose
from gpt2bot.tweets.label import DEFAULT_LABEL, carries_label
from gpt2bot.tweets.length import MAX_LENGTH
from gpt2bot.tweets.sentences import ends_sentence

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ROOM = MAX_LENGTH - len(f"\n{DEFAULT_LABEL}")


def body(prompt: str, continuation: str) -> str:
    return compose(prompt, continuation, DEFAULT_LABEL).body


def sentence(length: int) -> str:
    return "S" + "o" * (length - 2) + "."


def test_joins_prompt_and_continuation_as_the_model_wrote_them() -> None:
    draft = compose("The old m", "an\twent \n home.", "#GPT2")
    assert draft.body == "The old man went home."
    assert draft.text == "The old man went home.\n#GPT2"
    assert draft.prompt == "The old m"


def test_leaves_out_the_sentence_that_was_not_finished() -> None:
    assert body("The old man", " left. Then he met Mr. Smith and") == "The old man left."


def test_keeps_a_sentence_that_just_fits() -> None:
    first, last = sentence(100), sentence(ROOM - 101)
    assert body(first, f" {last} And more.") == f"{first} {last}"
    assert compose(first, f" {last} And more.", DEFAULT_LABEL).length == MAX_LENGTH


def test_leaves_out_a_sentence_that_is_one_character_too_long() -> None:
    first, last = sentence(100), sentence(ROOM - 100)
    assert body(first, f" {last} And more.") == first


def test_the_limit_is_weighted() -> None:
    first, last = sentence(100), "\u65e5" * 90 + "."
    assert body(first, f" {last}") == first


def test_a_longer_label_leaves_less_room() -> None:
    text = f" {sentence(100)} {sentence(130)}"
    assert compose("So", text, "#GPT2").body == f"So{text}"
    assert compose("So", text, "#GPT2" * 10).body == f"So {sentence(100)}"


@pytest.mark.parametrize(
    ("continuation", "expected"),
    [
        (' said, "Go. Now. ' + "word " * 60 + '"', None),
        (' left. He said, "Go. Now. ' + "word " * 60 + '"', "The man left."),
        (' left. "Go. Now," said Mr. ' + "Smith " * 60, "The man left."),
        (' left. "Go." (He. ' + "word " * 60, 'The man left. "Go."'),
    ],
)
def test_never_cuts_in_a_quotation_or_behind_an_abbreviation(
    continuation: str, expected: str | None
) -> None:
    result = body("The man", continuation)
    assert result == expected if expected else not ends_sentence(result)


def test_without_an_end_that_fits_the_text_is_cut_behind_a_word() -> None:
    text = "The man " + "wandered " * 60
    result = body("The man", text.removeprefix("The man"))
    assert text.startswith(result + " ")
    assert len(result) > ROOM - len(" wandered")
    assert not ends_sentence(result)


def test_a_word_that_never_ends_is_left_out() -> None:
    assert body("The man", " " + "a" * 1_000_000) == "The man"
    assert body("The", "a" * 1_000_000) == ""


@pytest.mark.parametrize("spaces", range(4985, 5000))
def test_a_word_is_whole_or_left_out_behind_thousands_of_spaces(spaces: int) -> None:
    assert body("The man", " " * spaces + "wandered") in {"The man", "The man wandered"}


@pytest.mark.parametrize(
    ("continuation", "expected"),
    [
        (" left.\n\nShe stayed.", "The man left. She stayed."),
        (" left.\nShe\nstayed.", "The man left. She stayed."),
        (" left. A\n \t\nChapter Two. He came.", "The man left."),
        ("\n\nChapter Two. He came.", "The man"),
    ],
)
def test_nothing_follows_a_sentence_that_a_blank_line_breaks_off(
    continuation: str, expected: str
) -> None:
    assert body("The man", continuation) == expected


PIECES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.text(st.characters(categories=["L", "M"]), max_size=30),
        st.sampled_from(["He left. ", "went ", "\n\n", "Mr. ", '"', "(", ")", "...", "! ", "1. "]),
        st.sampled_from(
            ["example.com ", "\u65e5\u672c\u8a9e\u3002", "\U0001f44d\U0001f3fd", FAMILY]
        ),
    ),
    max_size=60,
).map("".join)


@given(prompt=st.text(max_size=60), continuation=PIECES)
@settings(max_examples=400)
def test_every_draft_fits_is_labelled_and_keeps_words_whole(prompt: str, continuation: str) -> None:
    draft = compose(prompt, continuation, DEFAULT_LABEL)
    assert draft.length <= MAX_LENGTH
    assert draft.text.splitlines()[-1] == DEFAULT_LABEL
    assert not draft.body or carries_label(draft.text, DEFAULT_LABEL)
    whole = tidy(prompt + continuation)
    assert whole.startswith(draft.body)
    assert whole[len(draft.body) :][:1] in {"", " "} or not draft.body
    assert compose(draft.body, "", DEFAULT_LABEL).body == draft.body


@pytest.mark.parametrize(
    "unit", ["a.", "Ab. ", "a.\n\n", '")', "(", "@a", "\u0301\u0316", "\ud800", "1. ", "\U0001f44d"]
)
def test_a_megabyte_is_cut_at_once(unit: str) -> None:
    draft = compose("The man", unit * (1_000_000 // len(unit)), DEFAULT_LABEL)
    assert draft.length <= MAX_LENGTH
