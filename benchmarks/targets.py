"""The performance targets of this project, and whether they are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import figures as f
from benchmarks.derived import bound, decoding
from benchmarks.figures import CTRANSLATE2, LLAMA_CPP, OWN, TRANSFORMERS, Case, Figures
from gpt2bot.gpt2.download.registry import DEMO

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL, LARGE = "124M", "774M"


@dataclass(frozen=True)
class Target:
    """A bound for a figure.

    Attributes:
        what: The name of the figure.
        limit: The bound.
        found: The figure; None if it was not measured.
        at_least: Whether the bound is a minimum; otherwise it is a maximum.
        show: Formats the bound or the figure with its unit.
    """

    what: str
    limit: float
    found: float | None
    at_least: bool
    show: Callable[[float], str]

    @property
    def wanted(self) -> str:
        """The bound in words."""
        return f"{'at least' if self.at_least else 'under'} {self.show(self.limit)}"

    @property
    def measured(self) -> str:
        """The figure in words."""
        return "not measured" if self.found is None else self.show(self.found)

    @property
    def verdict(self) -> str:
        """Whether it is met, and by what share of the bound."""
        if self.found is None:
            return ""
        is_met = self.found >= self.limit if self.at_least else self.found < self.limit
        return f"{'met' if is_met else '**missed**'} by {abs(self.found / self.limit - 1):.1%}"


def targets(figures: Figures) -> list[Target]:
    """All targets with their figures."""
    single = decoding(figures, OWN, SMALL, 1)
    many = decoding(figures, OWN, SMALL, 8)
    small, large, demo = (Case(OWN, model) for model in (SMALL, LARGE, DEMO))
    bare = figures.median(f.IMPORT)
    decode = f"decoding {SMALL}, batch"
    cold = "a whole `gpt2bot sample --raw` of"
    rivals = ((LLAMA_CPP, 1.3), (CTRANSLATE2, 2.5), (TRANSFORMERS, 6.0))
    return [
        *(
            Target(
                f"{decode} 1, against {peer}",
                factor,
                _ratio(single, decoding(figures, peer, SMALL, 1)),
                True,
                _times,
            )
            for peer, factor in rivals
        ),
        Target(
            f"{decode} 1, of what the memory's bandwidth allows",
            0.85,
            _ratio(single, bound(figures, SMALL)),
            True,
            _percent,
        ),
        Target(
            f"{decode} 8, against {CTRANSLATE2}",
            2.0,
            _ratio(many, decoding(figures, CTRANSLATE2, SMALL, 8)),
            True,
            _times,
        ),
        *(
            Target(
                f"{cold} {case.model}, against a bare `import tensorflow`",
                factor,
                _ratio(figures.median(f.COLD, case), bare),
                False,
                _times,
            )
            for case, factor in ((small, 0.5), (large, 1.2))
        ),
        Target(
            f"{cold} {LARGE}, anonymous memory",
            150e6,
            figures.median(f.ANONYMOUS, large),
            False,
            _megabytes,
        ),
        Target("`gpt2bot --help`", 0.3, figures.median(f.HELP), False, _seconds),
        Target(
            f"`gpt2bot compile {LARGE}`, peak memory",
            2e9,
            figures.median(f.COMPILE_PEAK, large),
            False,
            _megabytes,
        ),
        Target(
            f"`gpt2bot compile {LARGE}`, time",
            180,
            figures.median(f.COMPILE, large),
            False,
            _seconds,
        ),
        Target(
            f"int8 against float32, {DEMO}: more bits a character",
            0.01,
            figures.median(f.MORE_BITS, demo),
            False,
            _percent,
        ),
        Target(
            f"int8 against float32, {DEMO}: positions with the same likeliest token",
            0.97,
            figures.median(f.SAME_TOP_1, demo),
            True,
            _percent,
        ),
    ]


def _ratio(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value / other


def _times(value: float) -> str:
    return f"{value:.2f}x"


def _percent(value: float) -> str:
    return f"{100 * value:.3g}%"


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def _megabytes(value: float) -> str:
    return f"{value / 1e6:.0f} MB"
