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
        label: The last line of every tweet, which says that a machine wrote it: GPT-2's licence and
            X's rules for automated accounts ask for it. It needs a word such as bot, AI or GPT-2,
            in any common language.
        label_is_disclosure: Set to true if your labels say so in words that gpt2bot does not know.
            Then you answer for that.
        prompts: What the tweets begin with, as in ["Every morning", "My neighbour"]. An empty list
            uses the openings that come with gpt2bot. None is repeated until all were used.
        prompts_file: A file of prompts, used instead of the list: a text file with one on each
            line, or a table (CSV, TSV or JSON lines) with the column input_text, and end_text if
            prompts have labels of their own.
        max_rounds: After this many rounds of candidates without one that passes the filter,
            nothing is posted.
    """

    label: Line = DEFAULT_LABEL
    label_is_disclosure: bool = False
    prompts: tuple[Line, ...] = ()
    prompts_file: Path | None = None
    max_rounds: Annotated[int, Ge(1)] = 5
