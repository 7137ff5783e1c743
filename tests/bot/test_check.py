"""`gpt2bot check`: says that all is well, or what to do."""

from __future__ import annotations

import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpt2bot.bot.check import Finding
from gpt2bot.cli.render import render_finding
from gpt2bot.errors import ConfigurationError
from gpt2bot.gpt2.download.registry import DEMO, find_model
from gpt2bot.gpt2.litert.build import compile_model
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox
from gpt2bot.posting.state_folder import exclusive
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.restricted import has_user_namespaces, unknown_user
from tests.fakes.terminal import read_all
from tests.fakes.x_server import KEYS, USER_ID, Fault, XServer

if TYPE_CHECKING:
    from tests.bot.conftest import Bot
    from tests.fakes.home import Home

SUBJECTS = [
    *("configuration", "keys", "state folder", "lock", "outbox", "pending", "limits", "prompts"),
    *("model", "context", "compiled", "clock", "connection", "file modes"),
]


def leave_ready(state: Path, *, later: float = 0) -> None:
    tweet = Tweet("Some.", "#GPT2", "")
    with Outbox(state) as outbox:
        outbox.add(tweet, model="demo", seed=1, now=time.time() + later)


class TestCommand:
    """The real command."""

    def lines(self, shown: str) -> dict[str, tuple[str, str]]:
        """Verdict and text by subject."""
        lines = {}
        for line in shown.splitlines():
            matched = re.fullmatch(r"(ok|fix|-) +(.{14}) (.+)", line)
            assert matched, line
            lines[matched[2].strip()] = (matched[1], matched[3])
        return lines

    def test_all_is_well(self, home: Home, x: XServer) -> None:
        run = home.run("check", **x.environment)
        assert (run.returncode, run.stderr) == (0, "")
        lines = self.lines(run.stdout)
        assert list(lines) == SUBJECTS
        assert {verdict for verdict, _ in lines.values()} == {"ok"}
        assert home.files() == [], "looking leaves nothing behind"
        assert not x.requests, "X is asked only if that is wanted"

    def test_one_trouble_is_told_once(self, home: Home) -> None:
        run = home.run("check", GPT2BOT_MODEL="demo")
        assert run.returncode == 3
        assert "one thing needs fixing" in run.stderr
        lines = self.lines(run.stdout)
        assert lines["keys"][0] == "fix"
        assert list(lines) == SUBJECTS

    def test_what_depends_on_a_trouble_is_not_looked_at(self, home: Home, x: XServer) -> None:
        run = home.run("check", **{**x.environment, "GPT2BOT_MODEL": "absent"})
        assert run.returncode == 4
        assert self.lines(run.stdout)["compiled"] == ("-", "not checked, because of: model")

    @pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are those of POSIX")
    def test_on_a_terminal_lines_are_as_wide_as_it(self, home: Home) -> None:
        ours, theirs = pty.openpty()
        run = subprocess.run(
            [sys.executable, "-m", "gpt2bot", "check"],
            cwd=home.path,
            env=home.environment(COLUMNS="80"),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
        )
        os.close(theirs)
        shown = read_all(ours)
        assert run.returncode == 3
        lines = shown.splitlines()
        assert len(lines) > len(SUBJECTS)
        assert all(len(line) <= 80 or " " not in line[21:] for line in lines)


def test_long_lines_are_broken_under_their_text() -> None:
    path = f"/home/{'long-' * 20}name"
    finding = Finding("keys", error=ConfigurationError(f"{'words ' * 40}{path}"))
    first, *others = render_finding(finding, 80).splitlines()
    assert first.startswith("fix   keys           words")
    assert all(line.startswith(f"{'':21}words") for line in others[:-1])
    assert others[-1] == f"{'':21}{path}", "a path is not broken"
    assert all(len(line) <= 80 for line in (first, *others[:-1]))
    assert "\n" not in render_finding(finding), "whoever searches the output needs whole lines"


def test_x_is_asked_for_nothing_but_posts(bot: Bot, x: XServer) -> None:
    leave_ready(bot.state)
    checked = bot.check(online=True)
    assert checked.troubles == []
    assert checked.said["outbox"] == "intact: 1 ready"
    assert checked.said["pending"] == "the next run posts tweet 1, which is ready"
    assert "read-write" in checked.said["X"]
    assert [method for method, _ in x.requests] == ["GET", "GET"]


def test_a_wrong_configuration_is_all_there_is_to_say(bare: Bot) -> None:
    bare.set(GPT2BOT_SAMPLNG__TOP_K="1")
    checked = bare.check()
    assert (checked.exit_code, checked.troubles) == (3, ["configuration"])
    assert list(checked.said) == ["configuration"]
    assert "did you mean sampling?" in checked.said["configuration"]


@pytest.mark.skipif(not has_user_namespaces(), reason="needs user namespaces, which Linux has")
def test_a_user_without_a_home(home: Home, x: XServer) -> None:
    nobody = replace(home, prefix=unknown_user())
    for command in ("check", "sample", "post", "status"):
        run = nobody.run(command, **x.environment)
        assert run.returncode == 3
        assert "has no home folder: set HOME" in run.stdout + run.stderr
    home.write("bot.toml", 'model = "demo"')
    for command in (["check"], ["sample", "--seed", "1"], ["post"]):
        run = nobody.run(*command, "--config", "bot.toml", **x.environment)
        assert run.returncode == 0, run.stderr
    assert len(x.texts) == 1


def test_a_home_that_is_not_known(bare: Bot) -> None:
    checked = bare.check(Path("~nobody-of-this-name/config.toml"))
    assert (checked.exit_code, checked.troubles) == (3, ["configuration"])
    bare.set(GPT2BOT_STATE_DIR="~nobody-of-this-name/state")
    checked = bare.check()
    assert (checked.exit_code, checked.troubles) == (3, ["configuration"])
    assert "write the full path" in checked.said["configuration"]


def test_a_models_folder_that_is_missing(bot: Bot) -> None:
    bot.set(GPT2BOT_MODELS_DIR="/mnt/gone")
    checked = bot.check()
    assert (checked.exit_code, list(checked.said)) == (3, ["configuration"])
    assert "folder /mnt/gone not found: mount its disk" in checked.said["configuration"]


@pytest.mark.parametrize("name", ["", FILE])
def test_what_others_can_read(bot: Bot, name: str) -> None:
    with Outbox(bot.state):
        pass
    (bot.state / name).chmod(0o755)
    checked = bot.check()
    assert checked.troubles == ["file modes"]
    path = re.escape(str(bot.state / name))
    assert re.search(rf"chmod [67]00 {path}", checked.said["file modes"])


def test_a_configuration_file_with_keys_that_others_can_read(bare: Bot) -> None:
    keys = "\n".join(f'{name} = "{key}"' for name, key in KEYS.items())
    file = bare.home.write("config.toml", f'model = "demo"\n[x]\n{keys}')
    file.chmod(0o644)
    checked = bare.check()
    assert checked.troubles == ["file modes"]
    assert f"chmod 600 {file}" in checked.said["file modes"]


def test_a_model_that_is_not_there_is_told_once(bot: Bot) -> None:
    bot.set(GPT2BOT_MODEL="124M")
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (4, ["model"])
    assert "gpt2bot download 124M" in checked.said["model"]
    assert checked.skipped == ["context", "compiled"]


def test_a_bundled_model_that_is_not_named_is_not_fit_to_post(bot: Bot) -> None:
    bot.patch.delenv("GPT2BOT_MODEL")
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (4, ["model"])
    assert 'set it in config.toml to "demo"' in checked.said["model"]
    assert bot.post() == (4, checked.said["model"])


@pytest.mark.parametrize("part", ["h0.tflite", "wte.npy", "packed-*/h0.packed"])
def test_a_compiled_model_is_read_through(bot: Bot, part: str) -> None:
    demo, folder = find_model(DEMO, bot.home.path), bot.home.path / "models" / "mine"
    compile_model(demo)
    shutil.copytree(demo, folder, ignore=shutil.ignore_patterns("litert-*-float32"))
    bot.set(GPT2BOT_MODELS_DIR=str(folder.parent), GPT2BOT_MODEL="mine")
    assert bot.check().troubles == []
    path = next(folder.glob(f"litert-*/{part}"))
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a bad disk does it
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (4, ["compiled"])
    assert f"{path} is damaged" in checked.said["compiled"]
    if part.startswith("packed"):
        advice = "delete that folder, and the next run makes it again"
    else:
        advice = f"move {path.parent} away, then run `gpt2bot compile mine`"
    assert advice in checked.said["compiled"]


def test_the_outbox_is_read_through(bot: Bot) -> None:
    leave_ready(bot.state)
    with closing(sqlite3.connect(bot.state / FILE)) as db, db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, '(state)', '(prompt)')")
    assert bot.check().troubles == ["outbox"]


def test_a_damaged_outbox_is_told_once(bot: Bot) -> None:
    with Outbox(bot.state):
        pass
    (bot.state / FILE).write_bytes(b"")
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["outbox"])
    assert "restore a backup" in checked.said["outbox"]
    assert checked.skipped == ["pending", "limits", "clock"]


def test_a_run_at_work(bot: Bot) -> None:
    with exclusive(bot.state):
        assert bot.check().said["lock"] == "held by a run in progress"
    assert bot.check().said["lock"] == "free"


def test_a_clock_behind_the_outbox(bot: Bot) -> None:
    leave_ready(bot.state, later=86_400)
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["clock"])
    assert "set the clock" in checked.said["clock"]


def test_keys_that_x_refuses(bot: Bot, x: XServer) -> None:
    x.read_only = True
    checked = bot.check(online=True)
    assert (checked.exit_code, checked.troubles) == (6, ["X"])
    assert "Read and write" in checked.said["X"]
    bot.set(GPT2BOT_X__ACCESS_TOKEN_SECRET="wrong")
    checked = bot.check(online=True)
    assert (checked.exit_code, checked.troubles) == (6, ["X"])
    assert "four keys" in checked.said["X"]


def test_whose_keys_they_are_is_told(bot: Bot) -> None:
    checked = bot.check(online=True)
    assert checked.troubles == []
    assert "accepts the keys of @a_bot (read-write)" in checked.said["X"]
    help_ = " ".join(bot.home.run("check", "--help").stdout.split())
    assert "Asking whose keys they are costs $0.010" in help_


@pytest.mark.parametrize("lacks", [{"me"}, {"timeline"}, {"me", "timeline"}])
def test_keys_are_good_even_if_the_plan_reads_little(bot: Bot, x: XServer, lacks: set[str]) -> None:
    x.plan_lacks = lacks
    checked = bot.check(online=True)
    assert (checked.exit_code, checked.troubles) == (0, [])
    said = checked.said["X"]
    assert said.startswith("accepts the keys")
    assert said.count("attached to a Project") == 1
    assert ("X does not say whose keys they are" in said) == ("me" in lacks)
    assert ("@a_bot" in said) == ("me" not in lacks)
    assert ("the account's posts cannot be read" in said) == ("timeline" in lacks)


def test_a_limit_that_x_names_is_obeyed_by_the_next_check_and_the_next_run(
    bot: Bot, x: XServer
) -> None:
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(time.time()) + 80_000)}
    x.faults.append(Fault("answer", method="GET", status=429, headers=headers))
    for said in ("X answered 429", "no request is sent to X before"):
        checked = bot.check(online=True)
        assert (checked.exit_code, checked.troubles) == (7, ["X"])
        assert said in checked.said["X"]
    with Outbox(bot.state) as outbox:
        entry = outbox.add(Tweet("Some.", "#GPT2", ""), model="demo", seed=1, now=time.time())
        outbox.begin(entry, account=USER_ID, now=time.time())
    exit_code, said = bot.post()
    assert exit_code == 8
    assert "no request is sent to X before" in said
    assert len(x.requests) == 1


def test_an_x_that_is_out_of_reach(bot: Bot, x: XServer) -> None:
    x.proxy.status = "502 Bad gateway"
    checked = bot.check(online=True)
    assert (checked.exit_code, checked.troubles) == (8, ["X"])
