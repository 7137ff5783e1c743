"""Fire's traps: no line that is mistyped does anything, and a text arrives as it was typed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Gt, Le
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.cli.parser import Program
from gpt2bot.errors import UsageError

calls: list[tuple[str, dict[str, Any]]] = []


def post(
    *,
    dry_run: bool = False,
    prompt: str | None = None,
    top_k: Annotated[int, Ge(0)] | None = None,
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0,
    heat: Annotated[float, Gt(0)] = 0.9,
    config: Path | None = None,
) -> None:
    """Posts.

    Args:
        dry_run: Does not.
        prompt: The beginning.
        top_k: A count.
        top_p: A share.
        heat: A number.
        config: A file.
    """
    calls.append(("post", locals()))


def train(*file: Path, name: str, config: Path | None = None) -> None:
    """Trains.

    Args:
        file: Texts.
        name: A name.
        config: A file.
    """
    calls.append(("train", locals()))


def fetch(model: str, *, config: Path | None = None) -> None:
    """Fetches.

    Args:
        model: What.
        config: A file.
    """
    calls.append(("fetch", locals()))


PROGRAM = Program("bot", "1.2.3", "A bot.", (post, train, fetch))
DEFAULTS = {
    "dry_run": False,
    "prompt": None,
    "top_k": None,
    "top_p": 1.0,
    "heat": 0.9,
    "config": None,
}


@pytest.fixture(autouse=True)
def no_calls() -> None:
    calls.clear()


def run(*argv: str) -> tuple[str, dict[str, Any]]:
    """Runs a line that is right; gives what was called with which values."""
    action = PROGRAM.parse(argv)
    assert not calls, "it ran before the whole line was accepted"
    action()
    [call] = calls
    return call


def posted(*argv: str) -> dict[str, Any]:
    """What differs from the defaults when `post` is run."""
    name, values = run("post", *argv)
    assert name == "post"
    return {key: value for key, value in values.items() if value != DEFAULTS[key]}


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("", "a command is missing: post, train, fetch"),
        ("pots", "unknown command 'pots'; did you mean post?"),
        ("keys", "unknown command 'keys'; known: post, train, fetch"),
        ("__class__", "unknown command '__class__'"),
        ("post --dryrun", "unknown option --dryrun; did you mean --dry-run?"),
        ("post --dry_run", "unknown option --dry_run; did you mean --dry-run?"),
        ("post ---dry-run", "unknown option ---dry-run; did you mean --dry-run?"),
        ("post --no-dry-run", "unknown option --no-dry-run"),
        ("post --nodry-run", "unknown option --nodry-run"),
        ("post -d", "unknown option -d"),
        ("post -dry-run", "unknown option -dry-run; did you mean --dry-run?"),
        ("post --dry", "unknown option --dry; did you mean --dry-run?"),
        ("post --dry-run=no", "--dry-run: found 'no', allowed is true or false"),
        ("post --dry-run=", "--dry-run: found '', allowed is true or false"),
        ("post --dry-run=1", "--dry-run: found '1', allowed is true or false"),
        ("post --dry-run no", "unexpected value 'no'"),
        ("post --dry-run --dry-run", "--dry-run is given twice"),
        ("post --prompt a --prompt=b", "--prompt is given twice"),
        ("post --prompt", "--prompt needs a value"),
        ("post --prompt --dry-run", "--prompt needs a value"),
        ("post --prompt -- ", "--prompt needs a value"),
        ("post --prompt -x", "--prompt needs a value; one that begins with '-' is written --pro"),
        ("post --top-k x", "--top-k: found 'x', allowed is a whole number, at least 0"),
        ("post --top-k 1.0", "--top-k: found '1.0', allowed is a whole number, at least 0"),
        ("post --top-k -1", "--top-k: found '-1', allowed is a whole number, at least 0"),
        ("post --top-p 0", "--top-p: found '0', allowed is a number, greater than 0 and at most 1"),
        ("post --top-p 1.1", "--top-p: found '1.1'"),
        ("post --top-p nan", "--top-p: found 'nan'"),
        ("post --heat nan", "--heat: found 'nan', allowed is a number, greater than 0"),
        ("post --heat=inf", "--heat: found 'inf', allowed is a number, greater than 0"),
        ("post --top-p -inf", "--top-p needs a value"),
        ("post stray", "unexpected value 'stray'"),
        ("post run", "unexpected value 'run'"),
        ("post __init__", "unexpected value '__init__'"),
        ("post FIRE_METADATA", "unexpected value 'FIRE_METADATA'"),
        ("post - run", "unexpected value '-'"),
        ("post post", "unexpected value 'post'"),
        ("post -- --trace", "unexpected value '--trace'"),
        ("post -- --interactive", "unexpected value '--interactive'"),
        ("post -- --separator=x", "unexpected value '--separator=x'"),
        ("post -- --completion", "unexpected value '--completion'"),
        ("post --dry-run -- --help", "unexpected value '--help'"),
        ("--dry-run post", "unknown option --dry-run"),
        ("--prompt x post", "unknown option --prompt"),
        ("--config post", "a command is missing"),
        ("--config x post --config y", "--config is given twice"),
        ("train", "missing: FILE... --name TEXT"),
        ("train a b", "missing: --name TEXT"),
        ("train --name x", "missing: FILE..."),
        ("train --name x -", "unexpected value '-'; a file of this name is './-'"),
        ("train --name x -- -a", "unexpected value '-a'; a file of this name is './-a'"),
        ("fetch", "missing: MODEL"),
        ("fetch a b", "unexpected value 'b'"),
        ("fetch --model a", "unknown option --model"),
    ],
)
def test_a_line_that_is_wrong_does_nothing_and_is_explained(
    argv: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        PROGRAM.parse(argv.split())
    assert str(caught.value).startswith(message)
    assert not calls
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "line",
    ["post --dryrun", "post run", "post __dict__", "post __class__", "post - run", "keys", "fetch"],
)
def test_a_line_that_got_past_the_check_would_still_do_nothing(line: str) -> None:
    with pytest.raises(UsageError, match="Fire does not understand"):
        PROGRAM._bind(line.split())
    assert not calls


def test_an_error_names_the_help_of_its_command() -> None:
    with pytest.raises(UsageError, match=r"Run 'bot post --help'\.$"):
        PROGRAM.parse(["post", "--dryrun"])
    with pytest.raises(UsageError, match=r"Run 'bot --help'\.$"):
        PROGRAM.parse(["pots"])


TYPED = (
    *("123", "1e3", "1_000", "0x10", "-5", "-.5", "None", "True", "false", "[1]", "{}", "()", "''"),
    *(
        '"quoted"',
        "'quoted'",
        "-",
        "=",
        "a=b",
        "run",
        "post",
        "\\n",
        "#x",
        "$x",
        "*",
        "...",
        "lambda",
    ),
    *("\u00e9", "\u2603", "\U0001f469\u200d\U0001f680"),
)


@pytest.mark.parametrize("text", TYPED)
def test_a_text_arrives_as_it_was_typed(text: str) -> None:
    assert posted("--prompt", text) == {"prompt": text}
    calls.clear()
    assert posted(f"--prompt={text}") == {"prompt": text}


@pytest.mark.parametrize("text", ["", " ", "two words", "a\nb", "--dry-run", "-x", "--", "--help"])
def test_any_text_can_be_given_after_an_equals_sign(text: str) -> None:
    assert posted(f"--prompt={text}") == {"prompt": text}


def test_after_two_hyphens_nothing_is_an_option() -> None:
    assert posted("--prompt", "--", "-x") == {"prompt": "-x"}
    calls.clear()
    assert posted("--prompt", "--", "--help") == {"prompt": "--help"}
    calls.clear()
    assert run("--", "post")[0] == "post"


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=100)
def test_no_text_is_ever_changed(text: str) -> None:
    calls.clear()
    assert posted(f"--prompt={text}").get("prompt") == text


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--prompt: found .*, allowed is text in UTF-8"):
        run("post", "--prompt=\udcff")


def test_values_have_the_types_of_their_parameters() -> None:
    assert posted("--dry-run", "--top-k", "0", "--top-p=1e-2", "--config", "a/b") == {
        "dry_run": True,
        "top_k": 0,
        "top_p": 0.01,
        "config": Path("a/b"),
    }
    calls.clear()
    assert posted("--dry-run=True") == {"dry_run": True}
    calls.clear()
    assert posted("--dry-run=false") == {}


def test_words_go_to_the_commands_that_take_them() -> None:
    assert run("fetch", "1e3") == ("fetch", {"model": "1e3", "config": None})
    calls.clear()
    _, values = run("train", "1", "--name", "None", "run", "a b")
    assert values == {"file": (Path("1"), Path("run"), Path("a b")), "name": "None", "config": None}


@pytest.mark.parametrize(
    "argv", [["--config=c", "post"], ["--config", "c", "post"], ["post", "--config", "c"]]
)
def test_an_option_of_all_commands_stands_before_or_after_the_command(argv: list[str]) -> None:
    assert run(*argv)[1]["config"] == Path("c")


@pytest.mark.parametrize(
    "argv", ["--help", "-h", "--help --dryrun", "--config --help", "nonsense --help"]
)
def test_help_lists_the_commands(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    PROGRAM.parse(argv.split())()
    out, err = capsys.readouterr()
    assert "A bot." in out
    assert "  post   Posts.\n  train  Trains.\n  fetch  Fetches.\n" in out
    assert not err


@pytest.mark.parametrize("argv", ["post --help", "post -h", "--help post", "post --prompt --help"])
def test_help_of_a_command_lists_its_options(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    PROGRAM.parse(argv.split())()
    out, err = capsys.readouterr()
    assert "Usage: bot post [OPTION...]" in out
    for line in ("--dry-run      Does not.", "--prompt TEXT  The beginning.", "--top-p X"):
        assert f"\n  {line}" in out
    assert not err
    assert not calls


def test_help_shows_what_has_to_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    PROGRAM.parse(["train", "--help"])()
    assert "Usage: bot train FILE... --name TEXT [OPTION...]" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    PROGRAM.parse(["--version"])()
    assert capsys.readouterr() == ("bot 1.2.3\n", "")
