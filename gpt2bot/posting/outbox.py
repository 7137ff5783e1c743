"""The outbox: what was drafted, what became of it, and so what must never be sent again.

Every change of a tweet is one transaction that names the state it starts from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gpt2bot.errors import StateError
from gpt2bot.posting import refusals
from gpt2bot.posting.database import Database
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    import sqlite3

__all__ = ["OPEN", "PENDING", "Entry", "Outbox", "Posted", "State"]

HISTORY = 5000


class State(str, Enum):
    """Where a tweet is on its way; `publish.py` draws the way."""

    READY = "ready"
    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


OPEN = (State.POSTING, State.UNKNOWN)
"""What a tweet is in whose last attempt may or may not have posted it."""

PENDING = (State.READY, *OPEN)
"""What a tweet is in that is not at its end."""

TRANSITIONS = {
    State.READY: {State.POSTING},
    State.POSTING: {State.POSTED, State.REFUSED, State.UNKNOWN, State.READY},
    State.UNKNOWN: {State.POSTED, State.READY},
    State.POSTED: set(),
    State.REFUSED: set(),
}


@dataclass(frozen=True)
class Entry:
    """A tweet in the outbox, as it was when it was read.

    Attributes:
        id: Its number in this outbox.
        tweet: What is, or was, to be posted.
        model: The name of the model that wrote it.
        seed: What the model drew from; None if unknown.
        state: Where it is on its way.
        tweet_id: What X calls it, once posted; None also if only the owner knows that it is.
        account: The user id whose keys the last attempt was made with.
        attempts: How often sending it was begun.
        created_at: When it became ready.
        attempted_at: When the last attempt was begun.
        changed_at: When it came into its state.
        note: Why it is in its state, for the owner.
    """

    id: int
    tweet: Tweet
    model: str
    seed: int | None
    state: State
    tweet_id: str | None
    account: str | None
    attempts: int
    created_at: float
    attempted_at: float | None
    changed_at: float
    note: str

    @property
    def url(self) -> str | None:
        """Where it can be read, if it is posted and its id is known."""
        return post_url(self.tweet_id) if self.tweet_id else None


def post_url(tweet_id: str) -> str:
    """Where a post can be read, whoever's it is."""
    return f"https://x.com/i/status/{tweet_id}"


@dataclass(frozen=True)
class Posted:
    """A tweet that is on the account.

    Attributes:
        tweet_id: What X calls it.
        tweet: What was posted.
        model: The name of the model that wrote it.
        seed: What the model drew from; None if unknown.
        status: Where it is on its way.
    """

    tweet_id: str
    tweet: Tweet
    model: str
    seed: int | None
    status: str = State.POSTED.value

    @property
    def text(self) -> str:
        """The whole tweet, as it was sent."""
        return self.tweet.text

    @property
    def url(self) -> str:
        """Where it can be read."""
        return post_url(self.tweet_id)


class Outbox(Database):
    """The tweets of one bot."""

    def add(self, tweet: Tweet, *, model: str, seed: int | None, now: float) -> Entry:
        """Takes in a new tweet, as ready.

        Raises:
            StateError: It cannot be written.
        """
        row = (tweet.body, tweet.label, tweet.text, tweet.prompt, model, seed, now, now)
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO tweets"
                " (body, label, text, prompt, model, seed, created_at, changed_at, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'ready')",
                row,
            )
            return self._entry(cursor.lastrowid)

    def begin(self, entry: Entry, *, account: str, now: float) -> Entry:
        """Writes down that an attempt to post begins, before a byte of it leaves.

        Raises:
            StateError: It cannot be written, or the tweet is not ready any more.
        """
        return self._move(
            entry,
            State.POSTING,
            account=account,
            attempts=entry.attempts + 1,
            attempted_at=now,
            changed_at=now,
            note="",
        )

    def finish(
        self,
        entry: Entry,
        state: State,
        *,
        now: float,
        tweet_id: str | None = None,
        note: str = "",
        refusal: refusals.Refusal | None = None,
    ) -> Entry:
        """Writes down what became of an attempt, and what that means for the next one.

        Raises:
            StateError: It cannot be written, or the tweet is not where `entry` says any more.
        """
        return self._move(entry, state, refusal, tweet_id=tweet_id, changed_at=now, note=note)

    def entries(self, *states: State) -> list[Entry]:
        """The tweets in any of these states, the oldest first."""
        marks = ", ".join("?" * len(states))
        query = f"SELECT * FROM tweets WHERE state IN ({marks}) ORDER BY id"  # noqa: S608
        return [_entry(row) for row in self.read(query, *states)]

    def newest(self, limit: int, *states: State) -> list[Entry]:
        """The newest tweets in any of these states, the newest first."""
        marks = ", ".join("?" * len(states))
        query = f"SELECT * FROM tweets WHERE state IN ({marks}) ORDER BY id DESC LIMIT ?"  # noqa: S608
        return [_entry(row) for row in self.read(query, *states, limit)]

    def bodies(self, limit: int = HISTORY) -> list[str]:
        """The newest bodies, the newest first, whatever became of them.

        What X refused is among them, so that it is not written and sent again.
        """
        query = "SELECT body FROM tweets ORDER BY id DESC LIMIT ?"
        return [body for (body,) in self.read(query, limit)]

    def last_uses(self) -> dict[str, int]:
        """For each prompt the number of the last tweet that came of it, whatever became of that."""
        return dict(map(tuple, self.read("SELECT prompt, max(id) FROM tweets GROUP BY prompt")))

    def knows(self, tweet_id: str) -> bool:
        """Whether this tweet of the account is one that the outbox has as posted."""
        return bool(self.read("SELECT 1 FROM tweets WHERE tweet_id = ?", tweet_id))

    def post_times(self, since: float) -> list[float]:
        """When each tweet was sent that is, or may be, on the account, the earliest first."""
        query = (
            "SELECT attempted_at FROM tweets WHERE attempted_at >= ?"
            " AND state IN ('posted', 'posting', 'unknown') ORDER BY attempted_at"
        )
        return [moment for (moment,) in self.read(query, since)]

    def _move(
        self,
        entry: Entry,
        state: State,
        refusal: refusals.Refusal | None = None,
        **values: float | str | None,
    ) -> Entry:
        if state not in TRANSITIONS[entry.state]:
            raise ValueError(f"no way leads from {entry.state.value} to {state.value}")
        values["state"] = state.value
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self.transaction() as db:
            cursor = db.execute(
                f"UPDATE tweets SET {assignments} WHERE id = ? AND state = ?",  # noqa: S608
                (*values.values(), entry.id, entry.state.value),
            )
            if cursor.rowcount != 1:
                raise StateError(
                    f"tweet {entry.id} in the outbox {self.path} is not {entry.state.value} any"
                    " more: let only one program change it, and run again"
                )
            if refusal:
                refusals.write(db, refusal)
            elif state is State.POSTED:
                refusals.erase(db, refusals.Request.POST)
            return self._entry(entry.id)

    def _entry(self, number: int | None) -> Entry:
        [row] = self.read("SELECT * FROM tweets WHERE id = ?", number)
        return _entry(row)


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    tweet = Tweet(body=values.pop("body"), label=values.pop("label"), prompt=values.pop("prompt"))
    del values["text"]  # the tweet has it
    return Entry(tweet=tweet, state=State(values.pop("state")), **values)
