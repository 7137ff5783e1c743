"""From the model's words to a draft of a tweet."""

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

# Weighted length: with less room than this behind a sentence, another one is not waited for. Few
# would fit: in running prose, tweets get shorter by one character in 225 and cost a fifth less.
_WORTH_FILLING = 60
_MAX_INPUT = 5000  # characters: more than 1,024 tokens commonly are, and than fits a tweet
_BLANK_LINE = re.compile(r"\n\s*\n")


def compose(prompt: str, continuation: str, label: str) -> Draft:
    """Joins a prompt and what the model wrote after it, and cuts the text to fit with its label.

    The cut is at the last end of a sentence that leaves the draft at most `MAX_LENGTH` long. Where
    no sentence ends in time, it is behind a word: the rule `unfinished` then says what is wrong.

    Args:
        prompt: What the model was given.
        continuation: What it returned, as it is: with its leading space, if there is one.
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
    """Whether the model has written enough for `compose`, so that it need not go on.

    That is so once more text would leave the draft as it is, since it fills the tweet or lies
    behind a break; or once the draft ends with a sentence and has no room for another one.

    Args:
        prompt: What the model was given.
        continuation: What it wrote so far.
        label: The last line of the tweet.
    """
    written = prompt + continuation
    # Asked after every token: what is certainly short is not looked at more closely.
    longest = len(label) + len(written) * (1 if written.isascii() else 2)
    if longest < MAX_LENGTH - _WORTH_FILLING and "\n" not in continuation:
        return False
    text = _flowing_text(_head(written))
    room = MAX_LENGTH - Draft(text, label, prompt).length
    if room < 0:  # the last word may still grow, and tell whether a mark before it was an end
        return Draft(text.rpartition(" ")[0], label, prompt).length > MAX_LENGTH
    if ends_sentence(text):
        return room < _WORTH_FILLING
    return bool(_BLANK_LINE.search(written.strip()))


def _head(text: str) -> str:
    """Returns the first words of a text that is far too long, so that no step takes its time."""
    return text if len(text) <= _MAX_INPUT else text[:_MAX_INPUT].rpartition(" ")[0]


def _flowing_text(text: str) -> str:
    """Tidies a text into one line, up to the first blank line that breaks off a sentence.

    Behind such a line comes something new, a heading or another article.
    """
    sound: list[str] = []
    for paragraph in _BLANK_LINE.split(text.strip()):
        sound.append(tidy(paragraph))
        if not ends_sentence(sound[-1]):
            break
    return " ".join(sound)
