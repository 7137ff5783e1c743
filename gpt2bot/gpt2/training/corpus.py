"""Training text: files in, items out, packed into blocks of tokens."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt2bot.errors import TrainingError
from gpt2bot.tables import Table, TableError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

logger = logging.getLogger(__name__)

# Columns of a table that may hold the text, in order of preference.
TEXT_COLUMNS = ("text", "input_text", "full_text", "tweet")


@dataclass(frozen=True)
class TextFile:
    """The contents of a training file.

    Attributes:
        name: The file's name, without its folder.
        sha256: The SHA-256 of its bytes, in hexadecimal.
        items: Its texts, without surrounding white space. None is empty.
    """

    name: str
    sha256: str
    items: tuple[str, ...]


def read_text_file(path: Path, column: str | None = None) -> TextFile:
    """Reads a file of items.

    A table (CSV, TSV or JSON lines, see `tables.parse`) has one item per row. In any other file,
    items are separated by blank lines; if there are none, each line is an item.

    Args:
        path: The file.
        column: The column of a table that holds the items. None chooses the first one of
            `TEXT_COLUMNS`, or else the only column.

    Raises:
        TrainingError: The file cannot be read, is not of the kind that its name says, contains no
            text, or is a table whose text column is unknown. The message names the file.
    """
    try:
        data = path.read_bytes()
        content = parse(data, path.suffix, TEXT_COLUMNS if column is None else (column,))
        raw = _column(path, content, column) if isinstance(content, Table) else _split(content)
        if column is not None and not isinstance(content, Table):
            raise TableError(f"it is not a table, so it has no column {column!r}")
    except OSError as error:
        raise TrainingError(f"cannot read {path}: {error.strerror}") from error
    except TableError as error:
        raise TrainingError(error.about(path)) from error
    items = tuple(item.strip() for item in raw if item.strip())
    if not items:
        raise TrainingError(f"{path} contains no text")
    return TextFile(path.name, hashlib.sha256(data).hexdigest(), items)


class Split(NamedTuple):
    """Items to train on and items held out for validation, both in random order."""

    training: list[str]
    validation: list[str]


def split_items(files: Sequence[TextFile], share: float, seed: int) -> Split:
    """Splits the distinct items of all files at random, holding out a share of them.

    Raises:
        TrainingError: There are fewer than two distinct items.
    """
    items = list(dict.fromkeys(item for file in files for item in file.items))
    if len(items) < 2:
        raise TrainingError("training needs at least two different items: one is held out")
    order = np.random.default_rng(seed).permutation(len(items))
    n_validation = min(max(1, round(share * len(items))), len(items) - 1)
    shuffled = [items[i] for i in order]
    return Split(shuffled[n_validation:], shuffled[:n_validation])


def batches(
    items: Sequence[Sequence[int]],
    end_of_text: int,
    *,
    block_size: int,
    size: int,
    seed: int,
    start: int = 0,
) -> Iterator[np.ndarray]:
    """Endless batches: every epoch has a new order of the items, joined by `<|endoftext|>`.

    Args:
        items: The token ids of each item.
        end_of_text: The id of `<|endoftext|>`.
        block_size: Positions per sequence.
        size: Sequences per batch.
        seed: Seed of the order. A batch depends only on the seed and on the batch's number.
        start: Number of the first batch, to resume a run that was stopped.

    Yields:
        int32 [size, block_size + 1]: the inputs and, shifted by one, the targets.
    """
    arrays = [np.array([end_of_text, *item], dtype=np.int32) for item in items]
    per_epoch = batches_per_epoch(items, block_size=block_size, size=size)
    number = start
    while True:
        epoch = number // per_epoch
        order = np.random.default_rng([seed, epoch]).permutation(len(arrays))
        stream = np.concatenate([arrays[i] for i in order])
        stream = np.resize(stream, max(len(stream), size * block_size + 1))
        for batch in range(number % per_epoch, per_epoch):
            first = batch * size * block_size
            starts = first + block_size * np.arange(size)
            yield stream[starts[:, None] + np.arange(block_size + 1)]
        number = (epoch + 1) * per_epoch


def batches_per_epoch(items: Sequence[Sequence[int]], *, block_size: int, size: int) -> int:
    """The number of batches in one pass over the items, at least one; see `batches`."""
    n_tokens = sum(len(item) + 1 for item in items)
    return max(1, (n_tokens - 1) // (block_size * size))


def windows(items: Sequence[Sequence[int]], end_of_text: int, block_size: int) -> list[np.ndarray]:
    """Each item alone between two `<|endoftext|>`, cut into at most `block_size` + 1 tokens.

    The pieces overlap by one token, so that every token but the first is predicted exactly once.
    """
    return [
        np.array(ids[first : first + block_size + 1], dtype=np.int32)
        for ids in ([end_of_text, *item, end_of_text] for item in items)
        for first in range(0, len(ids) - 1, block_size)
    ]


def _split(text: str) -> list[str]:
    text = _plain_newlines(text).strip()
    return re.split(r"\n[ \t]*\n", text) if "\n\n" in text else text.split("\n")


def _column(path: Path, table: Table, column: str | None) -> list[str]:
    names = TEXT_COLUMNS if column is None else (column,)
    found = table.column(*names)
    if found is None and column is None and len(table.columns) == 1:
        [only] = table.columns
        # A single word is a name. Several may be the first text of a file without a header.
        if re.fullmatch(r"[\w-]+", only):
            logger.info("%s: reading the texts from the column %r", path.name, only)
            found = table.column(only)
    if found is None:
        raise TableError(
            f"there is no column {names[0]!r} (found: {table.describe_columns()}): choose one with"
            " --column; if these are not names, add a first line that names the columns",
            1,
        )
    return [_plain_newlines(row.text(found)) for row in table.rows]


def _plain_newlines(text: str) -> str:
    return re.sub(r"\r\n?", "\n", text)
