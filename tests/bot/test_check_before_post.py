"""Where `post` would fail, `check` fails before it, with the same exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gpt2bot.gpt2.download.registry import DEMO, find_model
from gpt2bot.gpt2.litert.artifacts import places
from gpt2bot.gpt2.litert.build import compile_model
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.restricted import has_seccomp, ordinary_user, without_locks
from tests.fakes.x_server import USER_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bot.conftest import Bot
    from tests.fakes.home import Home
    from tests.fakes.x_server import XServer

READY = Tweet("The tweet that is ready.", "#GPT2 #AIgenerated", "The tweet")
HAN = "".join(map(chr, range(0x4E00, 0x4E00 + 60)))  # each is three tokens for the bundled model

# Both commands one after the other in one process, which is quicker than in two.
BOTH = """
import sys
from gpt2bot.cli.main import main
code = main(["check"])
print(code, "---", flush=True)
sys.exit(main(["post"]))
"""


class Both:
    """The commands `check` and `post`, in a process of their own.

    Attributes:
        exit_codes: Those of both.
        troubles: The subjects that `check` has something against, with what it says.
        stderr: What both say.
    """

    def __init__(self, home: Home, x: XServer, **environ: str) -> None:
        run = subprocess.run(
            [*home.prefix, sys.executable, "-c", BOTH],
            cwd=home.path,
            env=home.environment(**{"GPT2BOT_MODEL": DEMO, **x.environment, **environ}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
        )
        assert "Traceback" not in run.stderr, run.stderr
        found, checked, _ = re.split(r"^(\d+) ---$", run.stdout, flags=re.MULTILINE)
        self.exit_codes, self.stderr = (int(checked), run.returncode), run.stderr
        lines = [line for line in found.splitlines() if line.startswith("fix")]
        self.troubles = {line[6:20].strip(): line[21:] for line in lines}


def leave_ready(state: Path) -> None:
    with Outbox(state) as outbox:
        outbox.add(READY, model="demo", seed=1, now=time.time())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TWEETS__LABEL", "see example.com", "URL"),
        ("TWEETS__LABEL", "hello", "does not say that a machine wrote"),
        ("TWEETS__PROMPTS_FILE", "/nowhere.txt", "/nowhere.txt"),
        ("TWEETS__PROMPTS", '["My cat", "What the fuck is", "ha ha ha ha"]', "'ha ha ha ha'"),
        ("FILTER__EXTRA_WORDS", '["moon"]', "'The strangest thing about the moon is'"),
        ("FILTER__MIN_CHARACTERS", "300", "filter.min_characters (300)"),
        ("FILTER__MIN_WORDS", "150", "filter.min_words (150)"),
        ("SAMPLING__LENGTH", "1", "sampling.length (1)"),
    ],
)
def test_settings_with_which_nothing_can_be_posted(
    bot: Bot, x: XServer, name: str, value: str, said: str
) -> None:
    bot.set(**{f"GPT2BOT_{name}": value})
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["prompts"])
    assert said in checked.said["prompts"]
    assert bot.post() == (3, checked.said["prompts"])
    assert not x.requests


@pytest.mark.parametrize("language", ["xx", "EN", "eng", "en-US", "English", ""])
def test_a_language_that_the_filter_does_not_know(bot: Bot, language: str) -> None:
    bot.set(GPT2BOT_FILTER__LANGUAGE=language)
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["configuration"])
    assert "'en'" in checked.said["configuration"]
    assert bot.post() == (3, checked.said["configuration"])
    bot.set(GPT2BOT_FILTER__DISABLED='["language"]')
    assert bot.check().troubles == []


def test_a_prompt_that_fills_the_context_of_the_model(bot: Bot, x: XServer) -> None:
    bot.set(GPT2BOT_TWEETS__PROMPTS=json.dumps(["My cat", HAN]))
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["context"])
    assert HAN[:40] in checked.said["context"]
    assert bot.post() == (3, checked.said["context"])
    assert bot.post(prompt=HAN)[0] == 2
    assert not x.requests


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("ACCESS_TOKEN", "none-of-theirs"),
        ("ACCESS_TOKEN", USER_ID),
        ("CONSUMER_KEY", "two words"),
        ("CONSUMER_SECRET", '"quoted"'),
        ("ACCESS_TOKEN_SECRET", "Schlüssel"),
    ],
)
def test_keys_that_cannot_be_right(bot: Bot, x: XServer, name: str, key: str) -> None:
    bot.set(**{f"GPT2BOT_X__{name}": key})
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["keys"])
    assert f"x.{name.lower()}" in checked.said["keys"]
    assert key not in checked.said["keys"]
    assert bot.post() == (3, checked.said["keys"])
    assert not x.requests


def test_an_attempt_of_another_account(bot: Bot) -> None:
    with Outbox(bot.state) as outbox:
        entry = outbox.add(READY, model="demo", seed=1, now=time.time())
        outbox.begin(entry, account="77", now=time.time())
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (8, ["pending"])
    assert "account 77" in checked.said["pending"]
    assert "gpt2bot resolve 1 posted" in checked.said["pending"]
    exit_code, said = bot.post()
    assert (exit_code, "account 77" in said) == (8, True)
    with Outbox(bot.state) as outbox, outbox.transaction() as db:
        db.execute("UPDATE tweets SET account = ?", (USER_ID,))
        db.execute("DELETE FROM refusals")
    checked = bot.check()
    assert checked.troubles == [], "the next run finds out by itself"
    assert "looks for it on the account" in checked.said["pending"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem"),
        ("REQUESTS_CA_BUNDLE", __file__),
        ("HTTPS_PROXY", "http://[::1"),
        ("HTTPS_PROXY", "http://localhost:port"),
        ("HTTPS_PROXY", '"http://localhost:1"'),
        ("HTTPS_PROXY", "ftp://localhost"),
        ("HTTPS_PROXY", "http://.example"),
    ],
)
def test_a_connection_that_cannot_be_begun(bot: Bot, x: XServer, name: str, value: str) -> None:
    leave_ready(bot.state)
    bot.set(**{name: value})
    if name == "HTTPS_PROXY":
        bot.set(https_proxy=value)
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (8, ["connection"])
    assert bot.post()[0] == 8
    assert not x.requests


def test_the_password_of_a_proxy_is_not_shown(bot: Bot) -> None:
    proxy = "http://user:password@proxy.example:3128"
    bot.set(HTTPS_PROXY=proxy, https_proxy=proxy)
    assert bot.check().said["connection"] == "through the proxy proxy.example"


def test_the_exit_code_is_that_of_what_a_run_meets_first(bot: Bot) -> None:
    with Outbox(bot.state):
        pass
    (bot.state / FILE).write_bytes(b"")
    bot.set(GPT2BOT_MODEL="124M", REQUESTS_CA_BUNDLE="/nowhere.pem")
    checked = bot.check()
    assert (checked.exit_code, checked.troubles) == (3, ["outbox", "model", "connection"])
    assert bot.post()[0] == 3
    shutil.rmtree(bot.state)
    assert bot.check().exit_code == bot.post()[0] == 4


def closed_home(home: Home, state: Path) -> None:
    home.path.chmod(0o500)


def file_instead_of_parent(home: Home, state: Path) -> None:
    home.write(".local", "a file")


def file_instead_of_folder(home: Home, state: Path) -> None:
    home.write(str(state), "a file")


def link_to_nowhere(home: Home, state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.symlink_to("disk/that/is/not/mounted")


def read_only_folder(home: Home, state: Path) -> None:
    leave_ready(state)
    state.chmod(0o500)


def closed_parent(home: Home, state: Path) -> None:
    leave_ready(state)
    state.parent.chmod(0)


def another_users_lock(home: Home, state: Path) -> None:
    leave_ready(state)
    (state / "lock").touch()
    (state / "lock").chmod(0)


def link_instead_of_lock(home: Home, state: Path) -> None:
    leave_ready(state)
    (state / "lock").symlink_to("elsewhere")


def read_only_outbox(home: Home, state: Path) -> None:
    leave_ready(state)
    (state / FILE).chmod(0o400)


def newer_outbox(home: Home, state: Path) -> None:
    leave_ready(state)
    with closing(sqlite3.connect(state / FILE)) as db:
        db.execute("PRAGMA user_version = 99")


def damaged_tweet(home: Home, state: Path) -> None:
    leave_ready(state)
    with closing(sqlite3.connect(state / FILE)) as db, db:
        db.execute("UPDATE tweets SET body = hex(zeroblob(200))")


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
class TestMemory:
    """State folders that cannot be used, as a user without the rights of root meets them."""

    @pytest.fixture
    def user(self, home: Home) -> Iterator[Home]:
        yield replace(home, prefix=ordinary_user())
        for folder in (home.path, home.path / ".local/state"):
            if folder.is_dir():
                folder.chmod(0o700)

    @pytest.fixture
    def state(self, home: Home) -> Path:
        return home.path / ".local/state/gpt2bot"

    @pytest.mark.parametrize(
        ("trouble", "subject"),
        [
            (closed_home, "state folder"),
            (file_instead_of_parent, "state folder"),
            (file_instead_of_folder, "state folder"),
            (link_to_nowhere, "state folder"),
            (read_only_folder, "state folder"),
            (closed_parent, "state folder"),
            (another_users_lock, "lock"),
            (link_instead_of_lock, "lock"),
            (read_only_outbox, "outbox"),
            (newer_outbox, "outbox"),
            (damaged_tweet, "pending"),
        ],
    )
    def test_it_cannot_be_used(
        self,
        user: Home,
        x: XServer,
        state: Path,
        trouble: Callable[[Home, Path], None],
        subject: str,
    ) -> None:
        trouble(user, state)
        both = Both(user, x)
        assert (both.exit_codes, list(both.troubles)) == ((3, 3), [subject])
        assert not x.requests

    def test_looking_leaves_nothing_behind(self, user: Home, x: XServer, state: Path) -> None:
        read_only_outbox(user, state)
        before = user.files()
        assert user.run("check", **x.environment).returncode == 3
        assert user.files() == before

    def test_a_home_that_is_not_there(self, user: Home, x: XServer) -> None:
        user.path.chmod(0o500)
        both = Both(user, x, HOME=str(user.path / "nobody"))
        assert (both.exit_codes, list(both.troubles)) == ((3, 3), ["state folder"])

    def test_files_of_sqlite_that_cannot_be_written(
        self, user: Home, x: XServer, state: Path
    ) -> None:
        with Outbox(state) as outbox:  # as a run that was killed leaves them
            outbox.add(READY, model="demo", seed=1, now=time.time())
            for path in state.glob(f"{FILE}-*"):
                path.chmod(0o400)
            both = Both(user, x)
        assert (both.exit_codes, list(both.troubles)) == ((3, 3), ["outbox"])

    @pytest.mark.skipif(not has_seccomp(), reason="needs seccomp, which Linux has")
    def test_a_file_system_without_locks(self, home: Home, x: XServer, state: Path) -> None:
        bare = replace(home, prefix=without_locks())
        for _ in range(2):  # the second time, there is a lock file
            both = Both(bare, x)
            assert (both.exit_codes, list(both.troubles)) == ((3, 3), ["lock"])
            assert "use a local disk" in both.troubles["lock"]
            assert both.troubles["lock"] in both.stderr
        assert (state / "lock").exists()


class TestModel:
    @pytest.fixture
    def compiled(self, bot: Bot) -> Iterator[Path]:
        """A copy of the bundled model, compiled as that is."""
        demo, folder = find_model(DEMO, bot.home.path), bot.home.path / "models" / "mine"
        compile_model(demo)
        shutil.copytree(demo, folder, ignore=shutil.ignore_patterns("litert-*-float32"))
        bot.set(GPT2BOT_MODELS_DIR=str(folder.parent), GPT2BOT_MODEL="mine")
        yield folder
        folder.chmod(0o755)

    @pytest.fixture
    def model(self, compiled: Path) -> Path:
        """A copy of it that is not compiled."""
        shutil.rmtree(next(compiled.glob("litert-*")))
        return compiled

    def both(self, bot: Bot, x: XServer, **environ: str) -> Both:
        """Both commands, in a process of a user without the rights of root."""
        mine = {name: v for name, v in os.environ.items() if name.startswith("GPT2BOT_MODEL")}
        return Both(replace(bot.home, prefix=ordinary_user()), x, **{**mine, **environ})

    def test_it_need_not_be_compiled_yet(self, bot: Bot, model: Path) -> None:
        before = sorted(model.rglob("*"))
        checked = bot.check()
        assert checked.troubles == []
        assert "`gpt2bot compile mine` or the next run compiles it" in checked.said["compiled"]
        assert sorted(model.rglob("*")) == before, "nothing is compiled"

    def test_a_damaged_checkpoint_from_which_it_cannot_be_made(self, bot: Bot, model: Path) -> None:
        path = model / "model.ckpt.data-00000-of-00001"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        checked = bot.check()
        assert (checked.exit_code, checked.troubles) == (4, ["compiled"])
        assert f"{path}: the tensor" in checked.said["compiled"]
        assert "{{" not in checked.said["compiled"], "TensorFlow's own words"
        assert bot.post() == (4, checked.said["compiled"])

    def test_a_damaged_checkpoint_that_is_not_needed(self, bot: Bot, compiled: Path) -> None:
        (compiled / "model.ckpt.data-00000-of-00001").write_bytes(b"damaged")
        assert bot.check().troubles == []
        assert bot.post()[0] == 0
        bot.set(GPT2BOT_ENGINE="tensorflow")
        assert bot.check().troubles == ["compiled"]

    def test_a_discarded_checkpoint_that_is_needed(self, bot: Bot, compiled: Path) -> None:
        for path in [compiled / "checkpoint", *compiled.glob("model.ckpt*")]:
            path.unlink()
        assert bot.check().troubles == []
        for name, value in (("PRECISION", "float32"), ("ENGINE", "tensorflow")):
            bot.set(**{f"GPT2BOT_{name}": value})
            assert bot.check().troubles == ["compiled"]
            assert bot.check().exit_code == bot.post()[0] == 4
        bot.set(GPT2BOT_PRECISION="int8", GPT2BOT_ENGINE="litert")
        next(compiled.glob("litert-*/h0.tflite")).write_bytes(b"")
        checked = bot.check()
        assert (checked.exit_code, checked.troubles) == (4, ["compiled"])
        assert "h0.tflite is damaged" in checked.said["compiled"]
        assert "gpt2bot compile" not in checked.said["compiled"], "nothing could be compiled"

    @pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
    def test_neither_here_nor_elsewhere_can_it_be_written(
        self, bot: Bot, x: XServer, model: Path
    ) -> None:
        model.chmod(0o500)
        bot.home.write(".cache", "no folder")
        both = self.both(bot, x)
        assert (both.exit_codes, list(both.troubles)) == ((4, 4), ["compiled"])
        assert str(model) in both.troubles["compiled"]
        assert str(bot.home.path / ".cache") in both.troubles["compiled"]

    @pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
    def test_one_in_the_cache_of_another_user_is_no_use(
        self, bot: Bot, x: XServer, compiled: Path
    ) -> None:
        cache = bot.home.path / "cache"
        bot.set(XDG_CACHE_HOME=str(cache))
        here, elsewhere = places(compiled, "int8")
        elsewhere.parent.mkdir(parents=True)
        here.rename(elsewhere)
        compiled.chmod(0o500)
        another = bot.home.write("another", "no folder")
        assert self.both(bot, x, XDG_CACHE_HOME=str(cache)).exit_codes == (0, 0)
        both = self.both(bot, x, XDG_CACHE_HOME=str(another))
        assert (both.exit_codes[0], list(both.troubles)) == (4, ["compiled"])

    @pytest.mark.usefixtures("compiled")
    def test_without_tensorflow_only_what_is_compiled_runs(self, bot: Bot, x: XServer) -> None:
        bot.home.write("without/tensorflow.py", "raise ModuleNotFoundError('no TensorFlow here')")
        without = {"PYTHONPATH": str(bot.home.path / "without")}
        assert self.both(bot, x, **without).exit_codes == (0, 0)
        often = {**without, "GPT2BOT_LIMITS__MIN_MINUTES_BETWEEN_POSTS": "0"}
        for environ in ({"GPT2BOT_ENGINE": "tensorflow"}, {"GPT2BOT_PRECISION": "float32"}):
            both = self.both(bot, x, **often, **environ)
            assert (both.exit_codes, list(both.troubles)) == ((4, 4), ["compiled"])
            assert "no TensorFlow here" in both.troubles["compiled"]
