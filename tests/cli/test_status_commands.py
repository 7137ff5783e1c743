"""`gpt2bot status` and `gpt2bot history`, as an owner reads them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.posting.outbox import Outbox, State
from gpt2bot.posting.runs import recorded
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.home import Home
from tests.fakes.x_server import KEYS

if TYPE_CHECKING:
    from pathlib import Path

LABEL = "#GPT2 #AIgenerated"
FIRST = Tweet("The first tweet rains on Zoë & her <old> umbrella. ☔", LABEL, "The first tweet")
SECOND = Tweet("The second tweet is about the sun.", LABEL, "The second tweet")
NOON = 1_795_780_800.0  # 2026-11-27 12:00:00 UTC
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+"
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """At a time that is no midnight, and stands still."""
    return Home(tmp_path, NOON)


@pytest.fixture
def state(home: Home) -> Path:
    return home.path / ".local/state/gpt2bot"


@pytest.fixture
def troubled(state: Path) -> None:
    """A bot that posted a tweet, and does not know what became of the next one."""
    with Outbox(state) as outbox, recorded(outbox, lambda: NOON) as statistics:
        entry = outbox.add(FIRST, model="124M", seed=7, now=NOON)
        entry = outbox.begin(entry, account="1", now=NOON)
        outbox.finish(entry, State.POSTED, now=NOON, tweet_id="1990")
        statistics.count(["url", "mention"])
        statistics.count(["url"])
        statistics.count([])
    with Outbox(state) as outbox, outbox.transaction() as db:
        db.execute("UPDATE runs SET exit_code = 8, message = 'nobody knows'")
        db.execute("INSERT INTO runs (started_at) VALUES (?)", (NOON,))
    with Outbox(state) as outbox:
        entry = outbox.add(SECOND, model="124M", seed=8, now=NOON)
        entry = outbox.begin(entry, account="1", now=NOON)
        outbox.finish(entry, State.UNKNOWN, now=NOON, note="the connection broke")


def test_of_a_bot_that_never_ran(home: Home) -> None:
    shown = home.run("status")
    assert (shown.returncode, shown.stderr) == (0, "")
    for line in ("Last runs   none yet", "Last tweet  none yet", "Next post   may go out now"):
        assert line in shown.stdout.splitlines()
    past = home.run("history")
    assert (past.returncode, past.stdout, past.stderr) == (
        0,
        "",
        "gpt2bot: no tweet has been drafted yet\n",
    )
    assert home.files() == [], "looking leaves nothing behind"


@pytest.mark.usefixtures("troubled")
def test_of_a_bot_in_trouble(home: Home) -> None:
    shown = home.run("status", GPT2BOT_LIMITS__MAX_POSTS_PER_DAY="2")
    assert shown.returncode == 0
    patterns = (
        rf"Last runs   {TIME}  not ended: still running, or killed",
        rf"            {TIME}  exit 8: nobody knows",
        rf"Last tweet  {TIME}  https://x\.com/i/status/1990",
        f"            {re.escape(FIRST.body)}",
        rf"Pending     tweet 2: unknown since {TIME}, attempts: 1",
        "            the connection broke",
        f"            {SECOND.body}",
        r"Posts       today 2 \(\$0\.03\), in 24 hours 2 of 2, this month 2 \(.* of \$5\.00\)",
        rf"Next post   may go out from {TIME}, because limits\.max_posts_per_day is 2",
        "            must wait, because what became of tweet 2 is not known: .* on the account",
        "Rejected    2 of 3 candidates this month: url 2, mention 1",
    )
    lines = iter(shown.stdout.splitlines())
    for pattern in patterns:
        assert any(re.fullmatch(pattern, line) for line in lines), pattern


@pytest.mark.usefixtures("troubled")
@pytest.mark.parametrize("command", ["status", "history", "check"])
def test_times_are_those_of_cron_or_on_demand_those_of_x(home: Home, command: str) -> None:
    """A zone in which a time is on another day, or in another hour, than in UTC."""

    def zones(*argv: str) -> set[str]:
        shown = home.run(command, *argv, TZ="<+1245>-12:45").stdout
        return set(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ([\w+:]+)", shown))

    assert zones() == {"+12:45"}
    assert zones("--utc") == {"UTC"}


@pytest.mark.usefixtures("troubled")
@pytest.mark.parametrize("command", ["status", "history"])
def test_programs_are_shown_utc_wherever_they_run(home: Home, command: str) -> None:
    there = home.run(command, "--json", TZ="<+1245>-12:45").stdout
    assert there == home.run(command, "--json", "--utc", TZ="UTC0").stdout
    assert "+12:45" not in there


@pytest.mark.usefixtures("troubled")
def test_status_for_programs(home: Home) -> None:
    shown = json.loads(home.run("status", "--json").stdout)
    assert shown["last"]["url"] == "https://x.com/i/status/1990"
    assert [(entry["id"], entry["text"]) for entry in shown["pending"]] == [(2, SECOND.text)]
    assert "what became of tweet 2 is not known" in shown["obstacle"]
    assert [(run["exit_code"], run["message"]) for run in shown["runs"]] == [
        (None, ""),
        (8, "nobody knows"),
    ]
    assert ISO.fullmatch(shown["runs"][1]["ended_at"])
    assert ISO.fullmatch(shown["not_before"])
    assert shown["posts"]["last_24_hours"] == 2
    assert shown["cost_usd"]["monthly_budget"] == 5.0
    assert shown["candidates"] == {
        "drafted": 3,
        "rejected": 2,
        "by_rule": {"url": 2, "mention": 1},
    }


@pytest.mark.usefixtures("troubled")
def test_history(home: Home) -> None:
    shown = home.run("history").stdout
    second, first = shown.split("\n\n")
    assert re.fullmatch(
        f"{TIME}  tweet 2  unknown  124M  the connection broke", second.splitlines()[0]
    )
    assert second.endswith(f"\n{SECOND.text}")
    assert re.fullmatch(
        rf"{TIME}  tweet 1  posted  124M  https://x\.com/i/status/1990", first.splitlines()[0]
    )
    assert home.run("history", "--limit", "1").stdout == f"{second}\n"


@pytest.mark.usefixtures("troubled")
def test_history_for_programs(home: Home) -> None:
    entries = [json.loads(line) for line in home.run("history", "--json").stdout.splitlines()]
    assert [(entry["id"], entry["status"]) for entry in entries] == [(2, "unknown"), (1, "posted")]
    last = entries[1]
    assert (last["text"], last["length"], last["prompt"]) == (
        FIRST.text,
        FIRST.length,
        FIRST.prompt,
    )
    assert (last["model"], last["seed"], last["tweet_id"]) == ("124M", 7, "1990")
    assert ISO.fullmatch(last["created_at"])


def test_a_memory_that_cannot_be_read_is_told(home: Home, state: Path) -> None:
    with Outbox(state):
        pass
    (state / "outbox.sqlite3").write_bytes(b"")
    for command in ("status", "history"):
        shown = home.run(command)
        assert (shown.returncode, shown.stdout) == (3, "")
        assert "restore a backup" in shown.stderr


@pytest.mark.parametrize("limit", ["0", "1000001", "9" * 30, "all"])
def test_a_limit_that_cannot_be(home: Home, limit: str) -> None:
    assert home.run("history", "--limit", limit).returncode == 2


@pytest.mark.usefixtures("troubled")
def test_looking_changes_nothing_and_shows_no_key(home: Home, state: Path) -> None:
    keys: dict[str, Any] = {f"GPT2BOT_X__{name.upper()}": key for name, key in KEYS.items()}
    before = {path: path.read_bytes() for path in state.iterdir()}
    for command in ("status", "history"):
        shown = home.run(command, **keys)
        assert not [key for key in KEYS.values() if key in shown.stdout + shown.stderr]
    assert {path: path.read_bytes() for path in state.iterdir()} == before
