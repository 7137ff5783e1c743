"""Finds where sentences end, in English as GPT-2 writes it.

An end is reported only when it is certain: a cut must never fall after `Mr.`, inside `3.14` or
inside a quotation. A missed end costs some text; a wrong one shows in public.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# A mark and the closing quotes and brackets after it, before white space or the end.
_MARK = re.compile(r"([.!?\u2026]+)[\"'\u201D\u2019\u00BB)\]}]*(?!\S)")
_NEXT_WORD = re.compile(r"[\W_]*(\w*)")

# Abbreviations, without their last period. These never end a sentence:
_NEVER_LAST = re.compile(
    r"mrs?|ms|messrs|mme|mlle|dr|prof|rev|hon|gov|sen|rep|pres|capt|col|gen|lt|maj|sgt|adm|mt"
    r"|vs|cf|viz|e\.g|i\.e|ca|approx"
)
# These are also words, and abbreviations only before a number:
_BEFORE_NUMBER = re.compile(r"nos?|pp|vol|ch|chap|figs?|art|sec|eq|ver")
# These (also U.S, p.m and m for metres) end a sentence only if nothing follows, or a word that
# often starts a sentence:
_MAYBE_LAST = re.compile(
    r"etc|al|jr|sr|inc|ltd|co|corp|bros|dept|st|ave|blvd|rd|ft|oz|lbs?|tsp|tbsp|min|hrs?|ph\.d"
    r"|jan|feb|aug|sept|oct|nov|dec|[a-z]|\w(?:\.\w)+"
)
# A number after one of these belongs to the sentence, and may end it.
_BEFORE_FIGURE = re.compile(
    rf"[^.!?:]$|^(?:{_BEFORE_NUMBER.pattern}|{_MAYBE_LAST.pattern})\.$", re.IGNORECASE
)
_STARTER = re.compile(
    r"an?|after|all|and|as|at|before|but|every|for|he|her|his|how|i|if|in|its?|my|not?|now|on|one"
    r"|our|she|so|some|that|the|their|then|there|these|they|this|those|to|was|we|what|when|where"
    r"|who|why|yes|your?"
)

_CLOSER_OF = {
    "(": ")",
    "[": "]",
    "{": "}",
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
}
_CLOSERS = frozenset(")]}\u201d\u00bb")
_APOSTROPHES = "'\u2019"
# Words that start with an apostrophe, not with a quote: 'twas, 'em, rock 'n' roll, the '90s.
_ELISION = re.compile(
    r"['\u2019](?:\d|(?:t(?:is|wasn?|were|will|would|ain)?|em|cause|till?|round|bout|neath"
    r"|n|s|m|re)\b)",
    re.IGNORECASE,
)
# A closing bracket that needs no opening one: a) or 1) in a list, and :-)
_LONE_BRACKET = re.compile(r"(?:(?:^|\s)(?:\w|\d\d)|[:;=8]-?)\)$")


def sentence_ends(text: str) -> list[int]:
    """Returns each n, ascending, for which `text[:n]` consists of whole sentences.

    An abbreviation, an initial, a decimal, the number of a list item and an ellipsis do not end a
    sentence. Neither does anything inside quotes or brackets.
    """
    balanced = _balanced_prefixes(text)
    return [m.end() for m in _MARK.finditer(text) if balanced[m.end()] and _is_end(text, m)]


def ends_sentence(text: str) -> bool:
    """Whether a text ends with the end of a sentence."""
    return sentence_ends(text)[-1:] == [len(text)]


def find_stray_closer(text: str) -> str | None:
    """The first closing mark without an opening one, after which no sentence ends; or None."""
    sound = sum(1 for _ in _depths(text))
    return text[sound] if sound < len(text) else None


def _is_end(text: str, match: re.Match[str]) -> bool:
    following = _NEXT_WORD.match(text, match.end())
    next_word = following.group(1) if following else ""
    if next_word[:1].islower():
        return False
    mark = match.group(1)
    if mark[-1] in "!?":
        return True
    return mark == "." and _period_ends(text[: match.start()], next_word)


def _period_ends(before: str, next_word: str) -> bool:
    """Whether a single period between a text and the next word ends a sentence."""
    *earlier, last = before.split() or [""]
    last = last.lstrip("\"'\u201c\u2018([{")
    if len(last) == 1 and last.isupper():  # J. R. Smith
        return last == "I"
    word = last.lower()
    if _NEVER_LAST.fullmatch(word) or not any(map(str.isalnum, word)):
        return False
    if _BEFORE_NUMBER.fullmatch(word):
        return not next_word[:1].isdigit()
    if word.isdigit():  # unless it numbers an item: 1. Peel the onion. 2. Cut it on Dec. 6.
        return bool(earlier) and bool(_BEFORE_FIGURE.search(earlier[-1]))
    if _MAYBE_LAST.fullmatch(word):
        return not next_word or bool(_STARTER.fullmatch(next_word.lower()))
    return True


def _balanced_prefixes(text: str) -> list[bool]:
    """For each n, whether the quotes and brackets of `text[:n]` are balanced."""
    depths = [0, *_depths(text)]
    return [depth == 0 for depth in depths] + [False] * (len(text) + 1 - len(depths))


def _depths(text: str) -> Iterator[int]:
    """The number of open marks after each character, up to an unmatched closing mark."""
    awaited: list[str] = []  # closing marks, the innermost last
    for i, char in enumerate(text):
        before, after = text[i - 1 : i], text[i + 1 : i + 2]
        in_word = before.isalnum() and after.isalnum()
        if char in _APOSTROPHES and (in_word or _ELISION.match(text, i)):
            pass
        elif awaited and char == awaited[-1]:
            awaited.pop()
        elif char in _CLOSER_OF:
            awaited.append(_CLOSER_OF[char])
        elif char == '"' and not (before.isdigit() and '"' not in awaited):  # he is 5'10" tall
            awaited.append('"')
        elif char == "'" and not before.isalnum() and after.isalnum():
            awaited.append("'")
        elif char in _CLOSERS and not _LONE_BRACKET.search(text[: i + 1]):
            return
        yield len(awaited)
