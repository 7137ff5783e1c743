"""Writes the report in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from benchmarks import figures as f
from benchmarks.derived import bound, is_noise, rate, steps
from benchmarks.figures import OWN, Case, Figures, Results
from benchmarks.targets import targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"
PLOT = "results.png"
_ALTERNATIVE = "Systems side by side, and the cost of a step by batch, length and size"
_NOTHING = "-"
_NOISE = "noise"

_T = TypeVar("_T")


def report(results: Results) -> str:
    """The results as Markdown, with headings of the second level and below."""
    figures = results.figures
    parts = [
        _section("Machine", [_machine(results)]),
        _section("Targets", [_targets(figures)]),
        *(
            _section(f"{model} side by side", [_comparison(figures, model)])
            for model in _unique(model for _, model in _compared(figures))
        ),
        _section("Commands", [_commands(figures)]),
        _section("Cost of a step", [*_growth(figures), f"![{_ALTERNATIVE}]({PLOT})"]),
    ]
    if results.notes:
        parts.append(_section("Left out", ["\n".join(f"- {note}" for note in results.notes)]))
    return "\n".join(parts)


def put_into(readme: Path, text: str) -> None:
    """Replaces the text between the two marks in a file."""
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{readme} has no place for the results")
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _machine(results: Results) -> str:
    bandwidth = {
        f"memory bandwidth, {_count(case.threads, 'thread')}": _number(
            results.figures.median(f.BANDWIDTH, case), 1e-9, " GB/s"
        )
        for case in results.figures.cases(f.BANDWIDTH)
    }
    facts = results.machine | bandwidth | results.versions
    return _table(["", ""], [[name, value] for name, value in facts.items()])


def _targets(figures: Figures) -> str:
    rows = [[t.what, t.wanted, t.measured, t.verdict] for t in targets(figures)]
    return _table(["what", "target", "measured", ""], rows)


def _comparison(figures: Figures, model: str) -> str:
    """One row per system, with a column of decoding for each batch and number of threads."""
    runs = sorted(
        _unique((c.batch, c.threads) for c in figures.cases(f.DECODE, lambda c: c.model == model))
    )
    header = [
        "",
        "start-up",
        "first token",
        *(f"batch {batch}, {_count(threads, 'thread')}" for batch, threads in runs),
        "whole process",
        "peak memory",
        "anonymous",
    ]
    rows = [_system(figures, system, model, runs) for system, m in _compared(figures) if m == model]
    return _table(header, rows)


def _system(
    figures: Figures, system: str, model: str, runs: Sequence[tuple[int, int]]
) -> list[str]:
    """A system's row. Start-up and first token are those with the most threads."""
    turns = {
        (case.batch, case.threads): case
        for case in figures.cases(f.DECODE, lambda c: (c.system, c.model) == (system, model))
    }
    threads = max((threads for _, threads in runs), default=0)
    startup, whole = Case(system, model, threads), Case(system, model)
    return [
        system,
        _number(figures.median(f.STARTUP, startup), 1, " s", digits=2),
        _number(figures.median(f.FIRST, turns.get((1, threads), Case())), 1e3, " ms"),
        *(_rate(figures, turns.get(run)) for run in runs),
        _number(figures.median(f.COLD, whole), 1, " s", digits=2),
        _number(figures.median(f.PEAK, whole), 1e-6, " MB"),
        _number(figures.median(f.ANONYMOUS, whole), 1e-6, " MB"),
    ]


def _compared(figures: Figures) -> list[tuple[str, str]]:
    """The pairs of system and model that were measured."""
    kinds = (f.COLD, f.DECODE)
    return _unique((case.system, case.model) for kind in kinds for case in figures.cases(kind))


def _commands(figures: Figures) -> str:
    rows = [
        ["`gpt2bot --help`", _number(figures.median(f.HELP), 1, " s", digits=2), _NOTHING],
        [
            "bare `import tensorflow`",
            _number(figures.median(f.IMPORT), 1, " s", digits=2),
            _NOTHING,
        ],
        *(
            [
                f"`gpt2bot compile {case.model}`",
                _number(figures.median(f.COMPILE, case), 1, " s"),
                _number(figures.median(f.COMPILE_PEAK, case), 1e-6, " MB"),
            ]
            for case in figures.cases(f.COMPILE)
        ),
    ]
    return _table(["", "time", "peak memory"], rows)


def _growth(figures: Figures) -> Iterable[str]:
    """Three tables of milliseconds per step: by batch, by length, and by size of the model."""
    found = steps(figures)
    models = _unique(model for model, _, _ in found)
    batches = sorted({batch for _, batch, _ in found})
    lengths = sorted({length for _, _, length in found})
    short = lengths[0] if lengths else 0
    yield f"Milliseconds a step of the whole batch, {OWN}, {short} new tokens a row:"
    yield _table(
        ["", *(_count(batch, "row") for batch in batches)],
        [[m, *(_step(found.get((m, b, short))) for b in batches)] for m in models],
    )
    yield "The same for longer texts, each the mean over the whole text:"
    yield _table(
        ["", *(f"{length} tokens" for length in lengths)],
        [
            [f"{m}, {_count(b, 'row')}", *(_step(found.get((m, b, n))) for n in lengths)]
            for m, b in _unique((m, b) for m, b, n in found if n > short)
        ],
    )
    yield "A step of one row by size, and the time in which memory can deliver all weights once:"
    yield _table(
        ["", "int8 weights", "a step", "memory", "share"],
        [
            _size(figures, model, found[model, 1, short])
            for model in models
            if (model, 1, short) in found
        ],
    )


def _size(figures: Figures, model: str, step: float) -> list[str]:
    fastest = bound(figures, model)
    least = None if fastest is None else 1e3 / fastest
    return [
        model,
        _number(figures.median(f.WEIGHTS, Case(OWN, model)), 1e-6, " MB"),
        _step(step),
        _step(least),
        _NOTHING if least is None or is_noise(step) else f"{least / step:.0%}",
    ]


def _section(title: str, blocks: Iterable[str]) -> str:
    return "\n\n".join([f"## {title}", *blocks]) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _step(milliseconds: float | None) -> str:
    if milliseconds is not None and is_noise(milliseconds):
        return _NOISE
    return _number(milliseconds, 1, "", digits=2)


def _rate(figures: Figures, case: Case | None) -> str:
    if case is None:
        return _NOTHING
    found = rate(figures, case)
    return _NOISE if found is None else _number(found, 1, " tok/s")


def _number(value: float | None, factor: float, unit: str, *, digits: int = 0) -> str:
    return _NOTHING if value is None else f"{value * factor:.{digits}f}{unit}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _unique(values: Iterable[_T]) -> list[_T]:
    return list(dict.fromkeys(values))
