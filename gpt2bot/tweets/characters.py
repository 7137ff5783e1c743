"""White space, and the characters that are not allowed in a tweet."""

from __future__ import annotations

import unicodedata
from typing import Annotated

import regex
from annotated_types import Predicate, doc

# Joiners, variation selectors and tags are invisible characters that belong in an emoji
# sequence: https://www.unicode.org/reports/tr51/ (ED-16, ED-14a, ED-14c).
_EMOJI = regex.compile(
    r"""
    \U0001F3F4 [\U000E0020-\U000E007E]+ \U000E007F                       # flag of a region
    | [0-9\#*] \uFE0F \u20E3                                             # keycap
    | \p{ExtPict} \p{EMod}? [\uFE0E\uFE0F]? (?: \u200D \p{ExtPict} \p{EMod}? \uFE0F? )*
    """,
    regex.VERBOSE,
)

# Control, format, surrogate, private use and unassigned characters (C); fillers and other
# characters without a shape (DI); replacements for undecodable bytes or an embedded object.
_FORBIDDEN = regex.compile(r"[\p{C}\p{DI}\uFFFC\uFFFD]")

# UTF-8 that was read as Latin-1: common in text from the web, and so in GPT-2's output.
_MOJIBAKE = regex.compile(r"\u00E2\u20AC|[\u00C2\u00C3][\u0080-\u00BF\u00C2\u00C3]")


def _is_line(text: str) -> bool:
    return bool(text.strip()) and len(text.strip().splitlines()) == 1


Line = Annotated[str, Predicate(_is_line), doc("one line and not blank")]
"""The type of a setting that is one line of text."""


def tidy(text: str) -> str:
    """Reduces every run of white space to one space, strips the ends, and applies NFC."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def find_forbidden(text: str) -> str | None:
    """Names the first invisible, undefined or garbled character, or returns None."""
    if found := _FORBIDDEN.search(_EMOJI.sub("", text)):
        character = found.group()
        name = unicodedata.name(character, "")
        return f"U+{ord(character):04X} {name}".rstrip()
    if found := _MOJIBAKE.search(text):
        return repr(found.group())
    return None
