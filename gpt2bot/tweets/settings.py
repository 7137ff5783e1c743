"""The settings of the tweets; those of the filter are in `filter.rules`."""

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
    """How tweets begin and end, and how many rounds of candidates to try.

    Attributes:
        label: The last line of every tweet. It says that a machine wrote the tweet, which GPT-2's
            licence and X's rules for automated accounts ask for. It needs a word such as bot, AI or
            GPT-2, in any common language.
        label_is_disclosure: Set this to true if your labels say so in words that gpt2bot does not
            know. You are then responsible for the wording.
        prompts: What the tweets begin with, such as ["Every morning", "My neighbour"]. An empty
            list uses the prompts that come with gpt2bot. No prompt is repeated until all have been
            used.
        prompts_file: A file of prompts that replaces the list: a text file with one prompt on each
            line, or a table (CSV, TSV or JSON lines) with the column input_text. An optional column
            end_text gives prompts their own labels.
        max_rounds: The maximum number of rounds of candidates. If none of them passes the filter,
            nothing is posted.
    """

    label: Line = DEFAULT_LABEL
    label_is_disclosure: bool = False
    prompts: tuple[Line, ...] = ()
    prompts_file: Path | None = None
    max_rounds: Annotated[int, Ge(1)] = 5
