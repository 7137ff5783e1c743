"""The command line of the soak test."""

from __future__ import annotations

import argparse
import sys

from tests.soak.soak import Soak


def main() -> int:
    """Runs the soak test. The exit code is 1 if any rule was broken."""
    parser = argparse.ArgumentParser("python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=2000, help="approximate number of processes: %(default)s"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of all random choices: %(default)s"
    )
    options = parser.parse_args()
    figures = Soak(options.seed, _say).run(options.runs)
    print(figures)
    return bool(figures.violations)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
