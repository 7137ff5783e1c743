"""Tables and texts from files: what is read, and what is refused with which hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt2bot.tables import Row, Table, TableError, parse

NAMES = ("input_text", "end_text")


def table(content: str, suffix: str = ".csv", names: tuple[str, ...] = NAMES) -> Table:
    found = parse(content.encode(), suffix, names)
    assert isinstance(found, Table)
    return found


def refusal(content: str | bytes, suffix: str, names: tuple[str, ...] = NAMES) -> TableError:
    data = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(TableError) as caught:
        parse(data, suffix, names)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", "input_text,end_text\nIt is; and | so,#AI\n"),
        (".csv", "input_text;end_text\nIt is, and | so;#AI\n"),
        (".csv", "input_text\tend_text\nIt is, and; so\t#AI\n"),
        (".csv", "input_text|end_text\nIt is, and; so|#AI\n"),
        (".tsv", "input_text\tend_text\nIt is, and; so\t#AI\n"),
        (".TSV", "input_text\tend_text\r\nIt is, and; so\t#AI\r\n"),
        (".tab", "input_text\tend_text\rIt is, and; so\t#AI\r"),
        (".tsv", "input_text,end_text\nIt is,#AI\n"),
        (".csv", "end_text;id;input_text\n#AI;1,5;It is, so\n"),
        (".csv", "\ufeffInput_Text, END_TEXT ,notes\nIt is, #AI,mine\n"),
        (".csv", '\ufeff"input_text";"end_text"\n"It is; so";"#AI"\n'),
        (".csv", '"input_text", "end_text"\n"It is, so", "#AI"\n'),
        (".csv", "\n\ninput_text,end_text\n\n , \nIt is,#AI\n"),
        (".csv", "sep=;\ninput_text;end_text\nIt is;#AI\n"),
        (".csv", "input_text,end_text\nIt is,#AI\nInput_text,End_text\n"),
        (".jsonl", '{"input_text": "It is", "end_text": "#AI"}\n\n'),
        (".ndjson", '\ufeff{"id": 5, "Input_Text": "It is", "END_TEXT": "#AI"}\r\n'),
    ],
)
def test_finds_columns_whatever_the_delimiter_the_case_and_the_order(
    suffix: str, content: str
) -> None:
    found = table(content, suffix)
    assert found.column("input_text") == "input_text"
    assert found.column("nothing", "END_TEXT") == "end_text"
    [row] = found.rows
    assert row.text("input_text").startswith("It is")
    assert row.text("end_text").strip() == "#AI"


def test_a_single_column_may_hold_other_delimiters() -> None:
    texts = [row.text("text") for row in table("text\nA; b\nc | d\n", names=("text",)).rows]
    assert texts == ["A; b", "c | d"]
    [row] = table("text\nOne, two\n", ".tsv", ("text",)).rows
    assert row.text("text") == "One, two"


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks() -> None:
    content = 'id,input_text\r\n1,"He said ""no"", and\r\nleft"\r\n2,5" nails\r\n'
    assert [(row.line, row.text("input_text")) for row in table(content).rows] == [
        (2, 'He said "no", and\r\nleft'),
        (4, '5" nails'),
    ]


def test_a_short_row_lacks_its_last_columns() -> None:
    [row] = table("input_text,end_text\nIt is\n").rows
    assert row == Row(2, {"input_text": "It is"})
    with pytest.raises(TableError, match="no text for the column 'end_text'") as caught:
        row.text("end_text")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (
            "input_text\nOne\nTwo, three\n",
            3,
            r'2 fields, .* header has 1: .* a comma in "quotes"',
        ),
        ("input_text;end_text\nOne;#AI;x\n", 2, "3 fields, .* a semicolon"),
        ('input_text\nOne\n"Two\nThree\n', 3, "quotes do not match"),
        ('input_text\nOne\n"Two\nThree "four"\n', 3, "quotes do not match"),
        ('"input_text\nOne\n', 1, "quotes do not match"),
        (f"input_text\n{'x' * 131_073}\n", 2, "more than 131,072 characters"),
        (f'input_text\nOne\n"Two\n{"Three " * 30_000}\n', 3, "more than 131,072 characters"),
        ("input_text,Input_Text\nOne,two\n", 1, "two columns are named 'input_text'"),
    ],
)
def test_says_which_row_of_a_table_is_wrong(content: str, line: int, message: str) -> None:
    error = refusal(content, ".csv")
    assert error.line == line
    with pytest.raises(TableError, match=message):
        raise error


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("It is\n", 1, 'must be a JSON object such as {"input_text": "..."}'),
        ('{"input_text": "It is"}\n{"input_text": "It\n', 2, "must be a JSON object"),
        ('[\n{"input_text": "It is"}\n]\n', 1, "must be a JSON object"),
        ('"It is"\n', 1, "must be a JSON object"),
        ("[" * 100_000, 1, "must be a JSON object"),
        ('{"input_text": 5}\n', 1, "'input_text' must be text"),
        ('{"input_text": "It is", "End_Text": ["#AI"]}\n', 1, "'End_Text' must be text"),
    ],
)
def test_says_which_line_of_json_lines_is_wrong(content: str, line: int, message: str) -> None:
    error = refusal(content, ".jsonl")
    assert error.line == line
    assert message in str(error)


def test_json_lines_hold_text_that_utf_8_can_hold() -> None:
    [row] = table('{"input_text": "\\ud83d\\ude00 \\ud83d.", "end_text": null}', ".jsonl").rows
    assert row.cells == {"input_text": "\U0001f600 \ufffd.", "end_text": ""}


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl", ".docx", ""])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04\x14\x00", "an office document or another ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1", "an office document"),
        (b"{\\rtf1\\ansi", "an RTF document"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        ("input_text\nIt is\n".encode("utf-16"), "UTF-16"),
        ("input_text\nIt is\n".encode("utf-16-le"), "UTF-16"),
        ("input_text\nIt is\n".encode("utf-16-be"), "UTF-16"),
        (b"\n<!DOCTYPE html>\n<p>It is</p>", "HTML"),
        (b"<?xml version='1.0'?>", "XML"),
    ],
)
def test_says_what_a_file_of_another_kind_looks_like(
    content: bytes, suffix: str, what: str
) -> None:
    message = str(refusal(content, suffix))
    assert message.startswith("it looks like ")
    assert what in message


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".json", ""])
@pytest.mark.parametrize(
    "content",
    [
        '[{"input_text": "It is"}]',
        '[\n  "It is",\n  "So"\n]',
        '{\n "prompts": ["It is"]}',
        '{"input_text": "It is"}\n{"input_text": "So"}\n',
        "[]",
    ],
)
def test_json_of_another_name_is_told_how_json_is_read(content: str, suffix: str) -> None:
    assert "it looks like JSON" in str(refusal(content, suffix))
    assert 'named .jsonl with an object such as {"input_text"' in str(refusal(content, suffix))


@pytest.mark.parametrize("name", ["tweets.js", "tweets.txt", "tweets.csv", "tweets.json"])
@pytest.mark.parametrize(
    "start",
    ["window.YTD.tweets.part0 = [", "window.YTD.tweet.part1 = [ {", "Grailbird.data.tweets ="],
)
def test_an_archive_of_x_is_known(name: str, start: str) -> None:
    assert "X's archive, which is not supported" in str(refusal(start, Path(name).suffix))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("input_text,end_text\nIt is,#AI\n", 1),
        ("Input_Text;End_Text\nIt is;#AI\n", 1),
        ('"input_text"\t"end_text"\n', 1),
        ("id | input_text\n", 1),
        ("\ufeffend_text, input_text\n", 1),
        ("input_text\nIt is\n", 1),
        ("# Mine\n\ninput_text,x\n", 3),
    ],
)
def test_a_text_that_begins_with_a_header_is_told_to_be_a_table(content: str, line: int) -> None:
    error = refusal(content, ".txt")
    assert "header of a table: name the file .csv" in str(error)
    assert error.line == line


@pytest.mark.parametrize("header", ["text", "id,text", "Text;Label", '"text"\t"id"'])
def test_a_header_of_common_words_is_known_by_its_delimiters(header: str) -> None:
    assert "header of a table" in str(refusal(f"{header}\nIt is\n", ".txt", ("text",)))


@pytest.mark.parametrize(
    "content",
    [
        "It was raining, and\n",
        "Text, and images\nSome text; or none\n",
        "The input_text, which\n",
        "[Verse 1]\n[[Link]]\n",
        "{sighs} It is\n",
        '"It is," he said\n',
        "<|startoftext|>It is<|endoftext|>\n",
        "<3 it is\n",
        "It is\x00so\n",
        "caf\u00e9\n",
    ],
)
@pytest.mark.parametrize("suffix", [".txt", "", ".md"])
def test_ordinary_text_is_text(content: str, suffix: str) -> None:
    assert parse(content.encode(), suffix, ("text", *NAMES)) == content


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".jsonl"])
@pytest.mark.parametrize("content", ["", "\ufeff \r\n\n"])
def test_an_empty_file_is_called_empty(content: str, suffix: str) -> None:
    assert str(refusal(content, suffix)) == "it is empty"


def test_an_error_names_the_file_and_the_line() -> None:
    error = refusal(b"fine\ncaf\xe9\n", ".txt")
    assert error.about(Path("p.txt")) == "p.txt, line 2: it is not UTF-8: save the file as UTF-8"
    assert TableError("it is empty").about(Path("p.txt")) == "p.txt: it is empty"


def test_names_its_columns_briefly() -> None:
    assert table("A,b\n").describe_columns() == "'A', 'b'"
    assert len(table(f"{'x' * 1000}\n").describe_columns()) < 110
