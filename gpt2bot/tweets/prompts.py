"""The openings that the model goes on from."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.errors import ConfigurationError
from gpt2bot.tweets.characters import tidy
from gpt2bot.tweets.label import DEFAULT_LABEL, check_label, check_user_text
from gpt2bot.tweets.length import MAX_LENGTH, weighted_length

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MIN_ROOM = 60
"""The weighted length that a prompt and its label leave the model at least."""

CSV_COLUMNS = ("input_text", "end_text")
"""The header of a CSV file with prompts and their labels."""

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
"""Openings for stories, thoughts, recipes and places, which any GPT-2 can go on from."""


@dataclass(frozen=True)
class Prompt:
    """What the model is given, and the label of the tweet that comes of it.

    Attributes:
        text: One line of text, tidied.
        label: The label, checked.
    """

    text: str
    label: str


def check_prompt(text: str, label: str = DEFAULT_LABEL) -> Prompt:
    """Returns a text as a prompt, tidied, if a tweet can start with it.

    Raises:
        ValueError: It is empty, leaves the model too little room, or holds what no tweet may hold.
            Or the label is wrong.
    """
    label = check_label(label)
    tidied = tidy(text)
    if not tidied:
        raise ValueError("the prompt is empty")
    allowed = MAX_LENGTH - MIN_ROOM - weighted_length(f"\n{label}")
    if (length := weighted_length(tidied)) > allowed:
        raise ValueError(
            f"the prompt is {length} long as X counts it, of {allowed} that its label leaves"
        )
    check_user_text("prompt", tidied)
    return Prompt(tidied, label)


def read_prompts(path: Path, default_label: str = DEFAULT_LABEL) -> list[Prompt]:
    """Reads prompts from a file in UTF-8, each once.

    A file whose name ends in `.csv` has the columns `input_text,end_text`: a prompt and the label
    of its tweet, or nothing for the default label. Any other file has a prompt a line; blank lines
    and those that start with a number sign and a space are left out.

    Raises:
        ConfigurationError: The file cannot be read, is no such file, has no prompts, or one of
            them cannot start a tweet. The message names the file and the line.
    """
    text = _read_text(path)
    rows = _csv_rows(path, text) if path.suffix.lower() == ".csv" else _text_rows(text)
    prompts = [_checked(path, *row, default_label) for row in rows]
    if not prompts:
        raise ConfigurationError(f"{path}: there are no prompts in it; write one a line")
    return list(dict.fromkeys(prompts))


def order_prompts(
    prompts: Iterable[Prompt], last_use: Mapping[str, int], rng: random.Random
) -> list[Prompt]:
    """Puts prompts in the order in which to try them: never used ones at random, then the oldest.

    Who always takes the first repeats none before all were used, and a prompt that is added later
    comes next once, not until it has caught up.

    Args:
        prompts: All that there are.
        last_use: For each text that was used, a number that grows with time.
        rng: Draws the order of those that were used equally long ago, or never.
    """
    shuffled = list(prompts)
    rng.shuffle(shuffled)
    return sorted(shuffled, key=lambda prompt: last_use.get(prompt.text, float("-inf")))


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the prompts in {path} cannot be read ({error.strerror}); set tweets.prompts_file"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            f"{path}, line {line}: not UTF-8; save the file as UTF-8"
        ) from error


def _checked(path: Path, line: int, text: str, label: str, default_label: str) -> Prompt:
    try:
        return check_prompt(text, label or default_label)
    except ValueError as error:
        raise ConfigurationError(f"{path}, line {line}: {error}") from error


def _text_rows(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.strip() and not line.startswith("# "):
            yield number, line, ""


def _csv_rows(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if sorted(header) != sorted(CSV_COLUMNS):
            raise ConfigurationError(
                f"{path}, line 1: the columns must be {','.join(CSV_COLUMNS)},"
                f" not {','.join(header) or 'nothing'}"
            )
        prompt, label = (header.index(name) for name in CSV_COLUMNS)
        for row in reader:
            if not any(row):
                continue
            if len(row) != len(header):
                raise ConfigurationError(
                    f"{path}, line {reader.line_num}: {len(row)} columns instead of {len(header)};"
                    ' put a text that holds a comma into "quotes"'
                )
            yield reader.line_num, row[prompt], row[label].strip()
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {reader.line_num}: {error}") from error
