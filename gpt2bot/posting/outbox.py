"""The outbox: every tweet, what became of it, and so what must never be sent again.

Every change of a tweet is one transaction that checks the state it starts from.
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
    """The state of a tweet; `publish.py` has a diagram of the transitions."""

    READY = "ready"
    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


OPEN = (State.POSTING, State.UNKNOWN)
"""The states of a tweet that its last attempt may or may not have posted."""

PENDING = (State.READY, *OPEN)
"""The states of a tweet that is not finished."""

TRANSITIONS = {
    State.READY: {State.POSTING},
    State.POSTING: {State.POSTED, State.REFUSED, State.UNKNOWN, State.READY},
    State.UNKNOWN: {State.POSTED, State.READY},
    State.POSTED: set(),
    State.REFUSED: set(),
}


@dataclass(frozen=True)
class Entry:
    """A snapshot of a tweet in the outbox.

    Attributes:
        id: Its number in this outbox.
        tweet: The tweet to post.
        model: The name of the model that wrote it.
        seed: The seed of the model's random numbers; None if unknown.
        state: Its state.
        tweet_id: The id that X gave it; None if it is not posted, or only the owner says so.
        account: The user id of the account whose keys the last attempt used.
        attempts: How many attempts to send it have begun.
        created_at: When it became ready.
        attempted_at: When the last attempt began.
        changed_at: When it entered its state.
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
        """The address of the post, if it is posted and its id is known."""
        return post_url(self.tweet_id) if self.tweet_id else None


def post_url(tweet_id: str) -> str:
    """The address of a post of any account."""
    return f"https://x.com/i/status/{tweet_id}"


@dataclass(frozen=True)
class Posted:
    """A tweet that is on the account.

    Attributes:
        tweet_id: The id that X gave it.
        tweet: The tweet that was posted.
        model: The name of the model that wrote it.
        seed: The seed of the model's random numbers; None if unknown.
        status: Its state.
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
        """The address of the post."""
        return post_url(self.tweet_id)


class Outbox(Database):
    """The tweets of one bot."""

    def add(self, tweet: Tweet, *, model: str, seed: int | None, now: float) -> Entry:
        """Adds a new tweet, as ready.

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
        """Records that an attempt to post begins, before a byte of it is sent.

        Raises:
            StateError: It cannot be written, or the tweet is no longer ready.
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
        """Records what became of an attempt, and what that means for the next one.

        Raises:
            StateError: It cannot be written, or the tweet is no longer in the state of `entry`.
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

        Refused tweets are included, so that they are not written and sent again.
        """
        query = "SELECT body FROM tweets ORDER BY id DESC LIMIT ?"
        return [body for (body,) in self.read(query, limit)]

    def last_uses(self) -> dict[str, int]:
        """For each prompt the number of the last tweet made from it, in any state."""
        return dict(map(tuple, self.read("SELECT prompt, max(id) FROM tweets GROUP BY prompt")))

    def knows(self, tweet_id: str) -> bool:
        """Whether the outbox has a tweet with this id."""
        return bool(self.read("SELECT 1 FROM tweets WHERE tweet_id = ?", tweet_id))

    def post_times(self, since: float) -> list[float]:
        """When each tweet that is or may be on the account was sent, the earliest first."""
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
            raise ValueError(f"no transition leads from {entry.state.value} to {state.value}")
        values["state"] = state.value
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self.transaction() as db:
            cursor = db.execute(
                f"UPDATE tweets SET {assignments} WHERE id = ? AND state = ?",  # noqa: S608
                (*values.values(), entry.id, entry.state.value),
            )
            if cursor.rowcount != 1:
                raise StateError(
                    f"tweet {entry.id} in the outbox {self.path} is no longer {entry.state.value}:"
                    " let only one program change it, and run again"
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
