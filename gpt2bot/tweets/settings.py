"""What an owner can choose of the tweets; `filter.rules` has what they choose of the filter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - the configuration reads the annotations
from typing import Annotated

from annotated_types import Ge

from gpt2bot.tweets.characters import Line  # noqa: TC001 - as above
from gpt2bot.tweets.label import DEFAULT_LABEL

__all__ = ["TweetSettings"]


@dataclass(frozen=True)
class TweetSettings:
    """What a tweet begins and ends with, and how long one is looked for.

    Attributes:
        label: The last line of every tweet, which says that a machine wrote it. It must not be
            empty: GPT-2's licence and X's rules for automated accounts ask for it.
        label_is_disclosure: Whether the owner vouches that the labels say that a machine wrote the
            tweets, in words that gpt2bot does not know.
        prompts: What the tweets begin with, as in ["Every morning", "My neighbour"]. An empty list
            uses the openings that come with gpt2bot. None is repeated until all were used.
        prompts_file: A file of prompts, used instead of the list: a text file with one a line, or a
            CSV file with the columns input_text and end_text, where end_text is the label.
        max_rounds: After this many rounds of candidates without one that passes the filter,
            nothing is posted.
    """

    label: Line = DEFAULT_LABEL
    label_is_disclosure: bool = False
    prompts: tuple[Line, ...] = ()
    prompts_file: Path | None = None
    max_rounds: Annotated[int, Ge(1)] = 5
