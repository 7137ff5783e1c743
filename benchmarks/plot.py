"""Draws the results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks import figures as f
from benchmarks.derived import bound, decoding, is_noise, steps

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.figures import Figures

_DPI = 120
_BAR = 0.4  # as a share of the distance between two systems


def plot(figures: Figures, path: Path) -> None:
    """Draws systems side by side, and how the cost of a step grows with batch, length and size.

    Args:
        figures: The figures of a run.
        path: The PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    _systems(axes[0, 0], figures)
    _batches(axes[0, 1], figures)
    _lengths(axes[1, 0], figures)
    _sizes(axes[1, 1], figures)
    figure.savefig(path, dpi=_DPI)


def _systems(axes: Axes, figures: Figures) -> None:
    """Bars of tokens per second, for the first model of the run."""
    model = next((case.model for case in figures.cases(f.DECODE)), "")
    cases = list(figures.cases(f.DECODE, lambda c: c.model == model))
    systems = list(dict.fromkeys(case.system for case in cases))
    batches = sorted({case.batch for case in cases})
    for number, batch in enumerate(batches):
        rates = [decoding(figures, system, model, batch) or 0 for system in systems]
        places = [place + _BAR * (number - (len(batches) - 1) / 2) for place in range(len(systems))]
        bars = axes.bar(places, rates, _BAR, label=f"batch {batch}")
        axes.bar_label(bars, [f"{rate:.0f}" if rate else "" for rate in rates], fontsize=9)
    axes.set_xticks(range(len(systems)), [system.replace(" ", "\n", 1) for system in systems])
    axes.set_title(f"Decoding, {model}")
    axes.set_ylabel("tokens/s, all rows together")
    axes.margins(y=0.1)
    axes.legend()


def _batches(axes: Axes, figures: Figures) -> None:
    found = _steps(figures)
    short = min((length for _, _, length in found), default=0)
    for model in dict.fromkeys(model for model, _, _ in found):
        curve = sorted((b, step) for (m, b, n), step in found.items() if (m, n) == (model, short))
        axes.plot(*zip(*curve, strict=True), marker="o", label=model)
    axes.set_xscale("log", base=2)
    axes.set_title(f"By batch, {short} new tokens")
    axes.set_xlabel("rows")
    _finish(axes, sorted({batch for _, batch, _ in found}))


def _lengths(axes: Axes, figures: Figures) -> None:
    found = _steps(figures)
    short = min((length for _, _, length in found), default=0)
    for model, batch in dict.fromkeys((m, b) for m, b, n in found if n > short):
        curve = sorted((n, step) for (m, b, n), step in found.items() if (m, b) == (model, batch))
        axes.plot(*zip(*curve, strict=True), marker="o", label=f"{model}, batch {batch}")
    axes.set_xscale("log", base=2)
    axes.set_title("By length")
    axes.set_xlabel("new tokens a row (mean over the whole text)")
    _finish(axes, sorted({length for _, _, length in found}))


def _sizes(axes: Axes, figures: Figures) -> None:
    """Steps of one row, beside the time that reading all weights once takes."""
    found = _steps(figures)
    short = min((length for _, _, length in found), default=0)
    weights = {case.model: figures.median(f.WEIGHTS, case) for case in figures.cases(f.WEIGHTS)}
    points = sorted(
        (size / 1e6, found[model, 1, short], 1e3 / rate)
        for model, size in weights.items()
        if size and (rate := bound(figures, model)) and (model, 1, short) in found
    )
    sizes = [size for size, _, _ in points]
    axes.plot(sizes, [step for _, step, _ in points], marker="o", label="measured")
    axes.plot(sizes, [least for _, _, least in points], "--", label="memory reads all weights once")
    axes.set_xscale("log")
    axes.set_title(f"By size of the model, one row, {short} new tokens")
    axes.set_xlabel("int8 weights, MB")
    _finish(axes, sizes)


def _steps(figures: Figures) -> dict[tuple[str, int, int], float]:
    """The steps, with gaps instead of noise, which a logarithmic axis cannot show."""
    return {case: math.nan if is_noise(step) else step for case, step in steps(figures).items()}


def _finish(axes: Axes, ticks: list[float]) -> None:
    """What the curves have in common."""
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter

    if not axes.dataLim.y1 > 0:  # a logarithmic axis cannot be empty
        return
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("ms a step")
    axes.grid(alpha=0.3)
    axes.set_ylim(top=3 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper left", ncols=2)
