"""The run history of the runs: when each began, how it ended, and what the filter rejected in it.

It holds every run that came to have the lock and the outbox. One that has no end was killed, or
the machine went off; or it is at work.
"""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpt2bot.errors import GPT2BotError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from gpt2bot.posting.database import Database

__all__ = ["FilterStatistics", "Run", "recent_runs", "recorded", "statistics_since"]


KEPT = 10_000  # years of posting, or a week of a job that runs every minute by mistake


@dataclass
class FilterStatistics:
    """What was drafted, and what the filter found in it.

    Attributes:
        drafted: Candidates that the filter judged.
        rejected: Those that broke a rule.
        rules: How many of them broke each rule.
    """

    drafted: int = 0
    rejected: int = 0
    rules: Counter[str] = field(default_factory=Counter)

    def count(self, broken: Collection[str]) -> None:
        """Takes in a candidate, by the rules that it breaks."""
        self.drafted += 1
        self.rejected += bool(broken)
        self.rules.update(set(broken))


@dataclass(frozen=True)
class Run:
    """A run, as the run history has it.

    Attributes:
        started_at: When it began.
        ended_at: When it ended; None if it did not, or was killed.
        exit_code: What it ended with; None as above.
        message: Why it did not post; empty if it did.
    """

    started_at: float
    ended_at: float | None
    exit_code: int | None
    message: str


@contextlib.contextmanager
def recorded(database: Database, clock: Callable[[], float]) -> Iterator[FilterStatistics]:
    """Writes down that a run begins, and how it ends.

    Args:
        database: The bot's memory.
        clock: Gives the seconds since 1970.

    Yields:
        What the run counts its candidates in.

    Raises:
        StateError: That it begins cannot be written.
    """
    with database.transaction() as db:
        number = db.execute("INSERT INTO runs (started_at) VALUES (?)", (clock(),)).lastrowid
        db.execute("DELETE FROM runs WHERE id <= ? - ?", (number, KEPT))
    statistics = FilterStatistics()
    exit_code, message = 0, ""
    try:
        yield statistics
    except BaseException as error:
        exit_code, message = _outcome(error)
        raise
    finally:
        rules = json.dumps(statistics.rules)
        with contextlib.suppress(StateError), database.transaction() as db:
            # What became of the tweet is written down elsewhere, and counts for more than this.
            db.execute(
                "UPDATE runs SET ended_at = ?, exit_code = ?, message = ?,"
                " drafted = ?, rejected = ?, rules = ? WHERE id = ?",
                (
                    clock(),
                    exit_code,
                    message,
                    statistics.drafted,
                    statistics.rejected,
                    rules,
                    number,
                ),
            )


def recent_runs(database: Database, limit: int) -> list[Run]:
    """The last runs, the newest first."""
    query = "SELECT started_at, ended_at, exit_code, message FROM runs ORDER BY id DESC LIMIT ?"
    return [Run(**dict(row)) for row in database.read(query, limit)]


def statistics_since(database: Database, since: float) -> FilterStatistics:
    """What all runs together drafted that began since then."""
    total = FilterStatistics()
    query = "SELECT drafted, rejected, rules FROM runs WHERE started_at >= ?"
    for row in database.read(query, since):
        total.drafted += row["drafted"]
        total.rejected += row["rejected"]
        total.rules.update(json.loads(row["rules"]))
    return total


def _outcome(error: BaseException) -> tuple[int, str]:
    """The exit code of a run that ends so, and what is said of it."""
    if isinstance(error, GPT2BotError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted"
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code, "stopped"
    return 1, f"a mistake in this program: {type(error).__name__}"
