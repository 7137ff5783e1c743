"""The history of the runs: when each began, how it ended, and what the filter rejected.

It holds every run that got the lock and opened the outbox. A run without an end is still in
progress, or was killed, or the machine went down.
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
        """Counts a candidate and the rules that it breaks."""
        self.drafted += 1
        self.rejected += bool(broken)
        self.rules.update(set(broken))


@dataclass(frozen=True)
class Run:
    """A run in the history.

    Attributes:
        started_at: When it began.
        ended_at: When it ended; None if it is in progress or was killed.
        exit_code: Its exit code; None if it is in progress or was killed.
        message: Why it did not post; empty if it did.
    """

    started_at: float
    ended_at: float | None
    exit_code: int | None
    message: str


@contextlib.contextmanager
def recorded(database: Database, clock: Callable[[], float]) -> Iterator[FilterStatistics]:
    """Records that a run begins, and how it ends.

    Args:
        database: The bot's database.
        clock: Returns the seconds since 1970.

    Yields:
        The statistics in which the run counts its candidates.

    Raises:
        StateError: The beginning of the run cannot be written.
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
            # A failure here is ignored: the outcome of the tweet is recorded elsewhere.
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
    """The combined statistics of all runs that began since then."""
    total = FilterStatistics()
    query = "SELECT drafted, rejected, rules FROM runs WHERE started_at >= ?"
    for row in database.read(query, since):
        total.drafted += row["drafted"]
        total.rejected += row["rejected"]
        total.rules.update(json.loads(row["rules"]))
    return total


def _outcome(error: BaseException) -> tuple[int, str]:
    """The exit code and the message of a run that ends with this error."""
    if isinstance(error, GPT2BotError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted"
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code, "stopped"
    return 1, f"a bug in gpt2bot: {type(error).__name__}"
