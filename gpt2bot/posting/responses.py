"""What each answer of X means: for the tweet, and for the owner.

An answer below 500 was decided by X, so nothing was posted. Whether the tweet or the account was at
fault decides if the tweet is tried again. Any other answer leaves open what happened.

=====================  ===================  ================  ====
answer                 error                the tweet is      exit
=====================  ===================  ================  ====
201 with an id                              posted            0
201 that says no id    OutcomeUnknownError  unknown           8
400                    RefusedError         refused           6
401                    AccountError         ready again       6
402                    LimitError           ready again       7
403 duplicate          DuplicateError       refused [#]_      6
403 about the account  AccountError         ready again       6
403 other              RefusedError         refused           6
429                    RateLimitError       ready again [#]_  7
other 4xx, but 408     AccountError         ready again       6
5xx, 408, 3xx          OutcomeUnknownError  unknown           8
=====================  ===================  ================  ====

Where no answer comes, it counts whether a byte of the tweet has left (`transport.py`):

============================================  ===================  ===========  ====
failure                                       error                the tweet is exit
============================================  ===================  ===========  ====
no name, no proxy, no connection, no TLS      NetworkError         ready again  8
no connection in time                         NetworkError         ready again  8
no answer in time                             OutcomeUnknownError  unknown      8
reset while or after the tweet is sent        OutcomeUnknownError  unknown      8
============================================  ===================  ===========  ====

.. [#] unless the account's timeline has it from an earlier attempt: then it is posted.
.. [#] and not before the time that X names is anything tried (`limits.py`).

Source: X's public documentation, 'Response codes and errors' and 'Rate limits'.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from gpt2bot.errors import (
    GPT2BotError,
    LimitError,
    NetworkError,
    OutcomeUnknownError,
    RefusedError,
)
from gpt2bot.posting.clock import MINUTE, utc

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NEXT_RUN",
    "READ_ONLY",
    "AccountError",
    "DuplicateError",
    "RateLimitError",
    "clock_error",
    "error_for",
]

NEXT_RUN = "the next run looks for the tweet on the account before it posts anything"
QUOTED = 200  # characters of X's own words that an error repeats at most
TOLERATED = 4 * MINUTE  # X takes signatures that are off by some 5 minutes
LIMITS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")


class AccountError(RefusedError):
    """X refused the account or its keys, not the tweet, which can be tried again."""


class DuplicateError(RefusedError):
    """X says that the account has posted this text already."""


class RateLimitError(LimitError):
    """The account has posted too often.

    Attributes:
        until: When that ends, in seconds since 1970; None if X does not tell.
    """

    def __init__(self, message: str, until: float | None = None) -> None:
        super().__init__(message)
        self.until = until


@dataclass(frozen=True)
class ResponseRule:
    """A row of the table: a status, perhaps with words that X's answer contains."""

    status: int
    words: tuple[str, ...]  # one of them is in the answer; the empty one is in any
    error: type[GPT2BotError]
    advice: str


ANY = ("",)
READ_ONLY = (
    "your token was made while the app was read-only: set the app to 'Read and write', make a new"
    " access token and secret, and put them into the configuration"
)
RULES = (
    ResponseRule(400, ANY, RefusedError, "X does not take this tweet, and it is not tried again"),
    ResponseRule(401, ANY, AccountError, "check the four keys of [x], and this machine's clock"),
    ResponseRule(
        402, ANY, LimitError, "buy credits or raise the spending cap in X's developer console"
    ),
    ResponseRule(403, ("duplicate",), DuplicateError, "this text is not tried again"),
    ResponseRule(403, ("permissions",), AccountError, READ_ONLY),
    ResponseRule(
        403,
        ("suspended", " locked", "client-not-enrolled"),
        AccountError,
        "log in to X and to its developer console, and see what they ask for",
    ),
    ResponseRule(403, ANY, RefusedError, "X does not take this tweet, and it is not tried again"),
    ResponseRule(429, ANY, RateLimitError, "let the bot run less often"),
)
OTHER = ResponseRule(0, ANY, AccountError, "see whether X's API has changed, and upgrade gpt2bot")
UNKNOWN = ResponseRule(0, ANY, OutcomeUnknownError, f"what it did is not known; {NEXT_RUN}")
NOT_READ = ResponseRule(0, ANY, NetworkError, "run again later")


def error_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    reading: bool = False,
    secrets: tuple[str, ...] = (),
) -> GPT2BotError:
    """The error that an answer other than a success stands for.

    Args:
        status: The HTTP status.
        headers: The HTTP headers, found whatever their case.
        body: The body, of which only `title` and `detail` are ever repeated.
        reading: Whether the request changed nothing, whatever became of it.
        secrets: What is masked, should X's words contain it.
    """
    words = _words(body)
    rule = _rule_for(status, " ".join(words.values()).casefold())
    if reading and not issubclass(rule.error, (AccountError, LimitError)):
        rule = NOT_READ if rule is UNKNOWN else OTHER
    said = _clean(
        ": ".join(filter(None, dict.fromkeys((words["title"], words["detail"])))), secrets
    )
    told = f"X answered {status}{f' ({said})' if said else ''}"
    if rule.error is RateLimitError and (until := _limit_end(headers)):
        return RateLimitError(f"{told}, until {utc(until)}: {rule.advice}", until)
    advice = (status == 401 and _clock_advice(headers)) or rule.advice
    return rule.error(f"{told}: {advice}")


def clock_error(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by which this machine's clock is ahead of X's; None if X does not tell the time."""
    try:
        return now - parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _clock_advice(headers: Mapping[str, str]) -> str:
    """What to do if a signature was refused for its time; empty if the clocks agree."""
    ahead = clock_error(headers, time.time()) or 0
    if abs(ahead) < TOLERATED:
        return ""
    wrong = f"{abs(ahead) / MINUTE:.0f} minutes {'fast' if ahead > 0 else 'slow'}"
    return f"this machine's clock is {wrong}: set it right and run again"


def _rule_for(status: int, text: str) -> ResponseRule:
    for rule in RULES:
        if rule.status == status and any(word in text for word in rule.words):
            return rule
    return OTHER if 400 <= status < 500 and status != 408 else UNKNOWN


def _words(body: bytes) -> dict[str, str]:
    """The texts of an answer that name its problem; empty where it has none."""
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    names = ("title", "detail", "type", "reason")
    return {name: v if isinstance(v := problem.get(name), str) else "" for name in names}


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    """On one line, cut, and without secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= QUOTED else f"{line[:QUOTED]}..."


def _limit_end(headers: Mapping[str, str]) -> int | None:
    """When the limits end that are used up; None if X does not tell."""
    used_up = [name for name in LIMITS if headers.get(f"{name}-remaining") == "0"]
    resets = [headers.get(f"{name}-reset", "") for name in used_up or LIMITS[:1]]
    return max((int(text) for text in resets if re.fullmatch("[0-9]{1,11}", text)), default=None)
