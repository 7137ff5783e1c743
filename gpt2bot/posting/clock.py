"""Times, in seconds since 1970: how they are shown, and when days and months begin.

People see local time, as in cron; programs see UTC. Days and months are those of UTC.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "duration",
    "iso",
    "local",
    "start_of_day",
    "start_of_month",
    "start_of_next_month",
]

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = (("day", DAY), ("hour", HOUR), ("minute", MINUTE))
ZONE = re.compile(r"[A-Z]{3,5}")
AT_GREENWICH = ("UTC", "GMT", "WET")


def local(moment: float) -> str:
    """For people: `2026-11-25 14:20:07 CET`, in the time zone of the system or of the variable TZ.

    A zone whose abbreviation is not made of letters is shown as an offset: `+05:45`. So is a zone
    that the system does not know: it then uses UTC under that name.
    """
    when = _datetime(moment).astimezone()
    zone, offset = f"{when:%Z}", f"{when:%z}"
    is_named = bool(ZONE.fullmatch(zone)) and (bool(when.utcoffset()) or zone in AT_GREENWICH)
    return f"{when:%Y-%m-%d %H:%M:%S} {zone if is_named else f'{offset[:3]}:{offset[3:5]}'}"


def iso(moment: float) -> str:
    """For programs: `2026-11-25T13:20:07Z` (ISO 8601)."""
    return f"{_datetime(moment):%Y-%m-%dT%H:%M:%S}Z"


def duration(seconds: float) -> str:
    """For people, without the sign: `3 days`, `90 minutes`, `1 second`.

    Uses the largest unit of which there are at least two, so that rounding hides little.
    """
    length = abs(seconds)
    unit, size = next((u for u in UNITS if length >= 2 * u[1]), ("second", 1.0))
    number = round(length / size)
    return f"{number} {unit}{'' if number == 1 else 's'}"


def start_of_day(moment: float) -> float:
    """When the day of this moment began."""
    return moment - moment % DAY


def start_of_month(moment: float) -> float:
    """When the calendar month of this moment began."""
    return start_of_day(_datetime(moment).replace(day=1).timestamp())


def start_of_next_month(moment: float) -> float:
    """When the next calendar month begins."""
    month = timedelta(days=31)  # from the first of any month into the next one
    return start_of_month((_datetime(start_of_month(moment)) + month).timestamp())


def _datetime(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=timezone.utc)
