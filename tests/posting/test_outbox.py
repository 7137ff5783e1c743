"""The outbox: what it keeps, what it refuses, and what it says when it cannot work."""

from __future__ import annotations

import itertools
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import StateError
from gpt2bot.posting import database, schema
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox, State
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from pathlib import Path

    from gpt2bot.posting.outbox import Entry

LABEL = "#GPT2 #AIgenerated"

PENDING = (State.READY, State.POSTING, State.UNKNOWN)


def add(outbox: Outbox, body: str = "A body.", prompt: str = "A", now: float = 1.5) -> Entry:
    return outbox.add(Tweet(body, LABEL, prompt), model="demo", seed=7, now=now)


def bring(outbox: Outbox, state: State, body: str = "A body.") -> Entry:
    """A new tweet in this state."""
    entry = add(outbox, body)
    if state is State.READY:
        return entry
    entry = outbox.begin(entry, account="1", now=2.5)
    if state is State.POSTING:
        return entry
    tweet_id = str(entry.id) if state is State.POSTED else None
    return outbox.finish(entry, state, now=3.5, tweet_id=tweet_id, note="so")


def test_keeps_everything(folder: Path) -> None:
    tweet = Tweet("Zwölf 👩‍👩‍👧 & 'two'\nlines.", LABEL, "Zwölf")
    with Outbox(folder) as outbox:
        entry = outbox.add(tweet, model="124M", seed=2**62, now=1_800_000_000.25)
        entry = outbox.begin(entry, account="42", now=1_800_000_001.5)
        kept = outbox.finish(entry, State.POSTED, now=1_800_000_002.0, tweet_id="77", note="well")
    with Outbox(folder) as outbox:
        assert outbox.entries(State.POSTED) == [kept]
    assert (kept.tweet, kept.model, kept.seed) == (tweet, "124M", 2**62)
    assert (kept.state, kept.tweet_id, kept.account) == (State.POSTED, "77", "42")
    assert (kept.attempts, kept.note) == (1, "well")
    times = (kept.created_at, kept.attempted_at, kept.changed_at)
    assert times == (1_800_000_000.25, 1_800_000_001.5, 1_800_000_002.0)


def test_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    before = os.umask(0)
    try:
        with Outbox(folder) as outbox:
            add(outbox)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes.pop(FILE) == 0o600
    assert set(modes.values()) <= {0o600}


def test_is_on_the_disk_before_a_method_returns(folder: Path) -> None:
    with Outbox(folder) as outbox:
        assert outbox._db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
        assert outbox._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_outlives_a_killed_process(folder: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from gpt2bot.posting.outbox import Outbox; from gpt2bot.tweets.tweet import Tweet\n"
        "outbox = Outbox(Path(sys.argv[1]))\n"
        "outbox.add(Tweet('A body.', '#GPT2', ''), model='demo', seed=None, now=1.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)])
    with Outbox(folder) as outbox:
        [entry] = outbox.entries(*PENDING)
    assert (entry.state, entry.seed) == (State.READY, None)


@pytest.mark.parametrize(("start", "end"), list(itertools.product(State, State)))
def test_only_the_drawn_ways_are_open(outbox: Outbox, start: State, end: State) -> None:
    drawn = {
        ("ready", "posting"),
        ("posting", "posted"),
        ("posting", "refused"),
        ("posting", "unknown"),
        ("posting", "ready"),
        ("unknown", "posted"),
        ("unknown", "ready"),
    }
    entry = bring(outbox, start)
    tweet_id = "77" if end is State.POSTED else None

    def move() -> Entry:
        if end is State.POSTING:
            return outbox.begin(entry, account="1", now=9.0)
        return outbox.finish(entry, end, now=9.0, tweet_id=tweet_id)

    if (start.value, end.value) in drawn:
        assert move() == outbox.entries(end)[0]
        return
    with pytest.raises(ValueError, match="no transition leads"):
        move()
    assert outbox.entries(*State) == [entry]


def test_of_two_that_move_a_tweet_one_wins(folder: Path, outbox: Outbox) -> None:
    entry = add(outbox)
    with Outbox(folder) as other:
        other.begin(entry, account="1", now=2.0)
        with pytest.raises(StateError, match="no longer ready"):
            outbox.begin(entry, account="1", now=3.0)
        assert [e.attempted_at for e in other.entries(State.POSTING)] == [2.0]


def test_counts_the_attempts(outbox: Outbox) -> None:
    entry = bring(outbox, State.UNKNOWN)
    entry = outbox.finish(entry, State.READY, now=4.0, note="was not there")
    entry = outbox.begin(entry, account="1", now=5.0)
    assert (entry.attempts, entry.attempted_at, entry.note) == (2, 5.0, "")


def test_one_post_of_the_account_is_one_tweet(outbox: Outbox) -> None:
    posted = bring(outbox, State.POSTED)
    assert posted.tweet_id
    assert outbox.knows(posted.tweet_id)
    assert not outbox.knows("78")
    entry = bring(outbox, State.POSTING)
    with pytest.raises(StateError, match="UNIQUE"):
        outbox.finish(entry, State.POSTED, now=4.0, tweet_id=posted.tweet_id)
    assert outbox.entries(State.POSTING) == [entry]


def test_pending_and_history(outbox: Outbox) -> None:
    for state in State:
        bring(outbox, state, f"I am {state.value}.")
    assert [e.state.value for e in outbox.entries(*PENDING)] == ["ready", "posting", "unknown"]
    states = ("unknown", "refused", "posted", "posting", "ready")
    assert outbox.bodies() == [f"I am {state}." for state in states]
    assert outbox.bodies(2) == outbox.bodies()[:2]


def test_last_uses(outbox: Outbox) -> None:
    assert outbox.last_uses() == {}
    for prompt in ("A", "B", "A"):
        add(outbox, prompt=prompt)
    assert outbox.last_uses() == {"A": 3, "B": 2}


def test_post_times(outbox: Outbox) -> None:
    for number, state in enumerate(State):
        entry = add(outbox)
        if state is not State.READY:
            entry = outbox.begin(entry, account="1", now=float(number))
        if state not in (State.READY, State.POSTING):
            tweet_id = "77" if state is State.POSTED else None
            outbox.finish(entry, state, now=9.0, tweet_id=tweet_id)
    assert [state.value for state in State] == ["ready", "posting", "posted", "refused", "unknown"]
    assert outbox.post_times(since=0.0) == [1.0, 2.0, 4.0], "but not what X refused"
    assert outbox.post_times(since=2.0) == [2.0, 4.0]


def test_looking_creates_nothing(folder: Path) -> None:
    with Outbox(folder, create=False) as outbox:
        assert (outbox.bodies(), outbox.last_uses(), outbox.entries(*State)) == ([], {}, [])
        outbox.verify()
    assert not folder.exists()
    with Outbox(folder) as outbox:
        add(outbox)
    with Outbox(folder, create=False) as outbox:
        assert len(outbox.bodies()) == 1


def test_verifying_finds_what_opening_does_not(folder: Path, failure: Any) -> None:
    with Outbox(folder) as outbox:
        for number in range(200):
            add(outbox, f"Body {number}.")
        outbox.verify()
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, '(state)', '(prompt)')")
    with Outbox(folder) as outbox:
        assert "restore a backup" in str(failure(StateError, outbox.verify))


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all, but of some length" * 200)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def a_bad_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:4200] = b"\xff" * 104
    path.write_bytes(content)


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cats (name TEXT)")


@pytest.mark.parametrize("damage", [garbage, empty, half, a_bad_page, foreign])
def test_a_damaged_outbox_is_not_replaced(folder: Path, failure: Any, damage: Any) -> None:
    with Outbox(folder) as outbox:
        for number in range(50):
            add(outbox, f"Body {number}.")
    damage(folder / FILE)
    before = (folder / FILE).read_bytes()
    error = failure(StateError, Outbox, folder)
    assert error.exit_code == 3
    assert "restore a backup" in str(error)
    assert (folder / FILE).read_bytes() == before


def test_an_outbox_that_is_out_of_reach_is_not_replaced(
    folder: Path, tmp_path: Path, failure: Any
) -> None:
    folder.mkdir()
    (folder / FILE).symlink_to(tmp_path / "a disk that is not there" / FILE)
    failure(StateError, Outbox, folder)
    assert (folder / FILE).is_symlink()


def test_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    for _ in range(2):
        with Outbox(tmp_path / "50% of ünïcode? #1 & more") as outbox:
            add(outbox)
    assert len(outbox.path.read_bytes()) > 0


def test_a_newer_schema_is_left_alone(folder: Path, failure: Any) -> None:
    with Outbox(folder):
        pass
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.execute("PRAGMA user_version = 99")
    assert "upgrade" in str(failure(StateError, Outbox, folder))


def test_an_older_schema_is_brought_up_to_date(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Outbox(folder) as outbox:
        add(outbox)
    newer = ("CREATE TABLE cats (name TEXT)",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, newer))
    for _ in range(2):
        with Outbox(folder) as outbox:
            assert len(outbox.entries(*PENDING)) == 1
            assert outbox._db.execute("SELECT count(*) FROM cats").fetchone()[0] == 0


def test_a_migration_happens_wholly_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failure: Any
) -> None:
    with Outbox(folder) as outbox:
        add(outbox)
    broken = ("CREATE TABLE limits (until REAL)", "CREATE TABLE limits (until REAL)")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        failure(StateError, Outbox, folder)
    with Outbox(folder) as outbox:
        assert len(outbox.entries(*PENDING)) == 1
        assert not outbox._db.execute("SELECT 1 FROM sqlite_schema WHERE name='limits'").fetchall()


def test_what_a_killed_creation_left_does_not_matter(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{FILE}.new").write_bytes(b"half a datab")
    with Outbox(folder) as outbox:
        add(outbox)
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_a_locked_outbox(
    folder: Path, outbox: Outbox, failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    with Outbox(folder) as second, closing(sqlite3.connect(folder / FILE)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another program has it open" in str(failure(StateError, add, second))


def test_no_folder_can_be_made(tmp_path: Path, failure: Any) -> None:
    (tmp_path / "file").touch()
    assert "state_dir" in str(failure(StateError, Outbox, tmp_path / "file" / "state"))


ADD = """
import os, resource, sys
from pathlib import Path
from gpt2bot.errors import StateError
from gpt2bot.posting.outbox import Outbox
from gpt2bot.tweets.tweet import Tweet
outbox = Outbox(Path(sys.argv[1]))
def add():
    outbox.add(Tweet("x" * 200, "#GPT2", ""), model="demo", seed=None, now=1.0)
add()
"""


def in_a_process(folder: Path, code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(folder)], capture_output=True, text=True
    )
    assert run.stderr == ""
    return run.stdout


def test_a_full_disk(folder: Path) -> None:
    fill = """
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
try:
    for number in range(1000):
        add()
except StateError as error:
    print(number, error)
outbox.close()
"""
    number, said = in_a_process(folder, ADD + fill).split(" ", 1)
    assert "cannot use the outbox" in said
    assert "space on that disk" in said
    with Outbox(folder) as outbox:
        assert len(outbox.entries(*PENDING)) == int(number) + 1, (
            "all that were reported, and no other"
        )


def test_a_folder_that_is_not_ours(folder: Path) -> None:
    with Outbox(folder) as outbox:
        add(outbox)
    (folder / FILE).chmod(0o400)
    folder.chmod(0o500)
    said = in_a_process(
        folder,
        f"""
import sqlite3
{ADD.split("outbox =", maxsplit=1)[0]}
if os.getuid() == 0:
    os.setuid(65534)
try:
    with Outbox(Path(sys.argv[1])) as outbox:
        outbox.add(Tweet("x", "#GPT2", ""), model="demo", seed=None, now=1.0)
except StateError as error:
    print(error)
""",
    )
    folder.chmod(0o700)
    assert "writable for the user who runs the bot" in said
