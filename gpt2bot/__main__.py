"""The command `gpt2bot`, and `python -m gpt2bot`. Handles Ctrl-C before importing anything else."""

import sys

from gpt2bot.cli import signals


def main() -> int:
    """Runs the command line of this process, and returns its exit code."""
    signals.end_at_once()
    from gpt2bot.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
