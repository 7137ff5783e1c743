"""When the next post may go out, given X's last answer and the limits that the owner sets.

The limits are checked before anything is drafted or sent, so that a mistake in a crontab can
neither use up the credits nor flood the followers. An attempt counts as a post unless X is known to
have refused it. Times are rounded down to the minute, as in cron: an hourly job is not held up
because it once started a second late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from gpt2bot.errors import LimitError
from gpt2bot.posting.clock import (
    DAY,
    MINUTE,
    local,
    start_of_day,
    start_of_month,
    start_of_next_month,
)
from gpt2bot.posting.refusals import AHEAD, Request, last_refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt2bot.posting.outbox import Outbox

__all__ = ["Cooldown", "Limits", "Usage", "check_limits", "cooldown", "usage"]


@dataclass(frozen=True)
class Limits:
    """What the owner allows, so that a mistake in a crontab does no harm.

    Attributes:
        max_posts_per_day: The maximum number of tweets posted in any 24 hours.
        min_minutes_between_posts: The minimum number of minutes between two tweets; at most 525600,
            a year.
        monthly_budget_usd: The maximum cost of all posts in a calendar month (UTC), in US dollars.
        price_per_post_usd: The price that X charges for a post, in US dollars; see its developer
            console.

    Raises:
        ValueError: The budget does not pay for a single post.
    """

    max_posts_per_day: Annotated[int, Ge(1)] = 25
    min_minutes_between_posts: Annotated[float, Ge(0), Le(525_600)] = 10.0
    monthly_budget_usd: Annotated[float, Ge(0)] = 5.0
    price_per_post_usd: Annotated[float, Ge(0)] = 0.015

    def __post_init__(self) -> None:
        if not self.pays_for(1):
            raise ValueError("monthly_budget_usd must pay for at least one post")

    def pays_for(self, posts: int) -> bool:
        """Whether the monthly budget is enough for this many posts."""
        rounding = 1e-9  # in floating point, 3 * 0.1 is more than 0.3
        return posts * self.price_per_post_usd <= self.monthly_budget_usd + rounding


@dataclass(frozen=True)
class Usage:
    """How many posts went out: since midnight, in the last 24 hours, and this calendar month."""

    today: int
    last_24_hours: int
    this_month: int


@dataclass(frozen=True)
class Cooldown:
    """What delays the next post.

    Attributes:
        until: When it ends.
        reason: Which limit it is.
    """

    until: float
    reason: str

    def __str__(self) -> str:
        return f"from {local(self.until)}, because {self.reason}"


def check_limits(outbox: Outbox, limits: Limits, now: float) -> None:
    """Checks that a post may go out now.

    Raises:
        LimitError: No post may go out yet; the message says why, and from when.
    """
    if found := cooldown(outbox, limits, now):
        raise LimitError(f"nothing was posted: the next post may go out {found}")


def cooldown(outbox: Outbox, limits: Limits, now: float) -> Cooldown | None:
    """What delays the next post the longest; None if it may go out."""
    pause = limits.min_minutes_between_posts * MINUTE
    times = _post_times(outbox, now, longest=max(DAY, pause))
    found = [*_told_by_x(outbox, now), *_set_by_owner(times, limits, now)]
    return max((b for b in found if b.until > now), key=lambda b: b.until, default=None)


def usage(outbox: Outbox, now: float) -> Usage:
    """How many posts went out."""
    times = _post_times(outbox, now, longest=DAY)
    starts = (start_of_day(now), now - DAY, start_of_month(now))
    return Usage(*(sum(moment >= start for moment in times) for start in starts))


def _told_by_x(outbox: Outbox, now: float) -> list[Cooldown]:
    refusal = last_refusal(outbox, Request.POST, now)
    return [Cooldown(refusal.until, refusal.reason)] if refusal and refusal.until else []


def _set_by_owner(times: Sequence[float], limits: Limits, now: float) -> list[Cooldown]:
    """The delay by each of the owner's limits, including those that are over."""
    found = []
    if len(times) >= limits.max_posts_per_day:
        until = times[-limits.max_posts_per_day] + DAY
        reason = f"limits.max_posts_per_day is {limits.max_posts_per_day}"
        found.append(Cooldown(until, reason))
    pause = limits.min_minutes_between_posts
    if times and pause:
        reason = f"limits.min_minutes_between_posts is {pause:g}"
        found.append(Cooldown(times[-1] + pause * MINUTE, reason))
    month = sum(moment >= start_of_month(now) for moment in times)
    if not limits.pays_for(month + 1):
        budget = f"limits.monthly_budget_usd is {limits.monthly_budget_usd:g}"
        reason = f"{budget}, which {month} posts have used up"
        found.append(Cooldown(start_of_next_month(now), reason))
    return found


def _post_times(outbox: Outbox, now: float, *, longest: float) -> list[float]:
    """When posts went out this month and in the last `longest` seconds, the earliest first.

    The times are rounded down to the minute.

    Args:
        outbox: The bot's outbox.
        now: The current time.
        longest: How many seconds a post counts.
    """
    since = min(start_of_month(now), now - longest - MINUTE)
    times = outbox.post_times(since)
    return [moment - moment % MINUTE for moment in times if moment <= now + AHEAD]
