"""When the next post may go out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import LimitError
from gpt2bot.posting.clock import DAY, MINUTE, local
from gpt2bot.posting.limits import Limits, Usage, check_limits, cooldown, usage
from gpt2bot.posting.outbox import Outbox, State
from gpt2bot.posting.refusals import Refusal, Request
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from collections.abc import Callable

HOUR = 60 * MINUTE
FREE = Limits(
    max_posts_per_day=1000,
    min_minutes_between_posts=0,
    monthly_budget_usd=1000,
    price_per_post_usd=0.015,
)


def moment(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


NOW = moment("2026-11-25T13:20:07")


def limited(**values: float) -> Limits:
    return Limits(**{**vars(FREE), **values})


@pytest.fixture
def sent(outbox: Outbox) -> Callable[..., None]:
    """Puts tweets into the outbox that were sent at these times."""

    def put(*times: float, state: State = State.POSTED, not_before: float | None = None) -> None:
        for at in times:
            entry = outbox.add(Tweet("Some.", "#GPT2", ""), model="demo", seed=1, now=at)
            entry = outbox.begin(entry, account="1", now=at)
            if state is not State.POSTING:
                tweet_id = str(entry.id) if state is State.POSTED else None
                refusal = Refusal(Request.POST, at, not_before, 0, "so") if not_before else None
                outbox.finish(entry, state, now=at, tweet_id=tweet_id, refusal=refusal)

    return put


def until(outbox: Outbox, limits: Limits, now: float = NOW) -> float | None:
    found = cooldown(outbox, limits, now)
    return found and found.until


def test_an_empty_bot_may_post(outbox: Outbox) -> None:
    strict = limited(max_posts_per_day=1, min_minutes_between_posts=600, monthly_budget_usd=0.015)
    check_limits(outbox, strict, NOW)


def test_posts_a_day_are_those_of_any_24_hours(outbox: Outbox, sent: Any) -> None:
    sent(NOW - 25 * HOUR, NOW - 23 * HOUR, NOW - 2 * HOUR)
    assert until(outbox, limited(max_posts_per_day=3)) is None
    end = moment("2026-11-25T14:20:00")  # a day after the first of the two
    assert until(outbox, limited(max_posts_per_day=2)) == end
    assert until(outbox, limited(max_posts_per_day=2), end) is None
    assert until(outbox, limited(max_posts_per_day=1)) == moment("2026-11-26T11:20:00")


def test_posts_of_yesterday_count_on_the_first_of_a_month(outbox: Outbox, sent: Any) -> None:
    sent(moment("2026-10-31T23:00:00"))
    morning = moment("2026-11-01T09:00:00")
    assert until(outbox, limited(max_posts_per_day=1), morning) == moment("2026-11-01T23:00:00")


def test_minutes_between_posts(outbox: Outbox, sent: Any) -> None:
    sent(moment("2026-11-25T12:20:55"))
    assert until(outbox, limited(min_minutes_between_posts=61)) == moment("2026-11-25T13:21:00")
    assert until(outbox, limited(min_minutes_between_posts=60)) is None, "cron counts no seconds"
    assert until(outbox, limited(min_minutes_between_posts=0)) is None


def test_a_pause_of_days_goes_on_in_the_next_month(outbox: Outbox, sent: Any) -> None:
    sent(moment("2026-10-28T12:00:00"))
    weekly = limited(min_minutes_between_posts=7 * 24 * 60)
    assert until(outbox, weekly, moment("2026-11-03T12:00:00")) == moment("2026-11-04T12:00:00")


def test_no_pause_is_none_even_if_the_clock_was_set_back(outbox: Outbox, sent: Any) -> None:
    sent(NOW + 4 * MINUTE)
    assert until(outbox, limited(min_minutes_between_posts=0)) is None
    assert until(outbox, limited(min_minutes_between_posts=1)) == moment("2026-11-25T13:25:00")


def test_the_budget_is_that_of_a_calendar_month(outbox: Outbox, sent: Any) -> None:
    sent(moment("2026-10-31T23:59:59"), *[NOW - 2 * DAY - n * HOUR for n in range(100)])
    assert until(outbox, limited(monthly_budget_usd=1.515)) is None, "it pays for 101"
    assert until(outbox, limited(monthly_budget_usd=1.514)) == moment("2026-12-01T00:00:00")
    assert until(outbox, limited(monthly_budget_usd=0.1, price_per_post_usd=0)) is None
    december = moment("2026-12-01T00:00:01")
    assert until(outbox, limited(monthly_budget_usd=1.5), december) is None


def test_dollars_are_counted_in_whole_posts() -> None:
    """3 * 0.1 is more than 0.3 for a computer."""
    assert limited(monthly_budget_usd=0.3, price_per_post_usd=0.1).pays_for(3)
    assert not limited(monthly_budget_usd=0.299, price_per_post_usd=0.1).pays_for(3)


@pytest.mark.parametrize(
    ("state", "counts"),
    [
        (State.POSTED, True),
        (State.UNKNOWN, True),
        (State.POSTING, True),
        (State.REFUSED, False),
        (State.READY, False),
    ],
)
def test_what_x_may_have_taken_counts(
    outbox: Outbox, sent: Any, state: State, counts: bool
) -> None:
    sent(NOW - HOUR, state=state)
    assert (until(outbox, limited(max_posts_per_day=1)) is not None) is counts
    assert usage(outbox, NOW) == Usage(counts, counts, counts)


def test_what_x_told_holds_until_its_time(outbox: Outbox, sent: Any) -> None:
    sent(NOW - MINUTE, state=State.READY, not_before=NOW + 10 * MINUTE)
    assert until(outbox, FREE) == NOW + 10 * MINUTE
    assert until(outbox, FREE, NOW + 10 * MINUTE) is None


def test_the_last_barrier_to_fall_is_told(outbox: Outbox, sent: Any) -> None:
    sent(NOW - MINUTE)
    both = limited(max_posts_per_day=1, min_minutes_between_posts=30)
    when = re.escape(local(moment("2026-11-26T13:19:00")))
    with pytest.raises(LimitError, match=rf"from {when}, because .*day is 1"):
        check_limits(outbox, both, NOW)


def test_a_clock_that_was_wrong_blocks_nothing(outbox: Outbox, sent: Any) -> None:
    """It was a year ahead when these were sent."""
    sent(NOW + 365 * DAY)
    sent(NOW + 365 * DAY, state=State.READY, not_before=NOW + 365 * DAY)
    strict = limited(max_posts_per_day=1, min_minutes_between_posts=60, monthly_budget_usd=0.015)
    assert until(outbox, strict) is None
    sent(NOW + 5 * MINUTE)
    assert until(outbox, strict) is not None, "but a small error does"


def test_usage(outbox: Outbox, sent: Any) -> None:
    sent(moment("2026-10-31T12:00:00"), NOW - 20 * DAY, NOW - 14 * HOUR, NOW - HOUR)
    assert usage(outbox, NOW) == Usage(today=1, last_24_hours=2, this_month=3)
