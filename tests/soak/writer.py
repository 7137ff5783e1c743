"""A fake GPT-2 that writes random English, some of which the filter must reject."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpt2bot.gpt2.settings import Sampling

words = str.split
NOUNS = words(
    "apple baker barn bell bicycle boat bottle bread bridge brother butter cabin candle carpet"
    " castle chair cheese church clock cloud coffee cousin daughter doctor dog door dream farmer"
    " fire flower forest friend garden gate hammer harbour hat horse hotel island jacket journey"
    " kitchen ladder lake lamp letter library market meadow mirror mountain musician neighbour"
    " night ocean orange painter paper pencil piano picture pillow river road school shepherd shop"
    " sister soldier song station stone story street summer table teacher tower train tree umbrella"
    " valley village violin wagon wall water weather window winter wood"
)
ADJECTIVES = words(
    "ancient angry blue brave bright broken calm careful cheap clever cold crowded curious deep"
    " distant dusty early empty famous foolish foreign gentle golden green grey happy heavy hollow"
    " hungry kind lazy little lonely lost loud modern narrow noisy old pale patient polite proud"
    " quiet rusty sad silent silver simple slow small steep strange strong sunny tall thin tired"
    " warm weary white wild wise wooden yellow young"
)
VERBS = words(
    "admired asked believed borrowed bought brought built carried caught chose cleaned described"
    " discovered dropped drew followed forgot found gave greeted heard helped hid imagined invited"
    " kept learned left liked loved made met missed moved needed noticed opened painted played"
    " praised remembered repaired returned saw served showed sold sought told touched visited"
    " wanted washed watched welcomed wrote"
)
LINKS = ("and then", "because", "while", "although", "until", "so that", "as soon as", "but")
# Characters that HTML escapes, that are not ASCII, or that count as two.
EXTRAS = ("", "", "", " & sons", " of 3 < 5 stones", " called Zoë", " ☔", " from “the café”")
UNFIT = (
    " found it at www.example.com and told the whole village about it.",
    " wrote a long letter to @somebody and waited for an answer all summer.",
    " said that this was bullshit and went home to the old house by the river.",
    " and the old house by the river where nobody had ever",
    " et la vieille maison de mon grand-père était toujours pleine de fleurs et de musique.",
    ".",
)
MOST_SENTENCES = 4


class Writer:
    """Implements the part of `GPT2` that a run of the bot uses."""

    def __init__(self, share_of_fit: float) -> None:
        self.share_of_fit = share_of_fit

    def generate(
        self,
        prompts: Sequence[str],
        sampling: Sampling,
        *,
        seed: Sequence[int],
        stopping_criterion: Callable[[int, str], bool],
    ) -> list[str]:
        """A continuation of each prompt, which depends only on its own seed."""
        assert len(seed) == len(prompts) <= sampling.candidates
        return [
            self._continuation(Random(own), row, stopping_criterion) for row, own in enumerate(seed)
        ]

    def _continuation(
        self, rng: Random, row: int, stopping_criterion: Callable[[int, str], bool]
    ) -> str:
        if rng.random() >= self.share_of_fit:
            return rng.choice(UNFIT)
        text = f" {_clause(rng)} {rng.choice(LINKS)} the {_clause(rng)}."
        for _ in range(rng.randrange(MOST_SENTENCES)):
            if not stopping_criterion(row, text):
                text += f" The {_clause(rng)}."
        return text


def _clause(rng: Random) -> str:
    first, second = rng.sample(NOUNS, 2)
    one, other = rng.sample(ADJECTIVES, 2)
    return f"{one} {first}{rng.choice(EXTRAS)} {rng.choice(VERBS)} the {other} {second}"
