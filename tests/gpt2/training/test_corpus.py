from __future__ import annotations

import hashlib

import numpy as np
import pytest

from gpt2bot.errors import TrainingError
from gpt2bot.gpt2.training.corpus import (
    batches,
    batches_per_epoch,
    read_text_file,
    split_items,
    windows,
)

END = 9


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.txt", "one\ntwo \n\tthree", ("one", "two", "three")),
        ("a.txt", "\ufeffone\r\ntwo\r\n", ("one", "two")),
        ("a.txt", "one\nstill one\n\n  \n two\n", ("one\nstill one", "two")),
        ("a.csv", 'id,text\n1,"one, with\na line"\n2,two\n3,\n', ("one, with\na line", "two")),
        ("a.csv", "input_text,end_text\none,#x\ntwo,#y\n", ("one", "two")),
        ("a.CSV", "anything\none\ntwo\n", ("one", "two")),
        ("a.csv", "id;text\n1;One, two\n2;three\n", ("One, two", "three")),
        ("a.csv", "id, Text \n1,one\n", ("one",)),
        ("a.csv", "id,tweet\n1,one\n", ("one",)),
        ("a.csv", 'text\n"Hello, world"\n', ("Hello, world",)),
        ("a.csv", 'text\r\n"one\r\nstill one"\r\n', ("one\nstill one",)),
        ("a.tsv", "text\tid\nOne, two\t1\n", ("One, two",)),
        ("a.tsv", "text\nOne, two\n", ("One, two",)),
        ("a.jsonl", '{"id": 1, "text": "one\\nstill one"}\n{"text": null}\n', ("one\nstill one",)),
        ("a.ndjson", '{"body": "one"}\n', ("one",)),
        ("a.txt", "one\rtwo\r", ("one", "two")),
    ],
)
def test_items_of_a_file(write, name, content, wanted):
    path = write(name, content)
    file = read_text_file(path)
    assert file.items == wanted
    assert file.name == name
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.txt", " \n\n", "it is empty"),
        ("a.txt", b"one\ncaf\xe9", "line 2: it is not UTF-8"),
        ("a.txt", "id,text\n1,one\n", "line 1: it looks like the header of a table"),
        ("a.csv", "text\n", "contains no text"),
        ("a.csv", "a,b\n1,2\n", r"no column 'text' \(found: 'a', 'b'\): choose one with --column"),
        ("a.csv", "Hello there\nand you\n", "no column 'text' .*add a first line"),
        ("a.csv", "1,Hello\n2,and you\n", "no column 'text'"),
        ("a.csv", "text\nHello, world\n", 'line 2: .*2 fields.*"quotes"'),
        ("a.csv", "id,text\n1,Hello\nthere\n", "line 3: there is no text"),
        ("a.csv", 'text\none\n"two\nthree\n', "line 3: its quotes do not match"),
        ("a.csv", f"text\n{'x' * 131_073}\n", "line 2: .*more than 131,072 characters"),
        ("a.jsonl", "one\ntwo\n", "line 1: it must be a JSON object"),
        ("a.json", '[{"text": "one"}]', "it looks like JSON"),
        ("tweets.js", 'window.YTD.tweets.part0 = [{"tweet": {}}]', "X's archive"),
        ("a.docx", b"PK\x03\x04", "office document"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(write, name, content, wanted):
    path = write(name, content)
    with pytest.raises(TrainingError, match=wanted) as caught:
        read_text_file(path)
    assert str(path) in str(caught.value)


def test_the_column_can_be_named(write):
    table = write("a.csv", "id,text,My Tweet\n1,no,one\n2,no,two\n")
    assert read_text_file(table, "my tweet").items == ("one", "two")
    with pytest.raises(
        TrainingError, match=r"no column 'body' \(found: 'id', 'text', 'My Tweet'\)"
    ):
        read_text_file(table, "body")
    lines = write("a.jsonl", '{"text": "no", "body": "one"}\n')
    assert read_text_file(lines, "body").items == ("one",)
    with pytest.raises(TrainingError, match="not a table, so it has no column 'body'"):
        read_text_file(write("a.txt", "one\n"), "body")


def test_says_which_column_it_reads_where_it_could_be_a_text(write, messages):
    read_text_file(write("a.csv", "text\none\n"))
    assert messages == []
    read_text_file(write("a.csv", "Hello\none\n"))
    assert messages == ["a.csv: reading the texts from the column 'Hello'"]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"cannot read .*nothing\.txt"):
        read_text_file(tmp_path / "nothing.txt")


def test_the_split_has_each_distinct_item_once(write):
    files = [
        read_text_file(write("a", "\n".join(map(str, range(100))))),
        read_text_file(write("b", "7\nx")),
    ]
    training, held_out = split_items(files, 0.1, seed=1)
    assert len(held_out) == 10
    assert sorted(training + held_out) == sorted([*map(str, range(100)), "x"])
    assert split_items(files, 0.1, seed=1) == (training, held_out)
    assert split_items(files, 0.1, seed=2) != (training, held_out)


def test_one_item_is_held_out_at_least_and_one_trained_on(write):
    files = [read_text_file(write("a", "one\ntwo"))]
    assert [len(part) for part in split_items(files, 0.0, 0)] == [1, 1]
    assert [len(part) for part in split_items(files, 1.0, 0)] == [1, 1]
    with pytest.raises(TrainingError, match="at least two different items"):
        split_items([read_text_file(write("a", "one\none"))], 0.5, 0)


ITEMS = [[1, 2, 3], [4], [5, 6], [7, 8]]


def take(n, **options):
    made = batches(ITEMS, END, **({"block_size": 2, "size": 2, "seed": 3} | options))
    return [next(made) for _ in range(n)]


def test_an_epoch_predicts_a_token_once_and_the_next_has_another_order():
    assert batches_per_epoch(ITEMS, block_size=2, size=2) == 2
    first, second = take(8)[:2], take(8)[2:4]
    for epoch in (first, second):
        targets = np.concatenate([batch[:, 1:].ravel() for batch in epoch])
        assert len(set(targets) - {END}) == (targets != END).sum()
    assert not np.array_equal(first, second)
    assert all(batch.shape == (2, 3) and batch.dtype == np.int32 for batch in first)


def test_items_stay_whole_between_two_ends():
    (batch,) = take(1, block_size=11, size=1)
    stream = batch[0].tolist()
    joined = " ".join(map(str, stream))
    assert stream[0] == END
    assert all(f"{END} {' '.join(map(str, item))}" in joined for item in ITEMS)


@pytest.mark.parametrize("start", [0, 1, 2, 3, 5])
def test_batches_can_start_anywhere(start):
    np.testing.assert_array_equal(take(3, start=start), take(9)[start : start + 3])


def test_text_shorter_than_a_batch_is_repeated():
    (batch,) = take(1, block_size=8, size=4)
    assert batch.shape == (4, 9)


def test_windows_predict_every_token_and_the_end_once():
    pieces = windows([[1, 2, 3, 4, 5], [6]], END, block_size=3)
    assert [piece.tolist() for piece in pieces] == [[END, 1, 2, 3], [3, 4, 5, END], [END, 6, END]]
