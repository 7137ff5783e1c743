"""The tables of the outbox, and the migrations of older files."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MIGRATIONS", "create", "migrate"]

# Item n takes a file from schema version n to n + 1. Published items are never edited.
MIGRATIONS = (
    (
        """
        CREATE TABLE tweets (
            id           INTEGER PRIMARY KEY,
            body         TEXT NOT NULL,
            label        TEXT NOT NULL CHECK (label <> ''),
            text         TEXT NOT NULL,
            prompt       TEXT NOT NULL,
            model        TEXT NOT NULL,
            seed         INTEGER,
            state        TEXT NOT NULL
                         CHECK (state IN ('ready', 'posting', 'posted', 'refused', 'unknown')),
            tweet_id     TEXT UNIQUE,
            account      TEXT,
            attempts     INTEGER NOT NULL DEFAULT 0,
            created_at   REAL NOT NULL,
            attempted_at REAL,
            changed_at   REAL NOT NULL,
            note         TEXT NOT NULL DEFAULT '',
            CHECK ((state = 'posted') = (tweet_id IS NOT NULL)),
            CHECK (attempts > 0 OR state = 'ready')
        )
        """,
        "CREATE INDEX tweets_state ON tweets (state)",
    ),
    (
        "ALTER TABLE tweets ADD COLUMN not_before REAL",
        """
        CREATE TABLE runs (
            id         INTEGER PRIMARY KEY,
            started_at REAL NOT NULL,
            ended_at   REAL,
            exit_code  INTEGER,
            message    TEXT NOT NULL DEFAULT '',
            drafted    INTEGER NOT NULL DEFAULT 0,
            rejected   INTEGER NOT NULL DEFAULT 0,
            rules      TEXT NOT NULL DEFAULT '{}',
            CHECK ((ended_at IS NULL) = (exit_code IS NULL))
        )
        """,
    ),
    (
        # If the owner says that a tweet is on the account, its id can be unknown. SQLite needs a
        # new table to change a constraint.
        """
        CREATE TABLE new_tweets (
            id           INTEGER PRIMARY KEY,
            body         TEXT NOT NULL,
            label        TEXT NOT NULL CHECK (label <> ''),
            text         TEXT NOT NULL,
            prompt       TEXT NOT NULL,
            model        TEXT NOT NULL,
            seed         INTEGER,
            state        TEXT NOT NULL
                         CHECK (state IN ('ready', 'posting', 'posted', 'refused', 'unknown')),
            tweet_id     TEXT UNIQUE,
            account      TEXT,
            attempts     INTEGER NOT NULL DEFAULT 0,
            created_at   REAL NOT NULL,
            attempted_at REAL,
            changed_at   REAL NOT NULL,
            note         TEXT NOT NULL DEFAULT '',
            CHECK (state = 'posted' OR tweet_id IS NULL),
            CHECK (attempts > 0 OR state = 'ready')
        )
        """,
        """
        INSERT INTO new_tweets
        SELECT id, body, label, text, prompt, model, seed, state, tweet_id, account, attempts,
               created_at, attempted_at, changed_at, note
        FROM tweets
        """,
        """
        CREATE TABLE refusals (
            request TEXT PRIMARY KEY CHECK (request IN ('post', 'read')),
            told_at REAL NOT NULL,
            until   REAL,
            strikes INTEGER NOT NULL DEFAULT 0,
            reason  TEXT NOT NULL
        )
        """,
        """
        INSERT INTO refusals (request, told_at, until, reason)
        SELECT 'post', changed_at, not_before, 'X takes no more posts of this account yet'
        FROM tweets WHERE not_before IS NOT NULL ORDER BY not_before DESC LIMIT 1
        """,
        "DROP TABLE tweets",
        "ALTER TABLE new_tweets RENAME TO tweets",
        "CREATE INDEX tweets_state ON tweets (state)",
    ),
)


def create(path: Path) -> None:
    """Creates an empty outbox, private to its owner, which gets its name only when complete.

    So a file of this name without tables is not new: it has lost its content.
    """
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_WRONLY, 0o600))
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = MEMORY")  # no second file beside it
        migrate(db)
    new.rename(path)


def migrate(db: sqlite3.Connection) -> None:
    """Brings the schema up to date, in one transaction. Its version is `PRAGMA user_version`."""
    db.execute("BEGIN IMMEDIATE")
    with db:
        [version] = db.execute("PRAGMA user_version").fetchone()
        for statement in chain.from_iterable(MIGRATIONS[version:]):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
