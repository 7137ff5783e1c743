"""The real command, as an owner, a shell or cron sees it."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gpt2bot import __version__
from gpt2bot.cli import main as cli
from gpt2bot.config import Settings
from tests.fakes.terminal import read_all
from tests.fakes.waiting import HANG
from tests.fakes.x_server import KEYS, XServer

if TYPE_CHECKING:
    from tests.fakes.home import Home

LABEL = "#GPT2 #AIgenerated"
VERBS = ("Writes", "Downloads", "Compiles", "Shows", "Checks", "Tells", "Trains")
COMMANDS = list(cli.PROGRAM.commands)


def modules(home: Home, *argv: str, **environ: str) -> set[str]:
    """The packages that a command imports."""
    listing = home.path / "modules"
    program = (
        "import sys, pathlib; from gpt2bot.cli.main import main; main(sys.argv[2:]);"
        "pathlib.Path(sys.argv[1]).write_text(' '.join(sys.modules))"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(listing), *argv],
        cwd=home.path,
        env=home.environment(**environ),
        capture_output=True,
        check=True,
    )
    return {name.partition(".")[0] for name in listing.read_text().split()}


class TestHelp:
    @pytest.mark.parametrize(
        "argv", [[], ["help"], ["--help"], *([*name.split(), "--help"] for name in COMMANDS)]
    )
    def test_it_goes_to_stdout(self, home: Home, argv: list[str]) -> None:
        result = home.run(*argv)
        assert result.returncode == 0
        assert result.stdout.startswith(VERBS)
        assert not result.stderr

    def test_it_lists_every_command(self, home: Home) -> None:
        out = home.run("--help").stdout
        for name in COMMANDS:
            assert re.search(rf"^  {name.partition(' ')[0]} +\w.*\.$", out, re.MULTILINE)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_option_is_explained(self, name: str) -> None:
        for parameter in cli.PROGRAM.commands[name].parameters:
            assert parameter.field.help.endswith("."), parameter.name

    @pytest.mark.parametrize("name", cli.PROGRAM.functions)
    def test_every_command_has_examples_that_are_right(self, name: str) -> None:
        examples = cli.PROGRAM.commands[name].examples
        assert examples
        for line in examples:
            program, *argv = shlex.split(line)
            assert program == "gpt2bot"
            assert line.startswith(f"gpt2bot {name}")
            cli.PROGRAM.parse(argv)

    @pytest.mark.parametrize("columns", [40, 80])
    @pytest.mark.parametrize("name", ["", *COMMANDS])
    def test_it_fits_the_terminal(
        self, name: str, columns: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        for line in cli.PROGRAM.help(name).splitlines():
            assert len(line) <= columns or len(line.split()) == 1

    def test_it_opens_no_pager_and_sends_no_colour_codes(self, home: Home) -> None:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "gpt2bot", "sample", "--help"],
            env=home.environment(PAGER="false", TERM="xterm", COLUMNS="80"),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = read_all(ours)
        assert process.wait() == 0
        assert "--prompt TEXT" in shown
        assert "\x1b" not in shown

    @pytest.mark.parametrize("argv", ["--version", "-V", "version"])
    def test_version(self, home: Home, argv: str) -> None:
        result = home.run(argv)
        assert (result.returncode, result.stdout) == (0, f"gpt2bot {__version__}\n")

    def test_the_installed_script_is_the_same_program(self, home: Home) -> None:
        script = Path(sys.executable).with_name("gpt2bot")
        result = subprocess.run([script, "--help"], capture_output=True, encoding="utf-8")
        assert result.stdout == home.run("--help").stdout


class TestStreams:
    """What becomes of the output is the shell's business, and no reason for a traceback."""

    def shell(self, home: Home, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line, sys.executable],
            cwd=home.path,
            env=home.environment(),
            capture_output=True,
            encoding="utf-8",
        )

    def test_a_closed_stderr_leaves_stdout_alone(self, home: Home) -> None:
        result = self.shell(home, '"$0" -m gpt2bot post --dryrun 2>&-')
        assert (result.returncode, result.stdout) == (2, "")

    def test_a_closed_stdout_is_no_error(self, home: Home) -> None:
        result = self.shell(home, '"$0" -m gpt2bot --help >&-')
        assert (result.returncode, result.stderr) == (0, "")

    def test_a_full_disk_is_told(self, home: Home) -> None:
        result = self.shell(home, '"$0" -m gpt2bot --help >/dev/full')
        assert result.returncode == 1
        assert result.stderr == "gpt2bot: cannot write the output: No space left on device\n"

    @pytest.mark.parametrize("argv", ["--help", "post --dryrun"])
    def test_a_pipe_that_nobody_reads_ends_it(self, home: Home, argv: str) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        process = subprocess.run(
            [sys.executable, "-m", "gpt2bot", *argv.split()],
            env=home.environment(),
            stdout=writing,
            stderr=writing,
        )
        os.close(writing)
        assert process.returncode == 141


HEAVY = {
    *("tensorflow", "ai_edge_litert", "tweepy", "requests", "numpy"),
    *("glin_profanity", "twitter_text"),
}


@pytest.mark.parametrize("argv", [["--help"], ["post", "--help"], ["--version"], ["post", "--dry"]])
def test_what_needs_no_settings_loads_nothing_heavy(home: Home, argv: list[str]) -> None:
    loaded = modules(home, *argv)
    assert "fire" in loaded
    assert not loaded & (HEAVY | {"pydantic", "regex", "sqlite3"})


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["sample"], {"GPT2BOT_MODELS_DIR": "gone"}),
        (["post"], {}),
        (["post", "--dry-run"], {"GPT2BOT_TWEETS__LABEL": "@someone"}),
        (["status"], {"GPT2BOT_LIMITS__MAX_POSTS_PER_DAY": "0"}),
    ],
)
def test_a_configuration_error_is_found_before_anything_heavy_is_loaded(
    home: Home, argv: list[str], environ: dict[str, str]
) -> None:
    assert home.run(*argv, **environ).returncode == 3
    assert not modules(home, *argv, **environ) & HEAVY


@pytest.mark.parametrize("argv", [["sample"], ["sample", "--raw"], ["post", "--dry-run"]])
def test_what_generates_loads_no_tensorflow_and_no_tweepy(home: Home, argv: list[str]) -> None:
    loaded = modules(home, *argv)
    assert "ai_edge_litert" in loaded
    assert not loaded & {"tensorflow", "keras", "tweepy"}


def test_posting_loads_no_tensorflow(home: Home, x: XServer) -> None:
    loaded = modules(home, "post", **x.environment)
    assert {"ai_edge_litert", "tweepy", "requests"} <= loaded
    assert "tensorflow" not in loaded
    assert len(x.texts) == 1


@pytest.mark.parametrize(
    "argv",
    [
        ["post", "--dryrun"],
        ["post", "--dry-run=no"],
        ["post", "--dry-run", "no"],
        ["post", "--prompt", "--dry-run"],
        ["post", "dry-run"],
        ["post", "run"],
        ["post", "-d"],
        ["post", "--", "--dry-run"],
        ["post", "--", "--trace"],
        ["post", "-", "--interactive"],
    ],
)
def test_a_mistyped_post_posts_nothing(home: Home, x: XServer, argv: list[str]) -> None:
    result = home.run(*argv, **x.environment)
    assert result.returncode == 2
    assert re.fullmatch(r"gpt2bot: .*Run 'gpt2bot post --help'\.\n", result.stderr)
    assert not result.stdout
    assert not x.requests
    assert not home.files()


def test_a_mistyped_flag_is_corrected(home: Home) -> None:
    message = (
        "gpt2bot: unknown option --dryrun; did you mean --dry-run? Run 'gpt2bot post --help'.\n"
    )
    assert home.run("post", "--dryrun").stderr == message


def test_options_that_the_configuration_decides_show_its_defaults() -> None:
    settings = Settings()
    defaults = {**vars(settings.sampling), **vars(settings.download), **dict(settings)}
    options = [p for command in cli.PROGRAM.commands.values() for p in command.parameters]
    configured = {p.name: p.default for p in options if p.is_configured}
    assert configured.keys() >= {"temperature", "top_k", "top_p", "length", "model", "precision"}
    assert configured == {name: defaults[name] for name in configured}


class TestConfiguration:
    def test_all_that_is_wrong_is_one_line_without_secrets(self, home: Home) -> None:
        home.write("config.toml", f'[x]\nconsumer_key = 5\nsecret = "{KEYS["consumer_secret"]}"')
        result = home.run("post", "--dry-run", GPT2BOT_SAMPLING__TOP_P="2")
        assert result.returncode == 3
        assert re.fullmatch(r"gpt2bot: [^\n]*\n", result.stderr)
        for key in ("x.consumer_key", "x.secret", "sampling.top_p"):
            assert key in result.stderr
        assert KEYS["consumer_secret"] not in result.stderr

    @pytest.mark.parametrize(
        "argv", [["--config", "my.toml", "post"], ["post", "--config=my.toml"]]
    )
    def test_the_file_can_be_named_before_and_after_the_command(
        self, home: Home, argv: list[str]
    ) -> None:
        home.write("my.toml", "mine = 1")
        assert "mine (" in home.run(*argv).stderr

    def test_missing_keys_are_named_with_both_places_for_them(self, home: Home) -> None:
        home.write("config.toml", '[x]\naccess_token = "a"\naccess_token_secret = "b"')
        result = home.run("post", GPT2BOT_X__CONSUMER_KEY="c")
        assert result.returncode == 3
        assert "set consumer_secret under [x]" in result.stderr
        assert f"[x] in {home.path / 'config.toml'}" in result.stderr
        assert "environment as GPT2BOT_X__CONSUMER_SECRET\n" in result.stderr
        assert "consumer_key" not in result.stderr
        assert home.files() == ["config.toml"]

    @pytest.mark.parametrize(
        "argv",
        [
            ["download", "124M"],
            ["compile", "demo"],
            ["sample"],
            ["post"],
            ["post", "--dry-run"],
            ["status"],
            ["history"],
            ["train", "text.txt", "--name", "mine"],
        ],
    )
    def test_a_models_folder_that_is_named_and_missing_ends_every_command(
        self, home: Home, argv: list[str]
    ) -> None:
        home.write("config.toml", 'models_dir = "disk/models"')
        result = home.run(*argv)
        assert (result.returncode, result.stdout) == (3, "")
        folder = home.path / "disk/models"
        assert f"folder {folder} not found: mount its disk, or create it" in result.stderr
        assert home.files() == ["config.toml"]

    def test_a_variable_that_is_nearly_a_setting_ends_no_command(self, home: Home) -> None:
        result = home.run("status", GPT2BOT_MODLE=KEYS["consumer_secret"], GPT2BOT_PORT="tcp://1")
        assert result.returncode == 0
        assert result.stderr == (
            "gpt2bot: GPT2BOT_MODLE is not a setting and is ignored: did you mean GPT2BOT_MODEL?\n"
        )

    def test_a_model_that_is_not_there(self, home: Home) -> None:
        result = home.run("sample", "--model", "124M")
        assert result.returncode == 4
        assert "`gpt2bot download 124M` downloads it" in result.stderr

    @pytest.mark.parametrize("name", ["774M", "117m", "Demo"])
    def test_no_training_takes_the_name_of_another_model(self, home: Home, name: str) -> None:
        home.write("config.toml", "this is not TOML")  # nothing is read
        result = home.run("train", "no-such-file.txt", "--name", name)
        assert (result.returncode, result.stdout) == (2, "")
        assert f"{name} is the name of" in result.stderr
        assert home.files() == ["config.toml"]


class TestSample:
    def test_tweets_are_shown_with_their_length(self, home: Home) -> None:
        result = home.run("sample", "--nsamples", "2", "--seed", "1")
        assert result.returncode == 0
        blocks = result.stdout.split("\n\n")
        assert len(blocks) == 2
        for block in blocks:
            assert re.fullmatch(rf"[^\n]+\n{LABEL}\n\[\d+/280\] demo\n?", block)
        assert re.fullmatch(
            r"gpt2bot: using the small bundled model `demo`, .* `gpt2bot download 124M` .*\n",
            result.stderr,
        )

    def test_a_text_on_the_line_is_the_text_of_the_prompt(self, home: Home) -> None:
        result = home.run("sample", "--raw", "--json", "--seed", "1", "--prompt", "1e3")
        shown = json.loads(result.stdout)
        assert shown["text"].startswith("1e3")
        assert (shown["prompt"], shown["model"], shown["seed"]) == ("1e3", "demo", 1)

    def test_what_no_filter_judged_is_neither_accepted_nor_rejected(self, home: Home) -> None:
        result = home.run("sample", "--raw", "--json", "--prompt", "A cat")
        assert '"accepted": null, "reasons": null' in result.stdout

    def test_output_is_utf_8_whatever_the_locale(self, home: Home) -> None:
        result = home.run(
            "sample",
            "--raw",
            "--prompt=Caf\u00e9 \u2603 \U0001f680:",
            LC_ALL="C",
            PYTHONCOERCECLOCALE="0",
            PYTHONUTF8="0",
            PYTHONIOENCODING="ascii",
        )
        assert result.stdout.startswith("Caf\u00e9 \u2603 \U0001f680:")

    def test_rejected_candidates_are_shown_with_reasons_if_asked_for(self, home: Home) -> None:
        argv = ["sample", "--json", "--verbose", "--prompt", "A cat", "--length", "20"]
        result = home.run(
            *argv,
            GPT2BOT_SAMPLING__CANDIDATES="4",
            GPT2BOT_TWEETS__MAX_ROUNDS="2",
            GPT2BOT_FILTER__MIN_CHARACTERS="250",
        )
        shown = [json.loads(line) for line in result.stdout.splitlines()]
        assert result.returncode == 5
        assert len(shown) == 8
        for candidate in shown:
            assert not candidate["accepted"]
            assert "too_short" in candidate["reasons"]
        [notice, error] = result.stderr.splitlines()
        assert "demo" in notice
        assert re.match(r"gpt2bot: none of 8 candidates passed the filter; .*too_short 8", error)
        assert "raise sampling.length (20)" in error

    def test_what_passed_is_shown_before_the_failure(self, home: Home) -> None:
        """Greedy sampling of one prompt writes one text, again and again."""
        argv = ["sample", "--nsamples", "2", "--top-k", "1", "--prompt", "The old man"]
        result = home.run(*argv, GPT2BOT_TWEETS__MAX_ROUNDS="1", GPT2BOT_SAMPLING__CANDIDATES="2")
        assert result.returncode == 5
        assert result.stdout.count(LABEL) == 1
        assert "duplicate 2" in result.stderr

    def test_a_pipe_that_is_closed_is_no_error(self, home: Home) -> None:
        process = home.start("sample", "--nsamples", "500")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(HANG) == 141
        assert "Traceback" not in process.stderr.read()
        process.stderr.close()

    @pytest.mark.parametrize(
        ("number", "code", "message"),
        [
            (signal.SIGINT, 130, "gpt2bot: interrupted\n"),
            (signal.SIGTERM, 143, "gpt2bot: stopped\n"),
        ],
    )
    def test_a_signal_ends_it_cleanly(
        self, home: Home, number: int, code: int, message: str
    ) -> None:
        process = home.start("sample", "--nsamples", "500")
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=HANG)
        assert process.returncode == code
        assert err.partition("\n")[2] == message  # after the notice


class TestPost:
    def test_a_dry_run_needs_no_keys_and_leaves_nothing_behind(self, home: Home) -> None:
        result = home.run("post", "--dry-run")
        assert result.returncode == 0
        last = r"\[\d+/280\] demo, dry run: not posted"
        assert re.fullmatch(rf"[^\n]+\n{LABEL}\n{last}\n", result.stdout)
        assert "small bundled model" in result.stderr
        assert not home.files()

    def test_a_tweet_is_posted_once_and_shown(self, home: Home, x: XServer) -> None:
        first = home.run("post", **x.environment)
        assert first.returncode == 0
        [text] = x.texts
        assert first.stdout.startswith(f"{text}\n[")
        assert first.stdout.endswith(f"] demo, https://x.com/i/status/{x.timeline[0]['id']}\n")
        assert text.endswith(f"\n{LABEL}")
        state = home.path / ".local/state/gpt2bot"
        before = {path: path.read_bytes() for path in state.iterdir()}

        often = {"GPT2BOT_LIMITS__MIN_MINUTES_BETWEEN_POSTS": "0", **x.environment}
        rehearsal = home.run("post", "--dry-run", **often)
        assert rehearsal.returncode == 0
        assert {path: path.read_bytes() for path in state.iterdir()} == before
        assert len(x.texts) == 1

        second = home.run("post", "--json", "--prompt", "The old man", **often)
        shown = json.loads(second.stdout)
        assert shown.keys() == {
            *("text", "length", "prompt", "accepted", "reasons", "model", "seed"),
            *("status", "tweet_id"),
        }
        assert x.texts == [text, shown["text"]]
        assert (shown["status"], shown["tweet_id"]) == ("posted", x.timeline[1]["id"])
        assert (shown["accepted"], shown["reasons"], shown["model"]) == (True, [], "demo")
        for output in (first, rehearsal, second):
            assert not [key for key in KEYS.values() if key in output.stdout + output.stderr]

    def test_a_file_with_keys_that_others_can_read_is_warned_of(self, home: Home) -> None:
        file = home.write("config.toml", '[x]\nconsumer_key = "a"')
        file.chmod(0o644)
        assert (
            f"warning: {file} contains x.consumer_key, and others can read it"
            in home.run("post").stderr
        )
