"""Reads texts from files: tables with columns (CSV, TSV, JSON lines) and plain text.

The name of a file determines its format. A file with other content is refused with a hint, because
a wrong guess would yield texts that nobody wrote: a header, a label, half a sentence.

The delimiter of a CSV file is the one that separates the wanted columns in the header. Fields may
be quoted as in RFC 4180, with delimiters, doubled quotes and line breaks inside.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Row", "Table", "TableError", "parse"]

# The possible delimiters by file suffix. The first one is used if the header does not decide.
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t,;|", ".tab": "\t,;|"}
JSON_LINES = (".jsonl", ".ndjson")

QUOTED = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}  # inside a text

# The first bytes of files of other formats.
SIGNATURES = {
    b"%PDF-": "a PDF document",
    b"PK\x03\x04": "an office document or another ZIP archive",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a gzip archive",
}
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MARKUP = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)\b", re.IGNORECASE)
X_ARCHIVE = re.compile(r"\s*(?:window\.YTD|Grailbird\.data)\.", re.IGNORECASE)
JSON = re.compile(
    r"""\s*(?: \[\s*[{"] | \[\s*\[\s*[\["] | \{\s*"(?:[^"\\\n]|\\.)*"\s*: | [\[{]\s*[\]}]\s*\Z)""",
    re.VERBOSE,
)

LONGEST = 100  # characters of column names in a message

# A line that Excel writes before the header to name the delimiter.
EXCEL_HINT = re.compile(r"\Asep=[,;\t|](?=\r?\n)", re.IGNORECASE)

# Names with nothing but delimiters between them, which no sentence looks like.
NAMES_ONLY = re.compile(r'["\w-]+(?:[,;\t|]["\w-]+)*')


class TableError(ValueError):
    """A file, or one of its lines, does not have the format that its name says.

    Attributes:
        line: The line, counted from 1; None means the whole file.
    """

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.line = line

    def about(self, path: Path) -> str:
        """The message, with the name of the file and the line."""
        return f"{path}, line {self.line}: {self}" if self.line else f"{path}: {self}"


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        line: The line on which it begins, counted from 1.
        cells: Its texts by column, as `Table.column` names them. A short row lacks some.
    """

    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """The text in a column.

        Raises:
            TableError: The row has nothing there.
        """
        if column not in self.cells:
            raise TableError(f"there is no text for the column {column!r}", self.line)
        return self.cells[column]


@dataclass(frozen=True)
class Table:
    """The content of a file with columns of texts.

    Attributes:
        columns: The names of the columns, as written in the file.
        rows: The rows. Blank ones are left out.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, *names: str) -> str | None:
        """The first of these names that is a column, ignoring case; None if none is."""
        columns = set(map(_fold, self.columns))
        return next((name for name in map(_fold, names) if name in columns), None)

    def describe_columns(self) -> str:
        """The names of the columns for a message, on one line and shortened."""
        names = ", ".join(map(repr, self.columns))
        return names if len(names) <= LONGEST else f"{names[:LONGEST]}..."


def parse(content: bytes, suffix: str, names: Sequence[str]) -> Table | str:
    """Parses the content of a file.

    Args:
        content: The bytes of the file.
        suffix: The suffix of the file's name. `.csv`, `.tsv` and `.tab` are tables with a header,
            `.jsonl` and `.ndjson` have a JSON object on each line; any other file is text.
        names: The names of columns that are wanted or have a special meaning.

    Returns:
        The table, or the text.

    Raises:
        TableError: The content does not match the name, is not UTF-8, or a line of the table is
            invalid.
    """
    kind = suffix.lower()
    text = _decode(content)
    if not text.strip():
        raise TableError("it is empty")
    if kind in JSON_LINES:
        return _json_lines(text, names)
    if X_ARCHIVE.match(text):
        raise TableError(
            "it looks like a file from X's archive, which is not supported: "
            "copy its texts into a text file, one on each line"
        )
    if kind == ".json" or JSON.match(text):
        raise TableError(
            "it looks like JSON, but only JSON lines are supported: "
            f"use a file named .jsonl with an object such as {_example(names)} on each line"
        )
    if kind in DELIMITERS:
        return _delimited(EXCEL_HINT.sub("", text, count=1), DELIMITERS[kind], names)
    _refuse_header(text, names)
    return text


def _decode(content: bytes) -> str:
    for start, what in SIGNATURES.items():
        if content.startswith(start):
            raise TableError(f"it looks like {what}: save its text as a text file in UTF-8")
    # Every other byte of English in UTF-16 is zero.
    if content.startswith(UTF16_MARKS) or content.count(0) * 4 > len(content):
        raise TableError("it looks like UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8").lstrip("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError("it is not UTF-8: save the file as UTF-8", line) from None
    if MARKUP.match(text):
        raise TableError("it looks like HTML or XML: save its text as a text file in UTF-8")
    return text


def _refuse_header(text: str, names: Sequence[str]) -> None:
    """Raises TableError if the first line of a text, after comments, is the header of a table."""
    lines = enumerate(io.StringIO(text, newline=None), start=1)
    number, first = next(((n, x) for n, x in lines if x.strip() and x[:2] != "# "), (0, ""))
    cells = {_fold(cell.strip().strip('"')) for cell in re.split(r"[,;\t|]", first)}
    found = cells.intersection(map(_fold, names))
    if any("_" in name for name in found) or (found and NAMES_ONLY.fullmatch(first.strip())):
        raise TableError(
            "it looks like the header of a table: name the file .csv, or .tsv if it has tabs",
            number,
        )


def _delimited(text: str, delimiters: str, names: Sequence[str]) -> Table:
    """Reads a table with a header, using the delimiter that yields the most wanted columns."""
    wanted = set(map(_fold, names))
    headers = {delimiter: _header(text, delimiter) for delimiter in delimiters}

    def fit(delimiter: str) -> tuple[int, int]:
        header = headers[delimiter]
        return len(wanted.intersection(map(_fold, header))), len(header)

    delimiter = max(headers, key=fit)
    columns = [_fold(name) for name in headers[delimiter]]
    for name in wanted:
        if columns.count(name) > 1:
            raise TableError(f"two columns are named {name!r}", 1)
    rows = []
    for line, cells in islice(_records(text, delimiter), 1, None):
        if len(cells) > len(columns):
            raise TableError(
                f"there are {len(cells)} fields, but the header has {len(columns)}: "
                f'put a text that contains {QUOTED[delimiter]} in "quotes"',
                line,
            )
        if [_fold(cell) for cell in cells] != columns:  # a repeated header, from concatenated files
            rows.append(Row(line, dict(zip(columns, cells, strict=False))))
    return Table(tuple(headers[delimiter]), tuple(rows))


def _header(text: str, delimiter: str) -> list[str]:
    """The first record; empty if it cannot be parsed with this delimiter."""
    try:
        _, cells = next(_records(text, delimiter), (1, []))
    except TableError:
        return []
    return [cell.strip() for cell in cells]


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the line on which it begins."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(_explain(error), line) from None
        if any(cell.strip() for cell in cells):
            yield line, cells


def _explain(error: csv.Error) -> str:
    message = str(error)
    if "field limit" in message:
        limit = f"{csv.field_size_limit():,}"
        return f"a field has more than {limit} characters: shorten it, or close its quote"
    if "end of data" in message or "expected after" in message:
        return "its quotes do not match: close every quote, and double quotes inside a quoted text"
    return message


def _json_lines(text: str, names: Sequence[str]) -> Table:
    wanted = set(map(_fold, names))
    columns: dict[str, None] = {}
    rows = []
    for line, content in enumerate(io.StringIO(text, newline=None), start=1):
        if not content.strip():
            continue
        try:
            values = json.loads(content)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise TableError(f"it must be a JSON object such as {_example(names)}", line)
        columns |= dict.fromkeys(values)
        cells = {}
        for name, value in values.items():
            if isinstance(value, str) or value is None:
                cells[_fold(name)] = _well_formed(value or "")
            elif _fold(name) in wanted:
                raise TableError(f"{name!r} must be text", line)
        rows.append(Row(line, cells))
    return Table(tuple(columns), tuple(rows))


def _well_formed(text: str) -> str:
    """Replaces lone surrogates, which JSON escapes can express but UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _example(names: Sequence[str]) -> str:
    return json.dumps({names[0]: "..."})


def _fold(name: str) -> str:
    """A column's name, normalised for case and surrounding white space."""
    return name.replace("\ufeff", "").strip().casefold()
