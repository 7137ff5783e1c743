"""The label: the last line of every tweet, which says that a machine wrote it.

GPT-2's licence asks for a clear indication that a machine wrote the text, and so does X of bots.
"""

from __future__ import annotations

import regex

from gpt2bot.tweets.characters import find_forbidden, tidy
from gpt2bot.tweets.disclosure import names_machine
from gpt2bot.tweets.entities import find_mention, find_url
from gpt2bot.tweets.length import weighted_length

DEFAULT_LABEL = "#GPT2 #AIgenerated"

MAX_LABEL_LENGTH = 80
"""The greatest weighted length of a label, which leaves 199 of a tweet's 280 for its text."""

_VISIBLE = regex.compile(r"[\p{L}\p{N}\p{ExtPict}]")
_LAST_FIELD = regex.compile(r"[,;|\t]([\s\"]*+(?:[#\uFF03]\w+|\p{ExtPict}\uFE0F?|[\s\"])+)$")


def check_label(label: str, *, is_disclosure: bool = False) -> str:
    """Returns the label, tidied, if it can stand below a tweet and says that a machine wrote it.

    Args:
        label: The label.
        is_disclosure: Whether the owner vouches that it says so, in words that gpt2bot does not
            know.

    Raises:
        ValueError: It is empty, has several lines, is too long, contains a URL or a mention, or
            does not say that a machine wrote the tweet.
    """
    tidied = tidy(label)
    if not _VISIBLE.search(tidied):
        raise ValueError("the label must not be empty: it says that a machine wrote the tweet")
    if len(label.strip().splitlines()) > 1:
        raise ValueError("the label must be one line")
    if (length := weighted_length(tidied)) > MAX_LABEL_LENGTH:
        raise ValueError(
            f"the label is {length} characters long as X counts them; {MAX_LABEL_LENGTH} are"
            " allowed"
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
    """Returns the label in the last field of a table's line, as in `Today,#bot`, or None.

    Only hashtags and emoji count, because other words could be part of a sentence.
    """
    found = _LAST_FIELD.search(text[-MAX_LABEL_LENGTH:].rstrip())
    field = found.group(1).strip(' \t"') if found else ""
    return field if names_machine(field) else None


def carries_label(text: str, label: str) -> bool:
    """Whether the last line of a text is this label, with other text above it."""
    body, newline, last_line = text.rpartition("\n")
    return bool(label.strip() and body.strip() and newline) and last_line == label


def check_user_text(name: str, text: str) -> None:
    """Refuses a text with which no tweet could pass the filter.

    Args:
        name: What to call the text in the message.
        text: The text, tidied.

    Raises:
        ValueError: It contains an invisible or garbled character, a URL or a mention.
    """
    if character := find_forbidden(text):
        raise ValueError(f"the {name} must not contain the character {character}")
    if link := find_url(text) or find_mention(text):
        raise ValueError(f"the {name} must not contain a URL or a mention, such as {link!r}")
