import random
from pathlib import Path

import pytest

from gpt2bot.errors import ConfigurationError
from gpt2bot.tweets.label import DEFAULT_LABEL
from gpt2bot.tweets.length import MAX_LENGTH
from gpt2bot.tweets.prompts import (
    DEFAULT_PROMPTS,
    MIN_ROOM,
    Prompt,
    check_prompt,
    order_prompts,
    read_prompts,
)


@pytest.fixture
def write(tmp_path: Path):
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_the_default_prompts_are_fine_and_different() -> None:
    prompts = [check_prompt(text) for text in DEFAULT_PROMPTS]
    assert [prompt.text for prompt in prompts] == list(DEFAULT_PROMPTS)
    assert len(set(DEFAULT_PROMPTS)) == len(DEFAULT_PROMPTS) >= 20


def test_a_prompt_is_tidied() -> None:
    assert check_prompt(" The  old\nman ", "#GPT2") == Prompt("The old man", "#GPT2")


def test_a_prompt_leaves_room_for_the_model() -> None:
    longest = "x" * (MAX_LENGTH - MIN_ROOM - len("\n#GPT2"))
    assert check_prompt(longest, "#GPT2").text == longest
    with pytest.raises(ValueError, match=r"215 characters long .* leaves 214"):
        check_prompt(longest + "x", "#GPT2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "empty"),
        ("a." * 1_000_000, "long"),
        ("Read example.com and", r"URL or a mention, such as 'example\.com'"),
        ("Dear @reader", "mention, such as '@reader'"),
        ("The\u200bold man", r"U\+200B"),
        ("The \udcff man", r"U\+DCFF"),
    ],
)
def test_wrong_prompts(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_prompt(text)


def test_reads_a_text_file(write) -> None:
    content = (
        "\ufeffThe old man\r\n\r\n# a comment\n  The caf\u00e9 \n"
        "#MondayMood is\nThe old man\nThe end"
    )
    assert read_prompts(write("prompts.txt", content), "#GPT2") == [
        Prompt("The old man", "#GPT2"),
        Prompt("The caf\u00e9", "#GPT2"),
        Prompt("#MondayMood is", "#GPT2"),
        Prompt("The end", "#GPT2"),
    ]


def test_reads_the_csv_file_of_the_2019_bot(write) -> None:
    content = (
        "input_text,end_text\r\n"
        "The old man,#GPT2 #story\r\n"
        '"Once, long ago,",\r\n'
        "\r\n"
        '"He said ""no"" and","  #AI "\r\n'
    )
    assert read_prompts(write("prompts.CSV", content)) == [
        Prompt("The old man", "#GPT2 #story"),
        Prompt("Once, long ago,", DEFAULT_LABEL),
        Prompt('He said "no" and', "#AI"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "end_text,input_text\n#AI,It is\n"),
        ("p.csv", "Input_Text;End_Text;notes\nIt is;#AI;mine\n"),
        ("p.csv", "id,prompt,label\n1,It is,#AI\n"),
        ("p.tsv", "input_text\tend_text\nIt is\t#AI\n"),
        ("p.csv", "input_text\tend_text\nIt is\t#AI\n"),
        ("p.jsonl", '{"input_text": "It is", "end_text": "#AI"}\n'),
        ("p.ndjson", '{"prompt": "It is", "label": "#AI", "id": 7}\n'),
    ],
)
def test_reads_prompts_and_labels_from_tables(write, name: str, content: str) -> None:
    assert read_prompts(write(name, content)) == [Prompt("It is", "#AI")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "input_text\nIt is\n"),
        ("p.csv", "input_text,end_text\nIt is\n"),
        ("p.csv", "input_text,end_text\nIt is, \n"),
        ("p.jsonl", '{"text": "It is"}\n'),
        ("p.jsonl", '{"input_text": "It is", "end_text": null}\n'),
    ],
)
def test_a_prompt_without_a_label_has_the_configured_one(write, name: str, content: str) -> None:
    assert read_prompts(write(name, content), "#GPT2") == [Prompt("It is", "#GPT2")]


def test_a_label_in_other_words_needs_its_owners_word(write) -> None:
    path = write("p.csv", "input_text,end_text\nIt is,#silicondreams\n")
    with pytest.raises(ConfigurationError, match=r"line 2: .*does not say that a machine wrote"):
        read_prompts(path)
    found = read_prompts(path, label_is_disclosure=True)
    assert found == [Prompt("It is", "#silicondreams")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", "", "it is empty"),
        ("p.txt", "\n# only a comment\n", "no prompts"),
        ("p.txt", "fine\n\nThe @old man\n", "line 3: .*mention"),
        ("p.txt", "fine\n" + "x" * 300, "line 2: .*long"),
        ("p.txt", "fine\na\x00b\n", r"line 2: .*U\+0000"),
        ("p.txt", b"fine\ncaf\xe9\n", "line 2: it is not UTF-8"),
        ("p.txt", "fine\n".encode("utf-16"), "looks like UTF-16"),
        ("p.txt", "input_text,end_text\nIt is,#AI\n", "line 1: .*header of a table.*csv"),
        ("p.txt", "fine\nIt is,#AI\n", "line 2: .*label '#AI'.*end_text"),
        ("p.txt", "It is\t\U0001f916\n", "line 1: .*label '\U0001f916'"),
        ("p.json", '["It is"]', "looks like JSON"),
        ("p.docx", b"PK\x03\x04\x14", "looks like an office document"),
        ("p.csv", "", "it is empty"),
        (
            "p.csv",
            "It is,#AI\n",
            r"line 1: .*\(found: 'It is', '#AI'\): the first line .*input_text",
        ),
        ("p.csv", "It is\nSo\n", "line 1: there is no column input_text"),
        ("p.csv", "end_text\n#AI\n", "line 1: there is no column input_text"),
        ("p.csv", "input_text,end_text\n", "no prompts"),
        ("p.csv", "input_text\nIt is;#AI\n", "line 2: .*label '#AI'"),
        ("p.csv", "input_text\nIt is,#AI\n", "line 2: there are 2 fields"),
        ("p.csv", "input_text,end_text\na,#AI\nOne, two,#AI\n", 'line 3: .*3 fields.*"quotes"'),
        ("p.csv", "end_text,input_text\n#AI\n", "line 2: there is no text .*input_text"),
        ("p.csv", "input_text,end_text\n,#AI\n", "line 2: .*empty"),
        ("p.csv", 'input_text,end_text\nThe,#AI\nThe,"#AI', "line 3: its quotes do not match"),
        ("p.csv", 'input_text,end_text\nThe,"#AI\n#GPT"\n', "line 2: .*one line"),
        ("p.csv", "input_text,end_text\nThe,by @me\n", "line 2: the label .*mention"),
        ("p.csv", "input_text,end_text\nThe,hello\n", "line 2: the label 'hello'"),
        ("p.jsonl", "It is\n", "line 1: .*JSON object"),
        ("p.jsonl", '{"text": "It is"}\n{"x": "So"}\n', "line 2: there is no text"),
    ],
)
def test_says_what_is_wrong_in_which_file_and_line(
    write, name: str, content: str | bytes, message: str
) -> None:
    path = write(name, content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_prompts(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "message"), [("none.txt", "No such file"), (".", "directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_prompts(tmp_path / name)


PROMPTS = [Prompt(text, "#AI") for text in "ABCDE"]


def test_no_prompt_is_repeated_until_all_were_used() -> None:
    rng, last_use, drawn = random.Random(1), {}, []
    for now in range(20):
        first = order_prompts(PROMPTS, last_use, rng)[0].text
        last_use[first] = now
        drawn.append(first)
    assert all(set(drawn[start : start + 5]) == set("ABCDE") for start in range(16))


def test_a_prompt_that_is_added_later_comes_next_and_once() -> None:
    last_use = {"A": 11, "B": 14, "C": 12, "D": 13}
    order = [prompt.text for prompt in order_prompts(PROMPTS, last_use, random.Random(1))]
    assert order == ["E", "A", "C", "D", "B"]
    order = [
        prompt.text for prompt in order_prompts(PROMPTS, last_use | {"E": 15}, random.Random(1))
    ]
    assert order == ["A", "C", "D", "B", "E"]


def test_the_first_prompt_is_drawn_at_random_and_again_by_the_same_seed() -> None:
    firsts = [order_prompts(PROMPTS, {}, random.Random(seed))[0].text for seed in range(50)]
    assert set(firsts) == set("ABCDE")
    assert firsts == [order_prompts(PROMPTS, {}, random.Random(seed))[0].text for seed in range(50)]
