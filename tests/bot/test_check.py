"""`gpt2bot check`: says that all is well, or what to do."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gpt2bot.gpt2.download.registry import DEMO, find_model
from gpt2bot.gpt2.litert.build import compile_model
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox
from gpt2bot.posting.state_folder import exclusive
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.x_server import KEYS, XServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.home import Home

SUBJECTS = [
    *("configuration", "keys", "file modes", "model", "compiled", "outbox", "lock", "clock"),
    "limits",
]


@pytest.fixture
def state(home: Home) -> Path:
    return home.path / ".local/state/gpt2bot"


class Checked:
    """What `check` said, by its subjects."""

    def __init__(self, home: Home, *argv: str, **environ: str) -> None:
        run = home.run("check", *argv, **environ)
        self.exit_code, self.stderr = run.returncode, run.stderr
        self.lines = {}
        for line in run.stdout.splitlines():
            matched = re.fullmatch(r"(ok|mend) +(.{14}) (.+)", line)
            assert matched, line
            self.lines[matched[2].strip()] = (matched[1], matched[3])
        assert not [key for key in KEYS.values() if key in run.stdout + run.stderr]

    @property
    def troubles(self) -> list[str]:
        return [subject for subject, (verdict, _) in self.lines.items() if verdict == "mend"]


def test_all_is_well(home: Home, x: XServer, state: Path) -> None:
    checked = Checked(home, **x.environment)
    assert (checked.exit_code, checked.stderr, checked.troubles) == (0, "", [])
    assert list(checked.lines) == SUBJECTS
    assert home.files() == [], "looking leaves nothing behind"
    assert not x.requests, "X is asked only if that is wanted"
    with Outbox(state) as outbox:
        outbox.add(Tweet("Some.", "#GPT2", ""), model="demo", seed=1, now=time.time())
    checked = Checked(home, "--online", **x.environment)
    assert (checked.exit_code, checked.troubles) == (0, [])
    assert checked.lines["outbox"] == ("ok", "sound: 1 ready")
    assert "read-write" in checked.lines["X"][1]
    assert [method for method, _ in x.requests] == ["GET"]


def test_a_wrong_configuration_is_all_there_is_to_say(home: Home) -> None:
    checked = Checked(home, GPT2BOT_SAMPLNG__TOP_K="1")
    assert (checked.exit_code, list(checked.lines)) == (3, ["configuration"])
    assert "did you mean sampling?" in checked.lines["configuration"][1]
    checked = Checked(home, GPT2BOT_TWEETS__LABEL="see example.com")
    assert "configuration" in checked.troubles


def test_a_models_folder_that_is_missing(home: Home, x: XServer) -> None:
    checked = Checked(home, **x.environment, GPT2BOT_MODELS_DIR="/mnt/gone")
    assert (checked.exit_code, list(checked.lines)) == (3, ["configuration"])
    assert "there is no folder /mnt/gone: mount its disk" in checked.lines["configuration"][1]


def test_keys_that_cannot_be_right(home: Home, x: XServer) -> None:
    checked = Checked(home)
    assert (checked.exit_code, checked.troubles) == (3, ["keys"])
    assert "one thing needs mending" in checked.stderr
    token = {"GPT2BOT_X__ACCESS_TOKEN": "none-of-theirs"}
    assert Checked(home, **{**x.environment, **token}).troubles == ["keys"]


@pytest.mark.parametrize("name", ["", FILE])
def test_what_others_can_read(home: Home, x: XServer, state: Path, name: str) -> None:
    with Outbox(state):
        pass
    (state / name).chmod(0o755)
    checked = Checked(home, **x.environment)
    assert checked.troubles == ["file modes"]
    said = checked.lines["file modes"][1]
    assert re.search(rf"chmod [67]00 {re.escape(str(state / name))}", said)


def test_a_configuration_file_with_keys_that_others_can_read(home: Home) -> None:
    keys = "\n".join(f'{name} = "{key}"' for name, key in KEYS.items())
    file = home.write("config.toml", f"[x]\n{keys}")
    file.chmod(0o644)
    checked = Checked(home)
    assert checked.troubles == ["file modes"]
    assert f"chmod 600 {file}" in checked.lines["file modes"][1]


def test_a_model_that_is_not_there_is_told_once(home: Home, x: XServer) -> None:
    checked = Checked(home, **x.environment, GPT2BOT_MODEL="124M")
    assert (checked.exit_code, checked.troubles) == (4, ["model", "compiled"])
    assert "gpt2bot download 124M" in checked.lines["model"][1]
    assert checked.lines["compiled"][1] == "for the same reason as above"


class TestCompiled:
    @pytest.fixture
    def model(self, home: Home) -> Path:
        """A copy of the bundled model, compiled as that is."""
        demo, folder = find_model(DEMO, home.path), home.path / "models" / "mine"
        compile_model(demo)
        other = shutil.ignore_patterns("litert-*-float32")
        shutil.copytree(demo, folder, ignore=other)
        return folder

    def check(self, home: Home, x: XServer) -> Checked:
        return Checked(
            home,
            **x.environment,
            GPT2BOT_MODELS_DIR=str(home.path / "models"),
            GPT2BOT_MODEL="mine",
        )

    @pytest.mark.parametrize("part", ["h0.tflite", "wte.npy", "packed-*/h0.packed"])
    def test_it_is_read_through(self, home: Home, x: XServer, model: Path, part: str) -> None:
        assert self.check(home, x).troubles == []
        path = next(model.glob(f"litert-*/{part}"))
        before, content = path.stat(), bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a bad disk does it
        checked = self.check(home, x)
        assert (checked.exit_code, checked.troubles) == (4, ["compiled"])
        said = checked.lines["compiled"][1]
        assert f"{path} is damaged" in said
        assert "`gpt2bot compile mine`" in said

    def test_it_need_not_be_there_yet(self, home: Home, x: XServer, model: Path) -> None:
        shutil.rmtree(next(model.glob("litert-*")))
        checked = self.check(home, x)
        assert checked.troubles == []
        assert "`gpt2bot compile mine` or the next run does it" in checked.lines["compiled"][1]
        assert not list(model.glob("litert-*"))


def test_the_outbox_is_read_through(home: Home, x: XServer, state: Path) -> None:
    with Outbox(state) as outbox:
        outbox.add(Tweet("Some.", "#GPT2", ""), model="demo", seed=1, now=time.time())
    with closing(sqlite3.connect(state / FILE)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, '(state)', '(prompt)')")
    assert Checked(home, **x.environment).troubles == ["outbox"]


def test_a_damaged_outbox_is_told_once(home: Home, x: XServer, state: Path) -> None:
    with Outbox(state):
        pass
    (state / FILE).write_bytes(b"")
    checked = Checked(home, **x.environment)
    assert (checked.exit_code, checked.troubles) == (3, ["outbox", "clock", "limits"])
    assert "restore a backup" in checked.lines["outbox"][1]
    assert "mend" in checked.stderr


def test_a_run_at_work(home: Home, x: XServer, state: Path) -> None:
    with exclusive(state):
        assert Checked(home, **x.environment).lines["lock"] == ("ok", "a run is at work")
    assert Checked(home, **x.environment).lines["lock"] == ("ok", "free")


def test_a_clock_behind_the_outbox(home: Home, x: XServer, state: Path) -> None:
    with Outbox(state) as outbox:
        outbox.add(Tweet("Some.", "#GPT2", ""), model="demo", seed=1, now=time.time() + 86_400)
    checked = Checked(home, **x.environment)
    assert (checked.exit_code, checked.troubles) == (3, ["clock"])
    assert "set the clock right" in checked.lines["clock"][1]


def test_keys_that_x_refuses(home: Home, x: XServer) -> None:
    x.read_only = True
    checked = Checked(home, "--online", **x.environment)
    assert (checked.exit_code, checked.troubles) == (6, ["X"])
    assert "Read and write" in checked.lines["X"][1]
    wrong = {"GPT2BOT_X__ACCESS_TOKEN_SECRET": "wrong"}
    checked = Checked(home, "--online", **{**x.environment, **wrong})
    assert (checked.exit_code, checked.troubles) == (6, ["X"])
    assert "four keys" in checked.lines["X"][1]


def test_an_x_that_is_out_of_reach(home: Home, x: XServer) -> None:
    x.proxy.status = "502 Bad gateway"
    checked = Checked(home, "--online", **x.environment)
    assert (checked.exit_code, checked.troubles) == (8, ["X"])
