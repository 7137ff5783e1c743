"""Finds profanity, slurs, and hatred without slurs."""

from __future__ import annotations

from functools import cache
from typing import Any

import regex

from gpt2bot.tweets.filter.words import (
    CRUDE,
    DEHUMANIZED,
    DENIED,
    HARMED,
    KILLED,
    PEOPLE,
    SEXUAL,
    SLURS,
)

_FLAGS = regex.VERBOSE | regex.IGNORECASE
_INVISIBLE = regex.compile(r"\p{DI}")
_NUMBER = regex.compile(r"(?<!\S)[^\p{L}\s]*\d[^\p{L}\s]*(?!\S)")
_OWN_WORDS = regex.compile(rf"\b(?:{CRUDE}|{SEXUAL}|{SLURS})\b", _FLAGS)

_MUST = r"(?:should|must|needs?\ to|ought\ to|deserves?\ to|ha(?:s|ve)\ to)\ (?:all\ )?"
_WILL = r"(?:(?:\ will|'ll)|(?:\ am|'m|\ are|'re)\ going\ to)\ "
_HARM = r"hate|despise|kill|exterminate|deport|ban|shoot|lynch|gas|wipe\ out|get\ rid\ of|death\ to"
_HATE = regex.compile(
    rf"""
    \b (?:
        (?:all|every|each|any|those|these)\ (?:[\w'-]+\ ){{1,4}}?
            (?:{_MUST} (?:be|get)\ (?:{KILLED}) | (?:should|deserves?\ to)\ (?:all\ )?die)
        | (?:{PEOPLE})\ (?:[\w'-]+\ ){{0,3}}?
            (?: {_MUST} (?:(?:be|get)\ )?(?:{KILLED}|{HARMED}|die)
                | (?:should|must|do|can|could)(?:\ not|n[o']t)\ (?:{DENIED})
                | (?:are|were)\ (?:(?:all|just|only|so|like|nothing\ but)\ )*(?:{DEHUMANIZED})
            )
        | (?:{_HARM})\ (?:(?:all|every|the|these|those)\ )*(?:{PEOPLE})
        | (?:kill|hang|shoot)\ (?:yourself|yourselves) | kys
        | (?:i|we){_WILL}(?:kill|murder|rape|shoot)\ (?:you|him|her|them|every)\w*
    ) \b
    """,
    _FLAGS,
)


def find_profanity(text: str, extra_words: tuple[str, ...] = ()) -> str | None:
    """Returns the first crude word, slur or extra word in a text, or None.

    Common inflections and the usual disguises (f*ck, sh1t) are found, too.
    """
    text = _INVISIBLE.sub("", text)
    if found := _OWN_WORDS.search(text):
        return str(found.group())
    # A number is not a word in disguise: the engine reads 85 as a B and an S.
    lettered = _NUMBER.sub("0", text)
    return next(iter(_engine(extra_words).check_profanity(lettered)["profane_words"]), None)


def find_hate(text: str) -> str | None:
    """Returns the first phrase that wishes people harm or denies that they are human, or None."""
    plain = _INVISIBLE.sub("", text).replace("\u2019", "'")
    found = _HATE.search(" ".join(plain.split()))
    return str(found.group()) if found else None


@cache
def _engine(extra_words: tuple[str, ...]) -> Any:
    """Builds glin-profanity's filter and adds plurals, because its list is in the singular.

    Its option `allow_obfuscated_match` stays off: with it, nearly all clean text counts as profane.
    """
    from glin_profanity import Filter

    listed = Filter({"languages": ["english"]}).words
    plurals = [_plural(word) for word in (*listed, *extra_words)]
    return Filter(
        {
            "languages": ["english"],
            "detect_leetspeak": True,
            "custom_words": [*extra_words, *plurals],
            "whitelist": ["annals", "rapping"],  # it folds doubled letters
        }
    )


def _plural(noun: str) -> str:
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    return regex.sub(r"(?<![aeiou])y$", "ie", noun) + "s"
