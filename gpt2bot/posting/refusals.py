"""What X last refused for a while, or for good, kept so that the next run does not ask in vain.

There is at most one refusal for each kind of request. A success of that kind removes it.
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
"""What is dated further ahead of the clock than this was written by a clock that was wrong."""

LONGEST = DAY  # of the limits that X has
FIRST_BACKOFF = HOUR  # it doubles with each answer in a row that speaks of spam, up to LONGEST
MOST_DOUBLINGS = 10  # more make no difference


class Request(str, Enum):
    """A kind of request, for which X has limits of its own."""

    POST = "post"
    READ = "read"


LIMITED = {
    Request.POST: "X takes no more posts of this account yet",
    Request.READ: "X's limit for reading is used up",
}


@dataclass(frozen=True)
class Refusal:
    """An answer of X by which it is not worth asking again at once.

    Attributes:
        request: What was refused.
        told_at: When X said so.
        until: When X can be asked again; None if only its owner can change that.
        strikes: How many answers without a success between them took the bot for spam.
        reason: Why, for the owner.
    """

    request: Request
    told_at: float
    until: float | None
    strikes: int
    reason: str

    def holds(self, now: float) -> bool:
        """Whether X must not be asked yet."""
        return self.until is not None and now < self.until


def last_refusal(database: Database, request: Request, now: float) -> Refusal | None:
    """What X last refused; None if there is nothing, or a wrong clock has written it."""
    query = "SELECT * FROM refusals WHERE request = ? AND told_at <= ?"
    for row in database.read(query, request.value, now + AHEAD):
        return Refusal(**{**dict(row), "request": request})
    return None


def read_answer(
    database: Database, request: Request, error: GPT2BotError, now: float
) -> tuple[GPT2BotError, Refusal | None]:
    """What an answer means for the next request of its kind.

    Args:
        database: The bot's memory.
        request: What was asked.
        error: What X answered.
        now: What the clock says.

    Returns:
        The error, which says until when X is not asked, and the refusal; None if there is none.
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
        until, reason = max(until, now + backoff), "X takes the bot for spam"
        strikes += 1
    until = min(until, now + LONGEST)
    if until != error.until:
        error = type(error)(f"{error}; X is not asked before {local(until)}", until)
    return error, Refusal(request, now, until, strikes, reason)


def check_may_ask(database: Database, request: Request, now: float) -> None:
    """Lets a request go on its way.

    Raises:
        RateLimitError: X has said that it is not to be asked yet.
    """
    refusal = last_refusal(database, request, now)
    if refusal and refusal.until and refusal.holds(now):
        until = local(refusal.until)
        raise RateLimitError(f"X is not asked before {until}, since {refusal.reason}")


def remember(database: Database, request: Request, error: GPT2BotError, now: float) -> GPT2BotError:
    """Writes down what an answer means for the next request of its kind, if it means anything.

    Returns:
        The error, which says until when X is not asked.
    """
    error, refusal = read_answer(database, request, error, now)
    if refusal:
        with database.transaction() as db:
            write(db, refusal)
    return error


def forget(database: Database, request: Request) -> None:
    """Removes what X last refused, since it has now granted a request of that kind."""
    if database.read("SELECT 1 FROM refusals WHERE request = ?", request.value):
        with database.transaction() as db:
            erase(db, request)


def write(db: sqlite3.Connection, refusal: Refusal) -> None:
    """Writes down a refusal, in a transaction that is under way."""
    values = (refusal.told_at, refusal.until, refusal.strikes, refusal.reason)
    db.execute(
        "INSERT OR REPLACE INTO refusals (request, told_at, until, strikes, reason)"
        " VALUES (?, ?, ?, ?, ?)",
        (refusal.request.value, *values),
    )


def erase(db: sqlite3.Connection, request: Request) -> None:
    """Removes a refusal, in a transaction that is under way."""
    db.execute("DELETE FROM refusals WHERE request = ?", (request.value,))
