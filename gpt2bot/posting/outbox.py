"""The outbox: what was drafted, what became of it, and so what must never be sent again.

One SQLite file in the bot's state folder. Every change is one transaction that names the state it
starts from, on the disk (WAL, `synchronous=FULL`) before the method returns. Times are seconds
since 1970 (UTC) and come from the caller: SQLite's clock is not asked.

A file that is there but is not a sound outbox is never replaced: it is the memory that keeps a
tweet from being posted twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gpt2bot.errors import StateError
from gpt2bot.posting import schema
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FILE", "Entry", "Outbox", "State", "private_folder"]

FILE = "outbox.sqlite3"
HISTORY = 5000
BUSY_TIMEOUT = 5.0  # seconds to wait for another program that has the file locked


class State(str, Enum):
    """Where a tweet is on its way; `publish.py` draws the way."""

    READY = "ready"
    POSTING = "posting"
    POSTED = "posted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


TRANSITIONS = {
    State.READY: {State.POSTING},
    State.POSTING: {State.POSTED, State.REFUSED, State.UNKNOWN, State.READY},
    State.UNKNOWN: {State.POSTED, State.READY},
    State.POSTED: set(),
    State.REFUSED: set(),
}

DAMAGED = (
    "it remembers what was posted and is not replaced by itself: restore a backup, or move it away"
    " if you accept that tweets may repeat"
)
NO_RIGHT = "let the user who runs the bot write to it and to its folder"
ADVICE = (  # by what SQLite or the system says
    ("locked", "another program has it open; close that and run again"),
    ("full", "free some space on that disk and run again"),
    ("No space", "free some space on that disk and run again"),
    ("I/O", "look at the space on that disk, and at its health"),
    ("readonly", NO_RIGHT),
    ("unable to open", NO_RIGHT),
    ("Errno", NO_RIGHT),
)


@dataclass(frozen=True)
class Entry:
    """A tweet in the outbox, as it was when it was read.

    Attributes:
        id: Its number in this outbox.
        tweet: What is, or was, to be posted.
        model: The name of the model that wrote it.
        seed: What the model drew from; None if unknown.
        state: Where it is on its way.
        tweet_id: What X calls it, once posted.
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


class Outbox:
    """The outbox of one bot. Who changes it holds the bot's lock (`lock.py`)."""

    def __init__(self, folder: Path) -> None:
        """Opens the outbox in a state folder; creates both if there is none.

        Raises:
            StateError: It cannot be opened, or is damaged.
        """
        private_folder(folder)
        self.path = folder / FILE
        with self._explained():
            if not (self.path.exists() or self.path.is_symlink()):
                schema.create(self.path)
            existing = f"{self.path.absolute().as_uri()}?mode=rw"
            self._db = sqlite3.connect(
                existing, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None
            )
        try:
            with self._explained():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the file free."""
        self._db.close()

    def add(self, tweet: Tweet, *, model: str, seed: int | None, now: float) -> Entry:
        """Takes in a new tweet, as ready.

        Raises:
            StateError: It cannot be written.
        """
        row = (tweet.body, tweet.label, tweet.text, tweet.prompt, model, seed, now, now)
        with self._transaction():
            cursor = self._db.execute(
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
        self, entry: Entry, state: State, *, now: float, tweet_id: str | None = None, note: str = ""
    ) -> Entry:
        """Writes down what became of an attempt.

        Raises:
            StateError: It cannot be written, or the tweet is not where `entry` says any more.
        """
        return self._move(entry, state, tweet_id=tweet_id, changed_at=now, note=note)

    def entries(self, *states: State) -> list[Entry]:
        """The tweets in any of these states, the oldest first."""
        marks = ", ".join("?" * len(states))
        query = f"SELECT * FROM tweets WHERE state IN ({marks}) ORDER BY id"  # noqa: S608
        with self._explained():
            return [_entry(row) for row in self._db.execute(query, states)]

    def texts(self, limit: int = HISTORY) -> list[str]:
        """The newest texts that are, will be or could be on the account, the newest first."""
        query = "SELECT text FROM tweets WHERE state <> 'refused' ORDER BY id DESC LIMIT ?"
        with self._explained():
            return [text for (text,) in self._values(query, limit)]

    def last_uses(self) -> dict[str, int]:
        """For each prompt the number of the last tweet that came of it, whatever became of that."""
        query = "SELECT prompt, max(id) FROM tweets GROUP BY prompt"
        with self._explained():
            return dict(map(tuple, self._values(query)))

    def knows(self, tweet_id: str) -> bool:
        """Whether this tweet of the account is one that the outbox has as posted."""
        query = "SELECT 1 FROM tweets WHERE tweet_id = ?"
        with self._explained():
            return bool(self._values(query, tweet_id))

    def _prepare(self) -> None:
        """Sets the connection up, checks the file and brings its schema up to date."""
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA synchronous = FULL")
        [(version,)] = self._values("PRAGMA user_version")
        if version > len(schema.MIGRATIONS):
            raise StateError(
                f"the outbox {self.path} was written by a newer gpt2bot: upgrade this one"
            )
        # A new file gets its name only when it is complete, so an empty one has lost its content.
        [(verdict,)] = self._values("PRAGMA quick_check(1)")
        if version == 0 or verdict != "ok":
            raise StateError(f"the outbox {self.path} is damaged: {DAMAGED}")
        self._db.execute("PRAGMA journal_mode = WAL")
        if version < len(schema.MIGRATIONS):
            schema.migrate(self._db)

    def _move(self, entry: Entry, state: State, **values: float | str | None) -> Entry:
        if state not in TRANSITIONS[entry.state]:
            raise ValueError(f"no way leads from {entry.state.value} to {state.value}")
        values["state"] = state.value
        assignments = ", ".join(f"{column} = ?" for column in values)
        with self._transaction():
            cursor = self._db.execute(
                f"UPDATE tweets SET {assignments} WHERE id = ? AND state = ?",  # noqa: S608
                (*values.values(), entry.id, entry.state.value),
            )
            if cursor.rowcount != 1:
                raise StateError(
                    f"tweet {entry.id} in the outbox {self.path} is not {entry.state.value} any"
                    " more: let only one program change it, and run again"
                )
            return self._entry(entry.id)

    def _entry(self, number: int | None) -> Entry:
        [row] = self._values("SELECT * FROM tweets WHERE id = ?", number)
        return _entry(row)

    def _values(self, query: str, *parameters: object) -> list[sqlite3.Row]:
        return self._db.execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Everything in it happens, and is on the disk, or nothing of it."""
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:  # commits, or rolls back on an error
                yield

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what SQLite says into a line for the owner."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            advice = next((hint for sign, hint in ADVICE if sign in str(error)), DAMAGED)
            raise StateError(f"cannot use the outbox {self.path} ({error}): {advice}") from error


def private_folder(folder: Path) -> None:
    """Creates the state folder, its owner's alone, unless it is there.

    Raises:
        StateError: It cannot be created.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(
            f"cannot create the state folder {folder} ({error.strerror}): let the user who runs"
            " the bot write there, or set another state_dir"
        ) from error


def _entry(row: sqlite3.Row) -> Entry:
    values = dict(row)
    tweet = Tweet(body=values.pop("body"), label=values.pop("label"), prompt=values.pop("prompt"))
    del values["text"]  # the tweet has it
    return Entry(tweet=tweet, state=State(values.pop("state")), **values)
