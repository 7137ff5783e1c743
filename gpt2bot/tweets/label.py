"""The label: the last line of every tweet, which says that a machine wrote it.

GPT-2's licence asks that what is made with it be clearly indicated, and X asks the same of bots.
"""

from __future__ import annotations

import regex

from gpt2bot.tweets.characters import find_forbidden, tidy
from gpt2bot.tweets.entities import find_mention, find_url
from gpt2bot.tweets.length import weighted_length

DEFAULT_LABEL = "#GPT2 #AIgenerated"

MAX_LABEL_LENGTH = 80
"""The weighted length of a label at most, so that 199 of a tweet's 280 are left for its text."""

_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{ExtPict}]")


def check_label(label: str) -> str:
    """Returns the label, tidied, if it can stand below a tweet.

    Raises:
        ValueError: It is empty, of several lines, too long, or holds a URL or a mention.
    """
    tidied = tidy(label)
    if not _VISIBLE.search(tidied):
        raise ValueError("the label must not be empty: it says that a machine wrote the tweet")
    if len(label.strip().splitlines()) > 1:
        raise ValueError("the label must be one line")
    if (length := weighted_length(tidied)) > MAX_LABEL_LENGTH:
        raise ValueError(
            f"the label is {length} long as X counts it, of {MAX_LABEL_LENGTH} allowed"
        )
    check_user_text("label", tidied)
    return tidied


def carries_label(text: str, label: str) -> bool:
    """Whether the last line of a text is this label, and something stands above it."""
    body, newline, last_line = text.rpartition("\n")
    return bool(label.strip() and body.strip() and newline) and last_line == label


def check_user_text(name: str, text: str) -> None:
    """Refuses a text with which no tweet could pass the filter.

    Args:
        name: What the text is, for the message.
        text: The text, tidied.

    Raises:
        ValueError: It holds an invisible or garbled character, a URL or a mention.
    """
    if character := find_forbidden(text):
        raise ValueError(f"the {name} must not hold the character {character}")
    if link := find_url(text) or find_mention(text):
        raise ValueError(f"the {name} must not hold a URL or a mention, as {link!r} is")
