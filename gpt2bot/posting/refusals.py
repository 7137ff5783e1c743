"""What X last refused, kept so that the next run does not repeat the request too early.

There is at most one refusal for each kind of request. A successful request of that kind removes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gpt2bot.errors import AccountError, RateLimitError, SpamError
from gpt2bot.posting.clock import DAY, HOUR, MINUTE, local

if TYPE_CHECKING:
    import sqlite3

    from gpt2bot.errors import GPT2BotError
    from gpt2bot.posting.database import Database

__all__ = [
    "AHEAD",
    "Refusal",
    "Request",
    "check_may_ask",
    "erase",
    "forget",
    "last_refusal",
    "read_answer",
    "remember",
    "write",
]

AHEAD = 15 * MINUTE
"""A record dated further in the future than this was written with a wrong clock."""

LONGEST = DAY  # the longest of X's limits
FIRST_BACKOFF = HOUR  # doubles with each consecutive answer about spam, up to LONGEST
MOST_DOUBLINGS = 10  # more make no difference


class Request(str, Enum):
    """A kind of request with its own limits at X."""

    POST = "post"
    READ = "read"


LIMITED = {
    Request.POST: "X accepts no more posts from this account for now",
    Request.READ: "X's limit for reading is used up",
}


@dataclass(frozen=True)
class Refusal:
    """An answer from X after which there is no point in asking again at once.

    Attributes:
        request: What was refused.
        told_at: When X refused it.
        until: When to ask X again; None if only the owner can change that.
        strikes: How many answers treated the bot as spam since the last success.
        reason: Why, for the owner.
    """

    request: Request
    told_at: float
    until: float | None
    strikes: int
    reason: str

    def holds(self, now: float) -> bool:
        """Whether no request may be sent yet."""
        return self.until is not None and now < self.until


def last_refusal(database: Database, request: Request, now: float) -> Refusal | None:
    """What X last refused; None if there is nothing, or if it was written with a wrong clock."""
    query = "SELECT * FROM refusals WHERE request = ? AND told_at <= ?"
    for row in database.read(query, request.value, now + AHEAD):
        return Refusal(**{**dict(row), "request": request})
    return None


def read_answer(
    database: Database, request: Request, error: GPT2BotError, now: float
) -> tuple[GPT2BotError, Refusal | None]:
    """Finds out what an error means for the next request of its kind.

    Args:
        database: The bot's database.
        request: The kind of request.
        error: The error that X's answer stands for.
        now: The current time.

    Returns:
        The error, which says until when no request is sent, and the refusal, or None.
    """
    previous = last_refusal(database, request, now)
    strikes = previous.strikes if previous else 0
    if isinstance(error, AccountError) and request is Request.READ:
        return error, Refusal(request, now, None, strikes, str(error))
    if not isinstance(error, RateLimitError):
        return error, None
    until, reason = error.until or now + error.wait, LIMITED[request]
    if isinstance(error, SpamError):
        backoff = FIRST_BACKOFF * 2 ** min(strikes, MOST_DOUBLINGS)
        until, reason = max(until, now + backoff), "X treats the bot as spam"
        strikes += 1
    until = min(until, now + LONGEST)
    if until != error.until:
        error = type(error)(f"{error}; no request is sent to X before {local(until)}", until)
    return error, Refusal(request, now, until, strikes, reason)


def check_may_ask(database: Database, request: Request, now: float) -> None:
    """Checks that a request of this kind may be sent.

    Raises:
        RateLimitError: X has said that it accepts no such request yet.
    """
    refusal = last_refusal(database, request, now)
    if refusal and refusal.until and refusal.holds(now):
        until = local(refusal.until)
        raise RateLimitError(f"no request is sent to X before {until}, because {refusal.reason}")


def remember(database: Database, request: Request, error: GPT2BotError, now: float) -> GPT2BotError:
    """Records what an error means for the next request of its kind, if it means anything.

    Returns:
        The error, which says until when no request is sent.
    """
    error, refusal = read_answer(database, request, error, now)
    if refusal:
        with database.transaction() as db:
            write(db, refusal)
    return error


def forget(database: Database, request: Request) -> None:
    """Removes the last refusal, because X has now granted a request of that kind."""
    if database.read("SELECT 1 FROM refusals WHERE request = ?", request.value):
        with database.transaction() as db:
            erase(db, request)


def write(db: sqlite3.Connection, refusal: Refusal) -> None:
    """Records a refusal within an open transaction."""
    values = (refusal.told_at, refusal.until, refusal.strikes, refusal.reason)
    db.execute(
        "INSERT OR REPLACE INTO refusals (request, told_at, until, strikes, reason)"
        " VALUES (?, ?, ?, ?, ?)",
        (refusal.request.value, *values),
    )


def erase(db: sqlite3.Connection, request: Request) -> None:
    """Removes a refusal within an open transaction."""
    db.execute("DELETE FROM refusals WHERE request = ?", (request.value,))
