"""Outboxes that earlier versions wrote: they open, keep everything, and go on.

The files in `data` were written by those versions, with a tweet in every state: schema 1 by the
first one that posted, schema 2 by the one that had limits and a history of its runs.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpt2bot.posting import schema
from gpt2bot.posting.database import FILE
from gpt2bot.posting.limits import cooldown
from gpt2bot.posting.outbox import Outbox, State
from gpt2bot.posting.publish import publish_ready
from gpt2bot.posting.reconcile import reconcile, resolve
from gpt2bot.posting.refusals import Request, last_refusal
from gpt2bot.posting.runs import recent_runs, statistics_since
from tests.posting.test_limits import FREE

if TYPE_CHECKING:
    from gpt2bot.posting.client import Client
    from tests.fakes.x_server import XServer

DATA = Path(__file__).parent / "data"
NOW = 1_795_600_000.0  # when they were written
LATEST = len(schema.MIGRATIONS)


@pytest.fixture(params=[1, 2])
def version(request: pytest.FixtureRequest, folder: Path) -> int:
    """The schema of the outbox that is in the folder now."""
    version = int(request.param)
    folder.mkdir()
    shutil.copyfile(DATA / f"outbox-v{version}.sqlite3", folder / FILE)
    with closing(sqlite3.connect(folder / FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
    return version


def columns(folder: Path, *, without: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """The tweets of an outbox, column by column."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute("SELECT * FROM tweets ORDER BY id")]
    return [{k: value for k, value in row.items() if k not in without} for row in rows]


def test_everything_is_kept(folder: Path, version: int) -> None:
    before = columns(folder, without=("not_before",))
    with Outbox(folder) as outbox:
        outbox.verify()
        entries, runs = outbox.entries(*State), recent_runs(outbox, 9)
        statistics = statistics_since(outbox, 0.0)
        refusal = last_refusal(outbox, Request.POST, NOW)
    assert columns(folder) == before
    assert {entry.state for entry in entries} == set(State)
    assert (entries[0].tweet.body, entries[0].tweet_id) == (
        "Posted before & after the <rain>. ☔",
        "1990000000000000000",
    )
    assert (entries[1].tweet.label, entries[1].seed) == ("#GPT2", None)
    assert (entries[2].model, entries[2].seed, entries[2].attempts) == ("774M", 2**62, 1)
    if version == 1:
        assert (runs, refusal) == ([], None)
        return
    assert [(run.exit_code, run.message) for run in runs] == [
        (None, ""),
        (7, "X answered 429"),
        (0, ""),
    ]
    assert (statistics.drafted, statistics.rejected) == (2, 1)
    assert refusal
    assert (refusal.until, refusal.strikes) == (NOW + 900, 0)


def test_a_limit_that_x_named_still_holds(folder: Path, version: int) -> None:
    with Outbox(folder) as outbox:
        held, later = (cooldown(outbox, FREE, moment) for moment in (NOW, NOW + 900))
    assert later is None
    assert (held.until if held else None) == (None if version == 1 else NOW + 900)


@pytest.mark.usefixtures("version")
def test_the_bot_goes_on(x: XServer, client: Client, folder: Path) -> None:
    with Outbox(folder) as outbox:
        [first] = outbox.entries(State.POSTED)
        assert x.accept(first.tweet.text)["id"] == first.tweet_id
        unknown, killed = outbox.entries(State.UNKNOWN, State.POSTING)
        there = x.accept(unknown.tweet.text)
        assert [posted.tweet_id for posted in reconcile(outbox, client)] == [there["id"]]
        ready = outbox.entries(State.READY)
        assert killed.id in [entry.id for entry in ready]
        for entry in ready:
            publish_ready(outbox, client, entry)
        states = [entry.state.value for entry in outbox.entries(*State)]
    assert states == ["posted", "refused", *["posted"] * 4]
    assert x.texts[1:] == [unknown.tweet.text, *(entry.tweet.text for entry in ready)]


@pytest.mark.usefixtures("version")
def test_the_owner_can_decide(folder: Path) -> None:
    with Outbox(folder) as outbox:
        for entry in outbox.entries(State.UNKNOWN, State.POSTING):
            resolve(outbox, entry.id, "posted", tweet_id=None, now=NOW)
        assert [e.tweet_id for e in outbox.entries(State.POSTED)] == [
            "1990000000000000000",
            None,
            None,
        ]


@pytest.mark.usefixtures("version")
def test_looking_at_it_is_enough(folder: Path) -> None:
    """`status` and `check` open it in the same way."""
    with Outbox(folder, create=False) as outbox:
        assert len(outbox.bodies()) == 6
    with closing(sqlite3.connect(folder / FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (LATEST,)
