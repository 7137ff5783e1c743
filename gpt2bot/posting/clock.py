"""Moments, in seconds since 1970, and how they are shown: always in UTC, as X counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

__all__ = ["DAY", "MINUTE", "iso", "start_of_day", "start_of_month", "start_of_next_month", "utc"]

MINUTE = 60.0
DAY = 24 * 60 * MINUTE


def utc(moment: float) -> str:
    """For people: `2026-11-25 13:20:07 UTC`."""
    return f"{_datetime(moment):%Y-%m-%d %H:%M:%S} UTC"


def iso(moment: float) -> str:
    """For programs: `2026-11-25T13:20:07Z` (ISO 8601)."""
    return f"{_datetime(moment):%Y-%m-%dT%H:%M:%S}Z"


def start_of_day(moment: float) -> float:
    """When its day began."""
    return moment - moment % DAY


def start_of_month(moment: float) -> float:
    """When its calendar month began."""
    return start_of_day(_datetime(moment).replace(day=1).timestamp())


def start_of_next_month(moment: float) -> float:
    """When the calendar month after it begins."""
    month = timedelta(days=31)  # from the first of any month into the next one
    return start_of_month((_datetime(start_of_month(moment)) + month).timestamp())


def _datetime(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=timezone.utc)
