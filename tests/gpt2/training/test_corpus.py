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
        ("a.txt", " \n\n", "holds no text"),
        ("a.txt", b"caf\xe9", r"is not UTF-8 \(byte 3\)"),
        ("a.csv", "a,b\n1,2\n", "needs a header with a column named 'text'"),
        ("a.csv", "text\n", "needs a header|holds no text"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(write, name, content, wanted):
    path = write(name, content)
    with pytest.raises(TrainingError, match=wanted) as caught:
        read_text_file(path)
    assert str(path) in str(caught.value)


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
