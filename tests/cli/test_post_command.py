"""The real command `gpt2bot post`, in processes of its own, against a server as strict as X.

Most runs find tweets that an earlier run left ready, so that no model is needed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gpt2bot.gpt2.download.registry import FILES, find_model
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox, State
from gpt2bot.posting.runs import recent_runs, statistics_since
from gpt2bot.posting.state_folder import exclusive
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.waiting import HANG
from tests.fakes.x_server import KEYS, Fault, XServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.home import Home

LABEL = "#GPT2 #AIgenerated"
FIRST = Tweet("The first tweet rains on Zoë & her <old> umbrella. ☔", LABEL, "The first tweet")
SECOND = Tweet("The second tweet is about the sun.", LABEL, "The second tweet")


@dataclass
class Bot:
    """A bot's folder, and how its command is run."""

    x: XServer
    folder: Path
    settings: dict[str, str] = field(
        default_factory=lambda: {"GPT2BOT_LIMITS__MIN_MINUTES_BETWEEN_POSTS": "0"}
    )

    def start(self, *arguments: str, timeout: float = 600) -> subprocess.Popen[str]:
        """Starts `gpt2bot post`, which waits so many seconds for X: usually as many as may be."""
        kept = {name: v for name, v in os.environ.items() if not name.startswith("GPT2BOT_")}
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "gpt2bot", "post", *arguments],
            env={
                **kept,
                **self.x.environment,
                "GPT2BOT_STATE_DIR": str(self.folder),
                "GPT2BOT_X__TIMEOUT": str(timeout),
                "LC_ALL": "C",
                **self.settings,
            },
            cwd=self.folder.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, which hold no secret and no traceback."""
        out, err = process.communicate(timeout=HANG)
        assert not [name for name, key in KEYS.items() if key in out + err]
        assert "Traceback" not in err
        return process.returncode, out, err

    def post(self, *arguments: str, timeout: float = 600) -> tuple[int, str, str]:
        return self.end(self.start(*arguments, timeout=timeout))

    def let_time_pass(self, seconds: float) -> None:
        """Makes all that is remembered so much older."""
        with Outbox(self.folder) as outbox, outbox.transaction() as db:
            for name in ("created_at", "attempted_at"):
                db.execute(f"UPDATE tweets SET {name} = {name} - ?", (seconds,))
            db.execute("UPDATE refusals SET told_at = told_at - ?1, until = until - ?1", (seconds,))

    def leave_ready(self, *tweets: Tweet) -> None:
        with Outbox(self.folder) as outbox:
            for tweet in tweets:
                outbox.add(tweet, model="demo", seed=7, now=time.time())

    @property
    def states(self) -> list[str]:
        with Outbox(self.folder) as outbox:
            return [entry.state.value for entry in outbox.entries(*State)]


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with XServer() as x:
        yield Bot(x, tmp_path / "state")


def test_posts_what_an_earlier_run_left(bot: Bot) -> None:
    bot.leave_ready(FIRST, SECOND)
    code, out, err = bot.post()
    assert (code, bot.x.texts, bot.states) == (0, [FIRST.text], ["posted", "ready"])
    assert FIRST.text in out
    assert f"https://x.com/i/status/{bot.x.timeline[0]['id']}" in out
    assert err.count("\n") == 1, "that it is an earlier run's tweet"


def test_json(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    code, out, _ = bot.post("--json")
    assert code == 0
    assert json.loads(out) == {
        "text": FIRST.text,
        "length": FIRST.length,
        "prompt": FIRST.prompt,
        "accepted": True,
        "reasons": [],
        "model": "demo",
        "seed": 7,
        "status": "posted",
        "tweet_id": bot.x.timeline[0]["id"],
    }


def test_the_bundled_model_does_not_post_unless_it_is_named(bot: Bot) -> None:
    """Not even what is ready: somebody has to say first which model this account is for."""
    bot.leave_ready(FIRST)
    before = {path: path.read_bytes() for path in bot.folder.iterdir()}
    del bot.x.environment["GPT2BOT_MODEL"]
    code, out, err = bot.post()
    assert (code, out, bot.x.requests) == (4, "", [])
    assert 'set it in config.toml to "demo", the small bundled model' in err
    assert {path: path.read_bytes() for path in bot.folder.iterdir()} == before
    (bot.folder.parent / "config.toml").write_text('model = "demo"')
    assert bot.post()[0] == 0
    assert bot.x.texts == [FIRST.text]


def test_a_run_of_cron_that_has_to_compile_its_model_first_says_nothing_of_it(bot: Bot) -> None:
    demo, folder = find_model("demo", bot.folder), bot.folder.parent / "models" / "mine"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).symlink_to(demo / name)
    bot.settings |= {"GPT2BOT_MODELS_DIR": str(folder.parent), "GPT2BOT_MODEL": "mine"}
    code, out, err = bot.post()
    assert (code, err) == (0, "")
    assert f"] mine, https://x.com/i/status/{bot.x.timeline[0]['id']}" in out
    assert list(folder.glob("litert-*/manifest.json"))


@pytest.mark.parametrize(
    ("fault", "exit_code", "state"),
    [
        (Fault("answer", status=400), 6, "ready"),
        (Fault("answer", status=400, body=b'{"errors": [{"code": 186}]}'), 6, "refused"),
        (Fault("answer", status=401), 6, "ready"),
        (Fault("answer", status=402), 7, "ready"),
        (Fault("answer", status=403), 6, "ready"),
        (Fault("answer", status=403, body=b'{"errors": [{"code": 187}]}'), 6, "refused"),
        (Fault("answer", status=403, body=b"<html>"), 8, "ready"),
        (Fault("answer", status=429), 7, "ready"),
        (Fault("answer", status=503), 8, "unknown"),
        (Fault("answer", status=201, body=b"?", accept=True), 8, "unknown"),
        (Fault("drop", accept=True), 8, "unknown"),
    ],
)
def test_every_failure_has_its_exit_code_and_one_line(
    bot: Bot, fault: Fault, exit_code: int, state: str
) -> None:
    bot.leave_ready(FIRST)
    bot.x.faults.append(fault)
    code, out, err = bot.post()
    assert (code, out, bot.states) == (exit_code, "", [state])
    assert err.count("\n") == 2, "that it is an earlier run's tweet, and what is wrong"


@pytest.mark.parametrize("name", KEYS)
def test_a_wrong_key(bot: Bot, name: str) -> None:
    bot.leave_ready(FIRST)
    wrong = KEYS[name][:-1] + "x"
    bot.settings[f"GPT2BOT_X__{name.upper()}"] = wrong
    code, out, err = bot.post()
    assert (code, bot.states, bot.x.timeline) == (6, ["ready"], [])
    assert wrong not in out + err


def test_no_key(bot: Bot) -> None:
    bot.settings["GPT2BOT_X__ACCESS_TOKEN_SECRET"] = ""
    code, _, err = bot.post()
    assert code == 3
    assert "access_token_secret" in err
    assert not bot.x.requests
    assert not bot.folder.exists()


def test_a_mistyped_flag_never_posts(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    assert bot.post("--dryrun")[0] == 2
    assert (bot.states, bot.x.requests) == (["ready"], [])


def test_x_cannot_be_reached(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    bot.x.proxy.status = "502 Bad gateway"
    assert bot.post()[0] == 8
    assert bot.states == ["ready"]
    bot.x.proxy.status = "200 Connection established"
    assert bot.post()[0] == 0
    assert bot.x.texts == [FIRST.text]


@pytest.mark.parametrize("accepted", [True, False])
def test_no_answer_comes(bot: Bot, accepted: bool) -> None:
    bot.leave_ready(FIRST, SECOND)
    bot.x.faults.append(Fault("hang", accept=accepted))
    for timeout in bot.x.timeouts():
        assert bot.post(timeout=timeout)[0] == 8
    assert bot.states == ["unknown", "ready"]
    bot.let_time_pass(600)
    code, _, err = bot.post()
    assert code == 0
    assert bot.states == (["posted", "posted"] if accepted else ["posted", "ready"])
    assert bot.x.texts == ([FIRST.text, SECOND.text] if accepted else [FIRST.text])
    assert ("earlier run was posted" in err) == accepted


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_stopped_before_the_answer(bot: Bot, signal_: signal.Signals) -> None:
    bot.leave_ready(FIRST, SECOND)
    bot.x.faults.append(Fault("hang", accept=True))
    process = bot.start()
    assert bot.x.arrived.wait(HANG)
    process.send_signal(signal_)
    code, out, err = bot.end(process)
    assert code == (-9 if signal_ == signal.SIGKILL else 128 + signal_)
    if code > 0:
        word = "interrupted" if signal_ == signal.SIGINT else "stopped"
        what = "while the tweet was being sent: the next run finds out whether it was posted"
        assert err.splitlines()[1:] == [f"gpt2bot: {word} {what}"]
    assert (out, bot.states) == ("", ["posting", "ready"])
    assert bot.post()[0] == 0
    assert bot.x.texts == [FIRST.text, SECOND.text]
    assert bot.states == ["posted", "posted"]


def test_while_a_fate_is_open_nothing_is_posted(bot: Bot) -> None:
    bot.leave_ready(FIRST, SECOND)
    bot.x.faults += [Fault("drop"), Fault("answer", method="GET", status=503)]
    assert bot.post()[0] == 8
    code, out, err = bot.post()
    assert (code, out, bot.states) == (8, "", ["unknown", "ready"])
    assert "503" in err
    assert [method for method, _ in bot.x.requests] == ["POST", "GET"]


def test_a_slip_in_a_cron_line_does_no_harm(bot: Bot) -> None:
    bot.leave_ready(FIRST, SECOND)
    bot.settings["GPT2BOT_LIMITS__MAX_POSTS_PER_DAY"] = "1"
    assert bot.post()[0] == 0
    for _ in range(2):
        code, out, err = bot.post()
        assert (code, out, err.count("\n")) == (7, "", 1)
        assert re.search(
            r"from 20\d\d-\d\d-\d\d \d\d:\d\d:00 \S+, because limits.max_posts_per_day is 1$", err
        )
    assert (bot.x.texts, bot.states) == ([FIRST.text], ["posted", "ready"])
    assert len(bot.x.requests) == 1


def test_posts_are_ten_minutes_apart_unless_the_owner_says_otherwise(bot: Bot) -> None:
    bot.leave_ready(FIRST, SECOND)
    del bot.settings["GPT2BOT_LIMITS__MIN_MINUTES_BETWEEN_POSTS"]
    assert bot.post()[0] == 0
    assert bot.post()[0] == 7
    assert bot.x.texts == [FIRST.text]


def test_what_is_unknown_is_settled_before_any_limit(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    bot.settings["GPT2BOT_LIMITS__MAX_POSTS_PER_DAY"] = "1"
    bot.x.faults.append(Fault("drop", accept=True))
    assert bot.post()[0] == 8
    assert bot.post()[0] == 7
    assert bot.states == ["posted"]


def test_before_the_time_that_x_names_it_is_not_asked_again(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    bot.x.remaining, bot.x.reset = 0, int(time.time()) + 3600
    assert bot.post()[0] == 7
    code, _, err = bot.post()
    assert code == 7
    assert "X accepts no more posts" in err
    assert len(bot.x.requests) == 1
    bot.let_time_pass(3600)
    bot.x.remaining = 1
    assert bot.post()[0] == 0
    assert bot.x.texts == [FIRST.text]


def test_every_run_is_in_the_diary(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    bot.x.faults += [Fault("answer", status=401), Fault("hang", accept=True)]
    assert bot.post()[0] == 6
    bot.x.arrived.clear()
    killed = bot.start()
    assert bot.x.arrived.wait(HANG)
    killed.kill()
    bot.end(killed)
    bot.settings["GPT2BOT_FILTER__MIN_CHARACTERS"] = "250"
    bot.settings["PYTHONWARNINGS"] = "default"
    assert bot.post()[0] == 5
    with Outbox(bot.folder) as outbox:
        runs, statistics = recent_runs(outbox, 9), statistics_since(outbox, 0.0)
    assert [run.exit_code for run in runs] == [5, None, 6]
    assert "lower filter.min_words (6) or filter.min_characters (250)" in runs[0].message
    assert (statistics.drafted, statistics.rejected, statistics.rules["too_short"]) == (40, 40, 40)


class TestDryRun:
    """It shows what `post` would do, needs no keys, sends nothing and writes nothing."""

    def run(self, bot: Bot, *arguments: str) -> tuple[int, str, str]:
        before = {path: path.read_bytes() for path in bot.folder.glob("*")}
        keyless = {f"GPT2BOT_X__{name.upper()}": "" for name in KEYS}
        process = Bot(bot.x, bot.folder, {**bot.settings, **keyless})
        ended = process.post("--dry-run", *arguments)
        assert {path: path.read_bytes() for path in bot.folder.glob("*")} == before
        assert not bot.x.requests
        return ended

    def test_the_tweet_that_is_ready(self, bot: Bot) -> None:
        bot.settings["GPT2BOT_MODEL"] = "absent"
        bot.leave_ready(FIRST, SECOND)
        code, out, err = self.run(bot)
        assert (code, err) == (0, "")
        assert out == (
            f"{FIRST.text}\n[{FIRST.length}/280] demo, dry run: not posted;"
            " tweet 1 of the outbox, left ready by an earlier run\n"
        )
        code, out, _ = self.run(bot, "--json")
        shown = json.loads(out)
        assert (shown["text"], shown["model"], shown["seed"]) == (FIRST.text, "demo", 7)
        assert (shown["status"], shown["tweet_id"], shown["id"]) == ("dry-run", None, 1)

    def test_a_new_tweet(self, bot: Bot) -> None:
        bot.settings["PYTHONWARNINGS"] = "default"
        code, out, err = self.run(bot, "--json", "--prompt", "The old man")
        assert code == 0, err
        shown = json.loads(out)
        assert shown["text"].startswith("The old man")
        assert (shown["status"], shown["id"]) == ("dry-run", None)
        assert not bot.folder.exists()

    def test_a_limit(self, bot: Bot) -> None:
        bot.leave_ready(FIRST, SECOND)
        assert bot.post()[0] == 0
        bot.x.requests.clear()
        bot.settings["GPT2BOT_LIMITS__MAX_POSTS_PER_DAY"] = "1"
        dry, wet = self.run(bot), bot.post()
        assert dry == wet
        assert (dry[0], dry[1]) == (7, "")
        assert "limits.max_posts_per_day is 1" in dry[2]

    def test_an_attempt_whose_fate_is_unknown(self, bot: Bot) -> None:
        bot.leave_ready(FIRST, SECOND)
        bot.x.faults.append(Fault("drop"))
        assert bot.post()[0] == 8
        bot.x.requests.clear()
        code, out, err = self.run(bot)
        assert code == 0
        assert out.startswith(SECOND.text)
        assert (err.count("\n"), "first looks for it on the account" in err) == (1, True)

    def test_a_tweet_that_is_damaged(self, bot: Bot) -> None:
        bot.leave_ready(FIRST)
        with closing(sqlite3.connect(bot.folder / FILE)) as db, db:
            db.execute("UPDATE tweets SET body = hex(zeroblob(200))")
        dry, wet = self.run(bot), bot.post()
        assert dry[0] == wet[0] == 3
        assert dry[2].splitlines()[-1] == wet[2].splitlines()[-1]


class TestPrompt:
    """A prompt is used for the tweet that is posted, or refused: it is never dropped."""

    @pytest.mark.parametrize("argument", ["--dry-run", "--json"])
    def test_while_a_tweet_is_ready(self, bot: Bot, argument: str) -> None:
        bot.leave_ready(FIRST)
        code, out, err = bot.post("--prompt", "The old man", argument)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "tweet 1 of an earlier run is ready and goes first" in err
        assert (bot.states, bot.x.requests) == (["ready"], [])

    def test_a_limit_does_not_hide_it(self, bot: Bot) -> None:
        bot.leave_ready(FIRST, SECOND)
        assert bot.post()[0] == 0
        bot.settings["GPT2BOT_LIMITS__MAX_POSTS_PER_DAY"] = "1"
        assert bot.post("--prompt", "The old man")[0] == 2

    def test_while_another_run_is_at_work(self, bot: Bot) -> None:
        bot.leave_ready(FIRST)
        with exclusive(bot.folder):
            assert bot.post("--prompt", "The old man")[0] == 9

    def test_after_an_attempt_that_did_not_arrive(self, bot: Bot) -> None:
        bot.leave_ready(FIRST)
        bot.x.faults.append(Fault("drop"))
        assert bot.post()[0] == 8
        bot.let_time_pass(600)  # so that it is no longer on its way
        assert bot.post("--prompt", "The old man")[0] == 2
        assert (bot.states, bot.x.texts) == (["ready"], [])
        assert [method for method, _ in bot.x.requests] == ["POST", "GET"]

    def test_after_an_attempt_that_arrived(self, bot: Bot) -> None:
        bot.leave_ready(FIRST)
        bot.x.faults.append(Fault("drop", accept=True))
        bot.settings["PYTHONWARNINGS"] = "default"
        assert bot.post()[0] == 8
        assert bot.post("--prompt", "The old man")[0] == 0
        assert bot.x.texts[0] == FIRST.text
        assert bot.x.texts[1].startswith("The old man")

    @pytest.mark.parametrize("prompt", ["What the fuck is", "ha ha ha ha", "Buy $TSLA", "by @me"])
    @pytest.mark.parametrize("command", [["post"], ["post", "--dry-run"], ["sample"]])
    def test_after_which_no_tweet_can_pass(
        self, home: Home, x: XServer, command: list[str], prompt: str
    ) -> None:
        run = home.run(*command, "--prompt", prompt, **x.environment)
        assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
        assert run.stderr.startswith("gpt2bot: --prompt: ")
        assert not x.requests


def test_two_at_once(bot: Bot) -> None:
    bot.leave_ready(FIRST, SECOND)
    bot.x.faults.append(Fault("hang"))
    first = bot.start()
    assert bot.x.arrived.wait(HANG)
    code, out, err = bot.post()
    assert (code, out, err.count("\n")) == (9, "", 1)
    assert len(bot.x.requests) == 1
    first.kill()
    bot.end(first)


def test_a_damaged_outbox_stops_the_bot(bot: Bot) -> None:
    bot.leave_ready(FIRST)
    (bot.folder / FILE).write_bytes(b"")
    code, _, err = bot.post()
    assert (code, bot.x.requests) == (3, [])
    assert "restore a backup" in err
    assert (bot.folder / FILE).read_bytes() == b""


def test_drafts_labels_and_posts_a_tweet_and_another_the_next_time(bot: Bot) -> None:
    bot.settings["GPT2BOT_TWEETS__PROMPTS"] = '["The old man", "Once upon a time"]'
    bot.settings["PYTHONWARNINGS"] = "default"
    prompts = set()
    for number in (1, 2):
        code, out, err = bot.post("--json")
        assert code == 0, err
        tweet = json.loads(out)
        prompts.add(tweet["prompt"])
        assert tweet["text"].startswith(tweet["prompt"])
        assert tweet["text"].endswith(f"\n{LABEL}")
        assert tweet["text"] == bot.x.texts[-1]
        assert len(bot.x.texts) == number
    assert prompts == {"The old man", "Once upon a time"}
    assert bot.states == ["posted", "posted"]
