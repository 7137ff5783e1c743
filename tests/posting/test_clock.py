"""Moments in UTC, whatever the machine's time zone."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from gpt2bot.posting.clock import (
    DAY,
    HOUR,
    MINUTE,
    duration,
    iso,
    start_of_day,
    start_of_month,
    start_of_next_month,
    utc,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, params=["Pacific/Kiritimati", "America/Los_Angeles"])
def far_away(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


def moment(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def midnight(day: str) -> float:
    return moment(f"{day}T00:00:00")


def test_how_they_are_shown() -> None:
    assert utc(1_764_076_807.9) == "2025-11-25 13:20:07 UTC"
    assert iso(1_764_076_807.9) == "2025-11-25T13:20:07Z"


@pytest.mark.parametrize(
    ("now", "day", "month", "next_month"),
    [
        ("2026-11-25T13:20:07", "2026-11-25", "2026-11-01", "2026-12-01"),
        ("2026-12-31T23:59:59", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("2028-02-29T00:00:00", "2028-02-29", "2028-02-01", "2028-03-01"),
    ],
)
def test_starts(now: str, day: str, month: str, next_month: str) -> None:
    assert start_of_day(moment(now)) == midnight(day)
    assert start_of_month(moment(now)) == midnight(month)
    assert start_of_next_month(moment(now)) == midnight(next_month)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (0.6, "1 second"),
        (-61, "61 seconds"),
        (4 * MINUTE, "4 minutes"),
        (-HOUR, "60 minutes"),
        (90 * MINUTE, "90 minutes"),
        (5 * HOUR + 20 * MINUTE, "5 hours"),
        (DAY, "24 hours"),
        (-3 * DAY, "3 days"),
        (13_140_000 * MINUTE, "9125 days"),
    ],
)
def test_how_long_something_is(seconds: float, text: str) -> None:
    assert duration(seconds) == text
