"""`gpt2bot resolve`, and what leads an owner to it, with the real commands."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from gpt2bot.posting.outbox import Outbox, State
from gpt2bot.posting.state_folder import exclusive
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.x_server import USER_ID

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fakes.home import Home
    from tests.fakes.x_server import XServer

LABEL = "#GPT2 #AIgenerated"
TWEET = Tweet("The tweet of which nobody knows.", LABEL, "The tweet")
OFTEN = {"GPT2BOT_LIMITS__MIN_MINUTES_BETWEEN_POSTS": "0"}


@pytest.fixture
def state(home: Home) -> Path:
    return home.path / ".local/state/gpt2bot"


@pytest.fixture
def stuck(x: XServer, state: Path) -> None:
    """An attempt an hour ago, of which nobody knows, and a plan that cannot read."""
    x.plan_lacks = {"timeline"}
    then = time.time() - 3600
    with Outbox(state) as outbox:
        entry = outbox.begin(
            outbox.add(TWEET, model="demo", seed=7, now=then), account=USER_ID, now=then
        )
        outbox.finish(entry, State.UNKNOWN, now=then, note="no answer")


def run(home: Home, x: XServer, *argv: str) -> subprocess.CompletedProcess[str]:
    return home.run(*argv, **x.environment, **OFTEN)


@pytest.mark.usefixtures("stuck")
def test_whoever_is_stuck_is_told_what_to_do(home: Home, x: XServer) -> None:
    shown = run(home, x, "status").stdout
    assert "must wait, because what became of tweet 1 is not known: the next run looks" in shown
    assert "resolve" not in shown

    posted = run(home, x, "post")
    assert posted.returncode == 8
    assert "client-not-enrolled" in posted.stderr or "attached to a Project" in posted.stderr
    assert "`gpt2bot resolve 1 posted` if the tweet is there" in posted.stderr
    assert not x.timeline

    shown = run(home, x, "status").stdout
    assert "Pending     tweet 1: unknown since" in shown
    [next_post] = [line for line in shown.splitlines() if line.startswith("Next post")]
    assert "`gpt2bot resolve 1 posted`" in next_post
    assert "may go out" not in shown
    assert (
        "`gpt2bot resolve 1 absent`"
        in json.loads(run(home, x, "status", "--json").stdout)["obstacle"]
    )

    for online in ((), ("--online",)):
        checked = run(home, x, "check", *online)
        assert checked.returncode == 8
        assert "`gpt2bot resolve 1 posted`" in checked.stdout


@pytest.mark.usefixtures("stuck")
def test_the_tweet_is_there(home: Home, x: XServer) -> None:
    decided = run(home, x, "resolve", "1", "posted", "--tweet-id", "1990000000000000077")
    assert (decided.returncode, decided.stderr) == (0, "")
    assert "https://x.com/i/status/1990000000000000077" in decided.stdout
    assert decided.stdout == run(home, x, "history").stdout
    assert "the owner says that it is on the account" in decided.stdout
    entry = json.loads(run(home, x, "history", "--json").stdout)
    assert (entry["id"], entry["status"]) == (1, "posted")
    assert (entry["tweet_id"], entry["note"]) == (
        "1990000000000000077",
        "the owner says that it is on the account",
    )
    assert "Next post   may go out now" in run(home, x, "status").stdout
    assert not x.requests


@pytest.mark.usefixtures("stuck")
def test_the_tweet_is_there_and_its_id_is_not_known(home: Home, x: XServer) -> None:
    decided = run(home, x, "resolve", "1", "posted")
    assert decided.returncode == 0
    for command in ("status", "history"):
        shown = run(home, x, command).stdout
        assert "None" not in shown
        assert "the owner says that it is on the account" in shown
    assert json.loads(run(home, x, "history", "--json").stdout)["url"] is None


@pytest.mark.usefixtures("stuck")
def test_the_tweet_is_not_there_and_is_posted(home: Home, x: XServer) -> None:
    decided = run(home, x, "resolve", "1", "absent")
    assert decided.returncode == 0
    assert "tweet 1  ready  demo  the owner says that it is not on the account" in decided.stdout
    assert not x.requests
    assert run(home, x, "post").returncode == 0
    assert x.texts == [TWEET.text]


@pytest.mark.usefixtures("stuck")
@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "missing: ID"),
        (("1",), "missing"),
        (("2", "posted"), "there is no tweet 2"),
        (("one", "posted"), "a whole number"),
        (("1.0", "posted"), "a whole number"),
        (("1", "there"), "posted or absent"),
        (("posted", "1"), "a whole number"),
        (("1", "posted", "absent"), "absent"),
        (("1", "absent", "--tweet-id", "77"), "only for a tweet that is posted"),
        (("1", "posted", "--tweet-id", "x"), "not 'x'"),
        (("1", "posted", "--tweet-id"), "--tweet-id needs a value"),
        (("1", "posted", "--dry-run"), "unknown option --dry-run"),
    ],
)
def test_a_wrong_line_decides_nothing(
    home: Home, x: XServer, state: Path, *, argv: tuple[str, ...], words: str
) -> None:
    decided = run(home, x, "resolve", *argv)
    assert (decided.returncode, decided.stdout) == (2, "")
    assert decided.stderr.count("\n") == 1
    assert words in decided.stderr
    with Outbox(state) as outbox:
        assert [entry.note for entry in outbox.entries(State.UNKNOWN)] == ["no answer"]


@pytest.mark.usefixtures("stuck")
def test_while_a_run_is_at_work_nothing_is_decided(home: Home, x: XServer, state: Path) -> None:
    with exclusive(state):
        assert run(home, x, "resolve", "1", "absent").returncode == 9
    with Outbox(state) as outbox:
        assert outbox.entries(State.UNKNOWN)


def test_of_a_bot_that_never_ran(home: Home, x: XServer) -> None:
    decided = run(home, x, "resolve", "1", "posted")
    assert decided.returncode == 2
    assert "there is no tweet 1" in decided.stderr
