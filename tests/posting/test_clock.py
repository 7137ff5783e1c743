"""Moments: shown in local time to people and in UTC to programs; days and months are UTC's."""

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
    local,
    start_of_day,
    start_of_month,
    start_of_next_month,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"  # as POSIX writes it, which needs no data on zones


@pytest.fixture
def be_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this process into a time zone."""
    with monkeypatch.context() as patch:

        def move(zone: str) -> None:
            patch.setenv("TZ", zone)
            time.tzset()

        yield move
    time.tzset()


def moment(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def midnight(day: str) -> float:
    return moment(f"{day}T00:00:00")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC0", "2026-11-25 13:20:07 UTC"),
        ("GMT0BST,M3.5.0/1,M10.5.0", "2026-11-25 13:20:07 GMT"),
        (BERLIN, "2026-11-25 14:20:07 CET"),
        ("EST5EDT,M3.2.0,M11.1.0", "2026-11-25 08:20:07 EST"),
        ("<+0545>-5:45", "2026-11-25 19:05:07 +05:45"),
        ("<-03>3", "2026-11-25 10:20:07 -03:00"),
        ("<+01>-1", "2026-11-25 14:20:07 +01:00"),
        ("<-00>0", "2026-11-25 13:20:07 +00:00"),
        ("", "2026-11-25 13:20:07 UTC"),
    ],
)
def test_people_are_shown_local_time_with_its_zone(
    zone: str, shown: str, be_in: Callable[[str], None]
) -> None:
    be_in(zone)
    assert local(moment("2026-11-25T13:20:07") + 0.9) == shown


def test_the_hour_that_comes_twice_has_two_names(be_in: Callable[[str], None]) -> None:
    be_in(BERLIN)
    assert local(moment("2026-10-25T00:30:00")) == "2026-10-25 02:30:00 CEST"
    assert local(moment("2026-10-25T01:30:00")) == "2026-10-25 02:30:00 CET"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "CET", "Nowhere/Atall", "nonsense"])
def test_a_zone_that_the_system_does_not_know_is_not_named(
    zone: str, be_in: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZDIR", str(tmp_path))
    be_in(zone)
    assert local(moment("2026-11-25T13:20:07")) == "2026-11-25 13:20:07 +00:00"


def test_programs_are_shown_utc() -> None:
    assert iso(moment("2026-11-25T13:20:07") + 0.9) == "2026-11-25T13:20:07Z"


@pytest.mark.parametrize("zone", ["<+14>-14", "PST8PDT,M3.2.0,M11.1.0"])
@pytest.mark.parametrize(
    ("now", "day", "month", "next_month"),
    [
        ("2026-11-25T13:20:07", "2026-11-25", "2026-11-01", "2026-12-01"),
        ("2026-12-31T23:59:59", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("2028-02-29T00:00:00", "2028-02-29", "2028-02-01", "2028-03-01"),
    ],
)
def test_days_and_months_are_those_of_utc(
    now: str, day: str, month: str, next_month: str, *, zone: str, be_in: Callable[[str], None]
) -> None:
    be_in(zone)
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
