"""How a bot is doing, read from its memory: nothing is changed, and X is not asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.posting.clock import start_of_month
from gpt2bot.posting.limits import Cooldown, Limits, Usage, cooldown, usage
from gpt2bot.posting.outbox import PENDING, Entry, Outbox, State
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
        runs: The last ones, the newest first.
        last: The tweet that was posted last.
        pending: The tweets that are not at their end, the oldest first.
        usage: How many posts went out.
        limits: What the owner allows.
        cooldown: What keeps the next post back.
        statistics: What was drafted this month, and why it was rejected.
    """

    folder: Path
    runs: list[Run]
    last: Entry | None
    pending: list[Entry]
    usage: Usage
    limits: Limits
    cooldown: Cooldown | None
    statistics: FilterStatistics

    @property
    def cost_today(self) -> float:
        """What the posts since midnight cost, in US dollars."""
        return self.usage.today * self.limits.price_per_post_usd

    @property
    def cost_this_month(self) -> float:
        """What the posts of this calendar month cost, in US dollars."""
        return self.usage.this_month * self.limits.price_per_post_usd


def read_status(folder: Path, limits: Limits, now: float) -> Status:
    """Reads how the bot is doing whose state folder this is; there need not be one yet.

    Raises:
        StateError: Its memory cannot be read.
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
            statistics=statistics_since(outbox, start_of_month(now)),
        )


def read_history(folder: Path, limit: int) -> list[Entry]:
    """Reads the newest tweets of a bot, whatever became of them, the newest first.

    Raises:
        StateError: Its memory cannot be read.
    """
    with Outbox(folder, create=False) as outbox:
        return outbox.newest(limit, *State)
