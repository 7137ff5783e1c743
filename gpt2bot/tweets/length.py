"""The length of a tweet as X counts it, and the parser that counts it.

The package `twitter-text-parser` is X's own parser, ported to Python. It follows version 3 of the
rules at https://github.com/twitter/twitter-text.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["MAX_LENGTH", "twitter_text", "weighted_length"]

MAX_LENGTH = 280
"""The greatest weighted length that X accepts."""

# The longest emoji have ten code points and count 2, so 140 of them fill a tweet.
_MAX_CODE_POINTS = 1400


def weighted_length(text: str) -> int:
    """Counts a text as X does, after NFC.

    Latin letters, punctuation and common symbols count 1, all other characters 2, an emoji
    sequence 2 and a URL 23.

    The parser takes quadratic time on a chain of dots. So a text that is certainly too long is not
    parsed: one with more than 1,400 code points, or with a dot in a word of more than 280. Its
    number of code points is returned instead, which is also above `MAX_LENGTH`.
    """
    words = text.split()
    if len(text) > _MAX_CODE_POINTS or any(len(w) > MAX_LENGTH and "." in w for w in words):
        return len(text)
    if text.isascii() and not {".", "\r"} & set(text):
        return len(text)  # no link, emoji or line ending to convert: no need to load the parser
    # The parser converts to UTF-16, so a lone surrogate would make it fail.
    well_formed = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return int(twitter_text().parse_tweet(well_formed).weightedLength)


@cache
def twitter_text() -> Any:
    """Imports the package `twitter_text`.

    It reads its table of emoji with `pkg_resources`, which setuptools dropped in version 82. Where
    `pkg_resources` still exists, it costs 0.1 s and a warning. So a stand-in with the one function
    that is called replaces it during the import.
    """
    stand_in = ModuleType("pkg_resources")
    stand_in.resource_string = _resource_string  # type: ignore[attr-defined]
    original = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        import twitter_text
    finally:
        del sys.modules["pkg_resources"]
        if original is not None:
            sys.modules["pkg_resources"] = original
    return twitter_text


def _resource_string(module: str, name: str) -> bytes:
    return Path(str(sys.modules[module].__file__)).with_name(name).read_bytes()
