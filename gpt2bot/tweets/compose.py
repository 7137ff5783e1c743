"""Composes a draft of a tweet from what the model wrote."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from gpt2bot.tweets.characters import tidy
from gpt2bot.tweets.length import MAX_LENGTH
from gpt2bot.tweets.sentences import ends_sentence, sentence_ends
from gpt2bot.tweets.tweet import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

# Weighted length: if less room than this is left after a sentence, the model stops. Few more would
# fit: in running prose, tweets get shorter by one character in 225 and cost a fifth less.
_WORTH_FILLING = 60
_MAX_INPUT = 5000  # characters: more than 1,024 tokens usually have, and more than fits in a tweet
_BLANK_LINE = re.compile(r"\n\s*\n")


def compose(prompt: str, continuation: str, label: str) -> Draft:
    """Joins a prompt and its continuation, and cuts the text so that it fits with the label.

    The cut is after the last sentence with which the draft is at most `MAX_LENGTH` long. If no
    sentence ends in time, it is after a word; the rule `unfinished` then rejects the draft.

    Args:
        prompt: The text that the model continued.
        continuation: What it returned, unchanged, including a leading space.
        label: The last line of the tweet.
    """
    text = _flowing_text(_head(prompt + continuation))

    def last_fit(ends: Sequence[int]) -> int:
        fitting = bisect_right(ends, MAX_LENGTH, key=lambda end: draft(end).length)
        return ends[fitting - 1] if fitting else 0

    def draft(end: int) -> Draft:
        return Draft(text[:end], label, prompt)

    word_ends = [word.end() for word in re.finditer(r"\S+", text)]
    return draft(last_fit(sentence_ends(text)) or last_fit(word_ends))


def stopping_criterion(prompt: str, continuation: str, label: str) -> bool:
    """Whether the model has written enough for `compose` and can stop.

    It can stop when more text would not change the draft, because the tweet is full or a blank line
    has ended it; or when the draft ends with a sentence and has no room for another.

    Args:
        prompt: The text that the model continues.
        continuation: What it has written so far.
        label: The last line of the tweet.
    """
    written = prompt + continuation
    # This is called after every token, so return early if the text is certainly short.
    longest = len(label) + len(written) * (1 if written.isascii() else 2)
    if longest < MAX_LENGTH - _WORTH_FILLING and "\n" not in continuation:
        return False
    text = _flowing_text(_head(written))
    room = MAX_LENGTH - Draft(text, label, prompt).length
    if room < 0:  # the last word may still grow, and decide whether a sentence ended before it
        return Draft(text.rpartition(" ")[0], label, prompt).length > MAX_LENGTH
    if ends_sentence(text):
        return room < _WORTH_FILLING
    return bool(_BLANK_LINE.search(written.strip()))


def _head(text: str) -> str:
    """Returns the first words of a text that is far too long, so that each step stays fast."""
    return text if len(text) <= _MAX_INPUT else text[:_MAX_INPUT].rpartition(" ")[0]


def _flowing_text(text: str) -> str:
    """Tidies a text into one line, up to the first blank line that interrupts a sentence.

    After such a line comes something new, such as a heading or another article.
    """
    sound: list[str] = []
    for paragraph in _BLANK_LINE.split(text.strip()):
        sound.append(tidy(paragraph))
        if not ends_sentence(sound[-1]):
            break
    return " ".join(sound)
