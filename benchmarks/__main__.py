"""The command line of the benchmarks: see `README.md` beside this file."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from benchmarks.checkpoints import SHAPES
from benchmarks.figures import Results
from benchmarks.plot import plot
from benchmarks.report import PLOT, put_into, report
from benchmarks.session import Plan, Session
from benchmarks.systems import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

README = Path(__file__).with_name("README.md")


def main() -> None:
    """Measures, or reads earlier figures, and writes the report."""
    options = _options()
    if options.render:
        results = Results.read(options.render)
    else:
        results = Session(_plan(options), options.scratch.absolute()).run()
    out: Path = options.out or options.scratch / "results"
    out.mkdir(parents=True, exist_ok=True)
    results.write(out / "results.json")
    text = report(results)
    (out / "results.md").write_text(text, encoding="utf-8")
    plot(results.figures, out / PLOT)
    if options.readme:
        put_into(README, text)
        plot(results.figures, README.with_name(PLOT))
    print(out)


def _plan(options: argparse.Namespace) -> Plan:
    plan = Plan(options.models, options.peers, rounds=options.rounds)
    if options.quick:
        return replace(
            plan,
            with_demo=False,
            rounds=1,
            threads=(1,),
            batches=(1, 2),
            length=8,
            growth_batches=(1, 2),
            growth_lengths=(8, 16),
            repeats=1,
            megabytes=100,
        )
    return plan


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--models",
        type=_names_of(SHAPES),
        default=("124M", "774M"),
        help="random models to measure, separated by commas: %(default)s",
    )
    parser.add_argument(
        "--peers",
        type=_names_of(PEERS),
        default=tuple(PEERS),
        help="systems to compare with, separated by commas; '' for none: %(default)s",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=Plan.rounds,
        help="rounds in which each system is measured: %(default)s",
    )
    parser.add_argument("--quick", action="store_true", help="only check that everything works")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=user_cache_path("gpt2bot-benchmarks"),
        help="folder of models and environments, which later runs reuse: %(default)s",
    )
    parser.add_argument(
        "--out", type=Path, help="folder of the report: `results` in the scratch folder"
    )
    parser.add_argument("--readme", action="store_true", help="also put the report into README.md")
    parser.add_argument(
        "--render", type=Path, metavar="RESULTS.JSON", help="report on an earlier run again"
    )
    return parser.parse_args()


def _names_of(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def names(text: str) -> tuple[str, ...]:
        found = tuple(name for name in text.split(",") if name)
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"no {unknown[0]!r}: choose {', '.join(known)}")
        return found

    return names


if __name__ == "__main__":
    main()
