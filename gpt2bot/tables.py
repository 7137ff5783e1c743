"""Texts from files: tables by column (CSV, TSV, JSON lines), and plain text.

The name of a file says what it is. A file that holds something else is refused with a hint, because
a wrong guess ends in texts that nobody wrote: a header, a label, half a sentence.

The header of a CSV file tells its delimiter: the one that separates the wanted columns. Fields may
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

# The delimiters of a kind of file. The first one counts where the header does not tell.
DELIMITERS = {".csv": ",;\t|", ".tsv": "\t,;|", ".tab": "\t,;|"}
JSON_LINES = (".jsonl", ".ndjson")

QUOTED = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}  # as a text holds them

# What files of other kinds begin with.
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

LONGEST = 100  # characters of the columns' names in a message

# What Excel writes before the header to name the delimiter.
EXCEL_HINT = re.compile(r"\Asep=[,;\t|](?=\r?\n)", re.IGNORECASE)

# A line of names with nothing but delimiters between them, as no sentence is.
NAMES_ONLY = re.compile(r'["\w-]+(?:[,;\t|]["\w-]+)*')


class TableError(ValueError):
    """A file, or a line of it, is not what its name says.

    Attributes:
        line: The line, counted from 1; None stands for the whole file.
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
        line: The line that it begins on, counted from 1.
        cells: Its texts by their columns, as `Table.column` names them. A short row lacks some.
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
    """What a file of texts in columns holds.

    Attributes:
        columns: The names of the columns, as they are written in the file.
        rows: The rows. Blank ones are left out.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, *names: str) -> str | None:
        """The first of these names that is a column's, whatever the case; None if there is none."""
        columns = set(map(_fold, self.columns))
        return next((name for name in map(_fold, names) if name in columns), None)

    def describe_columns(self) -> str:
        """The names of the columns for a message, on one line and not too long."""
        names = ", ".join(map(repr, self.columns))
        return names if len(names) <= LONGEST else f"{names[:LONGEST]}..."


def parse(content: bytes, suffix: str, names: Sequence[str]) -> Table | str:
    """Reads what a file holds.

    Args:
        content: Of the file.
        suffix: The end of the file's name. `.csv`, `.tsv` and `.tab` are tables with a header,
            `.jsonl` and `.ndjson` have a JSON object on each line; any other file is text.
        names: The names of columns that are wanted or have a meaning.

    Returns:
        The table, or the text.

    Raises:
        TableError: The content is of another kind than the name says, is not UTF-8, or a line of
            the table is wrong.
    """
    kind = suffix.lower()
    text = _decode(content)
    if not text.strip():
        raise TableError("it is empty")
    if kind in JSON_LINES:
        return _json_lines(text, names)
    if X_ARCHIVE.match(text):
        raise TableError(
            "it looks like a file of X's archive, which is not read yet: "
            "copy its texts into a text file, one on each line"
        )
    if kind == ".json" or JSON.match(text):
        raise TableError(
            "it looks like JSON, which is read as JSON lines only: "
            f"a file named .jsonl, with an object such as {_example(names)} on each line"
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
    """Raises TableError if the first line of a text, comments aside, is the header of a table."""
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
    """Reads a table with a header, by the delimiter that gives most of the wanted columns."""
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
                f"there are {len(cells)} fields, and the header has {len(columns)}: "
                f'put a text that holds {QUOTED[delimiter]} into "quotes"',
                line,
            )
        if [_fold(cell) for cell in cells] != columns:  # the header again, of files joined to one
            rows.append(Row(line, dict(zip(columns, cells, strict=False))))
    return Table(tuple(headers[delimiter]), tuple(rows))


def _header(text: str, delimiter: str) -> list[str]:
    """The first record; nothing if this delimiter makes none of it."""
    try:
        _, cells = next(_records(text, delimiter), (1, []))
    except TableError:
        return []
    return [cell.strip() for cell in cells]


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, each with the line that it begins on."""
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
        return "its quotes do not match: close every quote, and double those inside a quoted text"
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
    """Replaces half characters, which JSON can hold by their numbers and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _example(names: Sequence[str]) -> str:
    return json.dumps({names[0]: "..."})


def _fold(name: str) -> str:
    """A column's name without regard to case and white space around it."""
    return name.replace("\ufeff", "").strip().casefold()
