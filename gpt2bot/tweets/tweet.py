"""Drafts and finished tweets.

A `Draft` is anything that was composed. A `Tweet` is a draft that passed the filter: only
`filter.Verdict` makes one, and only a `Tweet` can be posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gpt2bot.tweets.length import weighted_length


@dataclass(frozen=True)
class Draft:
    """A text with its label, before the filter judges it.

    Attributes:
        body: The prompt and what the model wrote after it, tidied and cut, without the label.
        label: The last line of the tweet, which says that a machine wrote it.
        prompt: The text that the model continued.
    """

    body: str
    label: str
    prompt: str

    @property
    def text(self) -> str:
        """The whole tweet as sent to X: the body, and the label on its own line."""
        return f"{self.body}\n{self.label}"

    @cached_property
    def length(self) -> int:
        """The weighted length of `text` as X counts it; at most 280 can be posted."""
        return weighted_length(self.text)


@dataclass(frozen=True)
class Tweet(Draft):
    """A draft that passed every rule of the filter."""
