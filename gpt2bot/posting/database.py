"""The database of a bot: opens, checks and changes it, one transaction at a time.

It is one SQLite file in the bot's state folder. A change is on the disk (WAL, `synchronous=FULL`)
before its method returns. Times are seconds since 1970 (UTC) and come from the caller; SQLite's
clock is not used.

A damaged file is never replaced: it is the record that keeps a tweet from being posted twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from gpt2bot.errors import StateError
from gpt2bot.posting import schema
from gpt2bot.posting.state_folder import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

__all__ = ["FILE", "Database"]

FILE = "outbox.sqlite3"
BUSY_TIMEOUT = 5.0  # seconds to wait for another program that has the file locked

DAMAGED = (
    "it records what was posted, so gpt2bot does not replace it: restore a backup, or move it away"
    " if you accept that tweets may be repeated"
)
NO_RIGHT = "make it and its folder writable for the user who runs the bot"
ADVICE = (  # by a part of the message from SQLite or the system
    ("locked", "another program has it open; close that program and run again"),
    ("full", "free some space on that disk and run again"),
    ("No space", "free some space on that disk and run again"),
    ("I/O", "check the space on that disk, and its health"),
    ("readonly", NO_RIGHT),
    ("unable to open", NO_RIGHT),
    ("Errno", NO_RIGHT),
)


class Database:
    """The database of one bot. To change it, hold the bot's lock (`state_folder.py`)."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Opens the file in a state folder.

        Args:
            folder: The bot's state folder.
            create: Whether to create a missing folder and file. If not, an empty database in memory
                stands in for a missing file.

        Raises:
            StateError: It cannot be opened, or is damaged.
        """
        if create:
            private_folder(folder)
        self.path = folder / FILE
        with self._explained():
            self._db = self._connect(create=create)
        try:
            with self._explained():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def read(self, query: str, *parameters: object) -> list[sqlite3.Row]:
        """Returns the rows that a query finds.

        Raises:
            StateError: It cannot be read.
        """
        with self._explained():
            return self._db.execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Makes either all changes in it, on the disk, or none.

        Raises:
            StateError: It cannot be written.
        """
        with self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:  # commits, or rolls back on an error
                yield self._db

    def verify(self) -> None:
        """Checks the whole file, its indexes and constraints, and that it can be written.

        Raises:
            StateError: It is damaged, or cannot be written.
        """
        with self.transaction():
            pass
        found = [verdict for (verdict,) in self.read("PRAGMA integrity_check(1)")]
        if found != ["ok"]:
            raise self._damaged()

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        if not (self.path.exists() or self.path.is_symlink()):
            if not create:
                empty = sqlite3.connect(":memory:", isolation_level=None)
                schema.migrate(empty)
                return empty
            schema.create(self.path)
        existing = f"{self.path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(existing, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)

    def _prepare(self) -> None:
        """Sets up the connection, checks the file and brings its schema up to date."""
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA synchronous = FULL")
        [(version,)] = self.read("PRAGMA user_version")
        if version > len(schema.MIGRATIONS):
            raise StateError(
                f"the outbox {self.path} was written by a newer gpt2bot: upgrade this one"
            )
        # A new file gets its name only when it is complete, so an empty one has lost its content.
        [(verdict,)] = self.read("PRAGMA quick_check(1)")
        if version == 0 or verdict != "ok":
            raise self._damaged()
        self._db.execute("PRAGMA journal_mode = WAL")
        if version < len(schema.MIGRATIONS):
            schema.migrate(self._db)

    def _damaged(self) -> StateError:
        return StateError(f"the outbox {self.path} is damaged: {DAMAGED}")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns an error from SQLite into a message for the owner."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            advice = next((hint for sign, hint in ADVICE if sign in str(error)), DAMAGED)
            raise StateError(f"cannot use the outbox {self.path} ({error}): {advice}") from error
