"""The run history of the runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import RefusedError, StateError
from gpt2bot.posting import database, runs
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox
from gpt2bot.posting.runs import FilterStatistics, Run, recent_runs, recorded, statistics_since

if TYPE_CHECKING:
    from pathlib import Path

    from tests.posting.conftest import Clock


def test_a_run_that_posts(outbox: Outbox, clock: Clock) -> None:
    start = clock.now
    with recorded(outbox, clock):
        assert recent_runs(outbox, 5) == [Run(start, None, None, "")]
        clock.now += 3
    assert recent_runs(outbox, 5) == [Run(start, start + 3, 0, "")]


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (RefusedError("X said no"), 6, "X said no"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(143), 143, "stopped"),
        (ZeroDivisionError("secret"), 1, "a bug in gpt2bot: ZeroDivisionError"),
    ],
)
def test_how_a_run_fails(
    outbox: Outbox, clock: Clock, error: BaseException, exit_code: int, message: str
) -> None:
    with pytest.raises(type(error)), recorded(outbox, clock):
        raise error
    [run] = recent_runs(outbox, 5)
    assert (run.exit_code, run.message) == (exit_code, message)


def test_the_newest_come_first(outbox: Outbox, clock: Clock) -> None:
    for _ in range(3):
        clock.now += 60
        with recorded(outbox, clock):
            pass
    assert [run.started_at for run in recent_runs(outbox, 2)] == [clock.now, clock.now - 60]


def test_the_diary_does_not_grow_for_ever(
    outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "KEPT", 3)
    for _ in range(5):
        clock.now += 60
        with recorded(outbox, clock):
            pass
    started = [run.started_at for run in recent_runs(outbox, 9)]
    assert started == [clock.now, clock.now - 60, clock.now - 120]


def test_candidates_are_counted_by_the_rules_they_break(outbox: Outbox, clock: Clock) -> None:
    with recorded(outbox, clock) as statistics:
        statistics.count({"url", "mention"})
        statistics.count({"url"})
        statistics.count(())
    later = clock.now + 60
    clock.now = later
    with recorded(outbox, clock) as statistics:
        statistics.count(["profanity"])
    total = statistics_since(outbox, 0.0)
    assert (total.drafted, total.rejected) == (4, 3)
    assert total.rules == {"url": 2, "mention": 1, "profanity": 1}
    assert statistics_since(outbox, later).rules == {"profanity": 1}
    assert statistics_since(outbox, later + 1) == FilterStatistics()


def test_a_diary_that_cannot_be_ended_hides_nothing(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    with Outbox(folder) as outbox, closing(sqlite3.connect(folder / FILE)) as other:
        with recorded(outbox, clock):
            other.execute("BEGIN IMMEDIATE")
        other.rollback()
        assert [run.ended_at for run in recent_runs(outbox, 5)] == [None]


def test_a_diary_that_cannot_be_begun_stops_the_run(
    folder: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, failure: Any
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    with Outbox(folder) as outbox, closing(sqlite3.connect(folder / FILE)) as other:
        other.execute("BEGIN IMMEDIATE")
        failure(StateError, recorded(outbox, clock).__enter__)
