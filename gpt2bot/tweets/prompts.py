"""The prompts that the model continues."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.errors import ConfigurationError
from gpt2bot.tables import Table, TableError, parse
from gpt2bot.tweets.characters import tidy
from gpt2bot.tweets.label import DEFAULT_LABEL, check_label, check_user_text, find_label
from gpt2bot.tweets.length import MAX_LENGTH, weighted_length

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MIN_ROOM = 60
"""The least weighted length that a prompt and its label must leave for the model."""

PROMPT_COLUMNS = ("input_text", "prompt", "text")
"""The possible names of the column of prompts in a table, in order of preference."""

LABEL_COLUMNS = ("end_text", "label")
"""The possible names of the column of labels."""

DEFAULT_PROMPTS = (
    "Once upon a time",
    "Long ago, in a village by the sea,",
    "The old man",
    "The little girl",
    "One morning the king",
    "Every evening my grandmother",
    "When I was a child, I",
    "The first time I saw the sea, I",
    "In the middle of the night",
    "On the last day of summer",
    "It was raining, and",
    "The cat looked at",
    "The teacher asked",
    "He opened the door and",
    "She had never",
    "Nobody in the town knew",
    "There is nothing better than",
    "The secret of a good soup is",
    "To be happy,",
    "A good friend",
    "A wise man",
    "The trouble with money is that",
    "Most people think that",
    "What I like best about my work is",
    "If you want to learn something new,",
    "I used to believe that",
    "The most beautiful thing in the world is",
    "The island is known for",
    "The strangest thing about the moon is",
    "Yesterday I found",
)
"""Openings for stories, thoughts, recipes and places that any GPT-2 can continue."""


@dataclass(frozen=True)
class Prompt:
    """A text for the model to continue, and the label of the resulting tweet.

    Attributes:
        text: One line, tidied.
        label: A checked label.
    """

    text: str
    label: str


def check_prompt(text: str, label: str = DEFAULT_LABEL) -> Prompt:
    """Returns a text as a prompt, tidied, if a tweet can start with it.

    Args:
        text: The prompt.
        label: The label of its tweet, as `check_label` returned it.

    Raises:
        ValueError: The prompt is empty, leaves the model too little room, or contains something
            that is not allowed in a tweet.
    """
    tidied = tidy(text)
    if not tidied:
        raise ValueError("the prompt is empty")
    allowed = MAX_LENGTH - MIN_ROOM - weighted_length(f"\n{label}")
    if (length := weighted_length(tidied)) > allowed:
        raise ValueError(
            f"the prompt is {length} characters long as X counts them; its label leaves {allowed}"
        )
    check_user_text("prompt", tidied)
    return Prompt(tidied, label)


def read_prompts(
    path: Path, default_label: str = DEFAULT_LABEL, *, label_is_disclosure: bool = False
) -> list[Prompt]:
    """Reads prompts from a UTF-8 file and drops duplicates.

    A table (CSV, TSV or JSON lines, see `tables.parse`) has a column `input_text`, and may have a
    column `end_text` with the labels of the tweets. Any other file has a prompt on each line; blank
    lines and lines that start with `# ` are skipped.

    Args:
        path: The file.
        default_label: The label for prompts without one, as `check_label` returned it.
        label_is_disclosure: See `check_label`.

    Raises:
        ConfigurationError: The file cannot be read, does not have the format that its name says,
            has no prompts, or has one that cannot start a tweet. The message names the file and
            the line.
    """
    try:
        content = parse(path.read_bytes(), path.suffix, (*PROMPT_COLUMNS, *LABEL_COLUMNS))
        rows = _table_rows(content) if isinstance(content, Table) else _text_rows(content)
        prompts = [_checked(*row, default_label, label_is_disclosure) for row in rows]
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the prompts in {path} ({error.strerror}): correct tweets.prompts_file"
        ) from error
    except TableError as error:
        raise ConfigurationError(error.about(path)) from error
    if not prompts:
        raise ConfigurationError(f"{path}: no prompts found; write one on each line")
    return list(dict.fromkeys(prompts))


def order_prompts(
    prompts: Iterable[Prompt], last_use: Mapping[str, int], rng: random.Random
) -> list[Prompt]:
    """Sorts prompts in the order in which to try them: unused ones, then the least recently used.

    If you always take the first, no prompt is repeated before all were used. A prompt that is added
    later is used once before the others, not until it has caught up.

    Args:
        prompts: All prompts.
        last_use: For each prompt text that was used, a number that grows with time.
        rng: Shuffles prompts that were never used, or were last used at the same time.
    """
    shuffled = list(prompts)
    rng.shuffle(shuffled)
    return sorted(shuffled, key=lambda prompt: last_use.get(prompt.text, float("-inf")))


def _text_rows(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.strip() and not line.startswith("# "):
            yield number, line, ""


def _table_rows(table: Table) -> Iterator[tuple[int, str, str]]:
    prompt, label = table.column(*PROMPT_COLUMNS), table.column(*LABEL_COLUMNS)
    if prompt is None:
        raise TableError(
            f"there is no column input_text (found: {table.describe_columns()}): the first line of"
            " a CSV file must be input_text or input_text,end_text, and each object of JSON lines"
            " must have input_text",
            1,
        )
    for row in table.rows:
        yield row.line, row.text(prompt), row.cells.get(label, "") if label else ""


def _checked(
    line: int, text: str, label: str, default_label: str, label_is_disclosure: bool
) -> Prompt:
    try:
        if found := find_label(text):
            raise ValueError(
                f"the prompt ends with the label {found!r}: use a CSV file and put labels in a"
                " column of their own, end_text"
            )
        if label.strip():
            return check_prompt(text, check_label(label, is_disclosure=label_is_disclosure))
        return check_prompt(text, default_label)
    except ValueError as error:
        raise TableError(str(error), line) from error
