"""The label: the last line of every tweet, which says that a machine wrote it.

GPT-2's licence asks that what is made with it be clearly indicated, and X asks the same of bots.
"""

from __future__ import annotations

import regex

from gpt2bot.tweets.characters import find_forbidden, tidy
from gpt2bot.tweets.disclosure import names_machine
from gpt2bot.tweets.entities import find_mention, find_url
from gpt2bot.tweets.length import weighted_length

DEFAULT_LABEL = "#GPT2 #AIgenerated"

MAX_LABEL_LENGTH = 80
"""The weighted length of a label at most, so that 199 of a tweet's 280 are left for its text."""

_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{ExtPict}]")
_LAST_FIELD = regex.compile(r"[,;|\t]([\s\"]*+(?:[#\uFF03]\w+|\p{ExtPict}\uFE0F?|[\s\"])+)$")


def check_label(label: str, *, is_disclosure: bool = False) -> str:
    """Returns the label, tidied, if it can stand below a tweet and says that a machine wrote it.

    Args:
        label: The label.
        is_disclosure: Whether its owner vouches that it says so, in words that are not known here.

    Raises:
        ValueError: It is empty, of several lines, too long, holds a URL or a mention, or does not
            say that a machine wrote the tweet.
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
    if not (is_disclosure or names_machine(tidied)):
        raise ValueError(
            f"the label {tidied!r} does not say that a machine wrote the tweet: use a word such as"
            " bot, AI or GPT-2 in any language; if the label says so in other words, set"
            " tweets.label_is_disclosure = true"
        )
    return tidied


def find_label(text: str) -> str | None:
    """Returns the label that a line of a table has as its last field, such as `Today,#bot`.

    Only hashtags and emoji are told from the words of a sentence.
    """
    found = _LAST_FIELD.search(text[-MAX_LABEL_LENGTH:].rstrip())
    field = found.group(1).strip(' \t"') if found else ""
    return field if names_machine(field) else None


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
