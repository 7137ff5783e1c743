"""How a bot is doing, read from its database. Changes nothing, and sends nothing to X."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.posting.clock import local, start_of_month
from gpt2bot.posting.limits import Cooldown, Limits, Usage, cooldown, usage
from gpt2bot.posting.outbox import OPEN, PENDING, Entry, Outbox, State
from gpt2bot.posting.reconcile import how_to_decide
from gpt2bot.posting.refusals import Refusal, Request, last_refusal
from gpt2bot.posting.runs import FilterStatistics, Run, recent_runs, statistics_since

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Status", "read_history", "read_status"]

RUNS = 5


@dataclass(frozen=True)
class Status:
    """How a bot is doing.

    Attributes:
        folder: Its state folder.
        runs: The last runs, the newest first.
        last: The tweet that was posted last.
        pending: The unfinished tweets, the oldest first.
        usage: How many posts went out.
        limits: What the owner allows.
        cooldown: Which limit delays the next post; None if none does.
        reading: The last refusal to let the bot read the account's posts.
        statistics: What was drafted this month, and why it was rejected.
        now: When all this was read.
    """

    folder: Path
    runs: list[Run]
    last: Entry | None
    pending: list[Entry]
    usage: Usage
    limits: Limits
    cooldown: Cooldown | None
    reading: Refusal | None
    statistics: FilterStatistics
    now: float

    @property
    def undecided(self) -> Entry | None:
        """The tweet with an unknown outcome, if any; until it is known, nothing is posted."""
        return next((entry for entry in self.pending if entry.state in OPEN), None)

    @property
    def is_stuck(self) -> bool:
        """Whether only the owner can find out what became of that tweet."""
        entry, reading = self.undecided, self.reading
        return bool(
            (entry and reading)
            and reading.until is None
            and reading.told_at >= (entry.attempted_at or 0)
        )

    @property
    def obstacle(self) -> str | None:
        """What must happen before anything is posted; None if nothing needs to."""
        entry, reading = self.undecided, self.reading
        if entry is None:
            return None
        what = f"what became of tweet {entry.id} is not known"
        if reading and self.is_stuck:
            advice = how_to_decide(entry)
            return f"{what}, and the account's posts cannot be read: {reading.reason}; {advice}"
        if reading and reading.until and reading.holds(self.now):
            return (
                f"{what}, and no request is sent to X before {local(reading.until)}, because"
                f" {reading.reason}"
            )
        return f"{what}: the next run looks for it on the account"

    @property
    def next_post(self) -> list[str]:
        """When the next post may go out, by the limits, and what must happen before."""
        told = [f"must wait, because {self.obstacle}"] if self.obstacle else []
        if self.cooldown or not told:
            told.insert(0, f"may go out {self.cooldown or 'now'}")
        return told

    @property
    def cost_today(self) -> float:
        """What the posts since midnight cost, in US dollars."""
        return self.usage.today * self.limits.price_per_post_usd

    @property
    def cost_this_month(self) -> float:
        """What the posts of this calendar month cost, in US dollars."""
        return self.usage.this_month * self.limits.price_per_post_usd


def read_status(folder: Path, limits: Limits, now: float) -> Status:
    """Reads how the bot with this state folder is doing; the folder need not exist yet.

    Raises:
        StateError: Its database cannot be read.
    """
    with Outbox(folder, create=False) as outbox:
        return Status(
            folder=folder,
            runs=recent_runs(outbox, RUNS),
            last=next(iter(outbox.newest(1, State.POSTED)), None),
            pending=outbox.entries(*PENDING),
            usage=usage(outbox, now),
            limits=limits,
            cooldown=cooldown(outbox, limits, now),
            reading=last_refusal(outbox, Request.READ, now),
            statistics=statistics_since(outbox, start_of_month(now)),
            now=now,
        )


def read_history(folder: Path, limit: int) -> list[Entry]:
    """Reads the newest tweets of a bot, in any state, the newest first.

    Raises:
        StateError: Its database cannot be read.
    """
    with Outbox(folder, create=False) as outbox:
        return outbox.newest(limit, *State)
