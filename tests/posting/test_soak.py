"""The soak test in its short form, and that its verdict can be a bad one."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes.x_server import KEYS
from tests.soak.faults import SITUATIONS
from tests.soak.verdict import BROKEN, judge_account, judge_answer, judge_run
from tests.soak.world import End, Row

ROOT = Path(__file__).parents[2]
RUNS = 70

TEXT = "The old man went to the market and bought an umbrella.\n#GPT2 #AIgenerated"
REPORT = f"{TEXT}\n[72/280] demo, https://x.com/i/status/7\n"
TIMELINE = {"7": TEXT}
ROW = Row(
    id=1,
    state="posted",
    text=TEXT,
    prompt="The old man",
    label="#GPT2 #AIgenerated",
    tweet_id="7",
    attempts=1,
    attempted_at=0.0,
    note="",
)
END = End("run-1", 0, REPORT, "", 0.1)


def test_seventy_runs() -> None:
    soak = subprocess.run(
        [sys.executable, "-m", "tests.soak", "--runs", str(RUNS), "--seed", "4"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert soak.returncode == 0, soak.stdout + soak.stderr

    cell = re.compile(r"(\d+)  (.+?)(?:  |$)", re.MULTILINE)
    tables = {
        title: {name: int(count) for count, name in cell.findall(rows)}
        for title, _, rows in (table.partition("\n") for table in soak.stdout.split("\n\n"))
    }

    assert tables["broken"] == dict.fromkeys(BROKEN, 0)
    # And things did go wrong: how many of each depends on when a signal comes.
    tweets = tables["tweets"]
    assert tweets["posted"] > RUNS / 4
    assert tweets["reconciled: found"] + tweets["reconciled: absent"] > 2
    assert len(tables["exit codes"]) > 4
    assert sum(tables["faults met"].values()) > RUNS / 4
    assert sum(tables["stopped runs, by the state of the tweet"].values()) > 2


@pytest.mark.parametrize(
    ("rows", "timeline", "name"),
    [
        ([ROW], {"7": TEXT, "8": TEXT}, "duplicates"),
        ([], {}, "lost"),
        ([ROW], {}, "lost"),
        ([ROW], {"8": TEXT}, "lost"),
        ([replace(ROW, state="refused", tweet_id=None)], TIMELINE, "disagreements"),
        ([], TIMELINE, "disagreements"),
        ([replace(ROW, state="ready", tweet_id=None)], {}, "left open"),
        ([replace(ROW, state="unknown", tweet_id=None)], TIMELINE, "left open"),
        ([replace(ROW, attempts=0)], TIMELINE, "unrecorded"),
        ([replace(ROW, label="#Other")], TIMELINE, "unlabelled"),
        ([replace(ROW, text=TEXT.replace("an", "@an"))], {"7": TEXT.replace("an", "@an")}, "unfit"),
    ],
)
def test_a_bad_end_is_seen(rows: list[Row], timeline: dict[str, str], name: str) -> None:
    assert not list(judge_account([ROW], TIMELINE, {TEXT}, 1))
    assert name in [violation.name for violation in judge_account(rows, timeline, {TEXT}, 1)]


@pytest.mark.parametrize(
    ("name", "code", "state", "asked"),
    [
        ("400", 6, "ready", {"POST"}),
        ("400 too long", 6, "refused", {"POST"}),
        ("403 page", 8, "ready", {"POST"}),
        ("code 187: duplicate", 6, "refused", {"POST"}),
        ("403 taken for spam", 7, "ready", {"POST"}),
        ("5xx after acceptance", 8, "unknown", {"GET", "POST"}),
        ("403 taken for spam", 8, "unknown", {"GET"}),
    ],
)
def test_a_tweet_in_a_wrong_state_is_seen(
    name: str, code: int, state: str, asked: set[str]
) -> None:
    [situation] = [situation for situation in SITUATIONS if situation.name == name]
    end = replace(END, code=code)
    sent = replace(ROW, state="unknown" if "POST" not in asked else "ready", attempts=1)
    attempts = sent.attempts + ("POST" in asked)
    for found in ("ready", "refused", "posted", "unknown"):
        after = {1: replace(sent, state=found, attempts=attempts)}
        violations = list(judge_answer(situation, end, asked, {1: sent}, after))
        assert [v.name for v in violations] == ([] if found == state else ["wrong states"])


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (replace(END, code=None), "hung"),
        (replace(END, code=6, out="", err="gpt2bot: no\n"), "unexpected exit codes"),
        (replace(END, code=1, out="", err="Traceback (most recent call last):"), "tracebacks"),
        (replace(END, err=f"gpt2bot: {KEYS['access_token']}\n"), "secrets shown"),
        (replace(END, err="ResourceWarning: unclosed\n"), "stray lines"),
        (replace(END, out=""), "false reports"),
        (replace(END, out=REPORT.replace("/7", "/8")), "false reports"),
        (replace(END, out=REPORT.replace("old", "new")), "false reports"),
        (replace(END, code=8), "false reports"),
        (replace(END, code=8, out=""), "false reports"),
    ],
)
def test_a_bad_run_is_seen(end: End, name: str) -> None:
    assert not list(judge_run(END, {0, 8}, TIMELINE))
    assert name in [violation.name for violation in judge_run(end, {0, 8}, TIMELINE)]
