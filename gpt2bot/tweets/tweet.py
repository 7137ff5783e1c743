"""What a draft is, and what a finished tweet is.

A `Draft` is anything that was composed. A `Tweet` is a draft that passed the filter: only
`filter.Verdict` makes one, and only a `Tweet` can be posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gpt2bot.tweets.length import weighted_length


@dataclass(frozen=True)
class Draft:
    """A text with its label, not yet judged.

    Attributes:
        body: What the model wrote, with its prompt: tidied and cut, without the label.
        label: What says that a machine wrote it, on the last line of the tweet.
        prompt: What the model was given to go on from.
    """

    body: str
    label: str
    prompt: str

    @property
    def text(self) -> str:
        """The whole tweet as X would get it: the body, and the label on a line of its own."""
        return f"{self.body}\n{self.label}"

    @cached_property
    def length(self) -> int:
        """The weighted length of `text` as X counts it; at most 280 can be posted."""
        return weighted_length(self.text)


@dataclass(frozen=True)
class Tweet(Draft):
    """A draft that passed every rule of the filter."""
