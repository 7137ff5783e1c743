"""Fire's traps: no line that is mistyped does anything, and a text arrives as it was typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.cli.parser import Program
from gpt2bot.cli.signature import Configured, Known, Setting, Short
from gpt2bot.errors import UsageError

calls: list[tuple[str, dict[str, Any]]] = []


@dataclass(frozen=True)
class Taste:
    """Of food.

    Attributes:
        salt: How salty it is.
    """

    salt: Annotated[int, Ge(0), Le(9)] = 4


def post(
    *,
    dry_run: bool = False,
    prompt: str | None = None,
    top_k: Annotated[int, Ge(0)] | None = None,
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0,
    heat: Annotated[float, Gt(0)] = 0.9,
    nsamples: Annotated[int, Ge(1), Short("n")] = 1,
    salt: Annotated[int, Setting(Taste, "salt"), Configured()] | None = None,
    kind: Annotated[Literal["sweet", "sour"], Configured("sour")] | None = None,
    config: Path | None = None,
) -> None:
    """Posts.

    A paragraph of so many words that they need more than one line, be the terminal as wide as it
    may.

    And another one.

    Args:
        dry_run: Does not.
        prompt: The beginning.
        top_k: A count.
        top_p: A share.
        heat: A number.
        nsamples: How
            many.
        kind: Which kind.
        config: A file.

    Examples:
        bot post --dry-run
        bot post --prompt "A beginning of some words" --top-k 40 --top-p 0.9 --nsamples 10
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


def fetch(
    model: Annotated[str, Known(("small", "middle", "large"))], *, config: Path | None = None
) -> None:
    """Fetches.

    Args:
        model: What.
        config: A file.
    """
    calls.append(("fetch", locals()))


def queue_add(text: str, *, dry_run: bool = False, config: Path | None = None) -> None:
    """Adds to the queue.

    Args:
        text: A text.
        dry_run: Does not.
        config: A file.
    """
    calls.append(("queue add", locals()))


def queue_list(*, config: Path | None = None) -> None:
    """Lists the queue.

    Args:
        config: A file.
    """
    calls.append(("queue list", locals()))


def corpus(plan: Path, *, size: int = 1, config: Path | None = None) -> None:
    """Makes a corpus.

    Args:
        plan: A file.
        size: A number.
        config: A file.
    """
    calls.append(("corpus", locals()))


def corpus_verify(folder: str = ".", *, config: Path | None = None) -> None:
    """Verifies a corpus.

    Args:
        folder: Where it is.
        config: A file.
    """
    calls.append(("corpus verify", locals()))


FUNCTIONS = {
    "post": post,
    "train": train,
    "fetch": fetch,
    "queue add": queue_add,
    "queue list": queue_list,
    "corpus": corpus,
    "corpus verify": corpus_verify,
}
PROGRAM = Program("bot", "1.2.3", "A bot.", FUNCTIONS, {"queue": "Keeps tweets."})
DEFAULTS = {
    "dry_run": False,
    "prompt": None,
    "top_k": None,
    "top_p": 1.0,
    "heat": 0.9,
    "nsamples": 1,
    "salt": None,
    "kind": None,
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
        ("--", "a command is missing; known: post, train, fetch, queue, corpus, help, version."),
        ("pots", "unknown command 'pots'; did you mean post?"),
        ("keys", "unknown command 'keys'; known: post, train, fetch, queue, corpus, help, version"),
        ("__class__", "unknown command '__class__'"),
        ("post --dryrun", "unknown option --dryrun; did you mean --dry-run?"),
        ("post --dry_run", "unknown option --dry_run; did you mean --dry-run?"),
        ("post ---dry-run", "unknown option ---dry-run; did you mean --dry-run?"),
        ("post --no-dry-run", "unknown option --no-dry-run"),
        ("post --nodry-run", "unknown option --nodry-run"),
        ("post -d", "unknown option -d; did you mean --dry-run?"),
        ("post -t", "unknown option -t; did you mean --top-k or --top-p?"),
        ("post -x", "unknown option -x; known: --dry-run, --prompt, "),
        ("post -v", "unknown option -v; did you mean --version?"),
        ("post -nd", "--nsamples must be a whole number of at least 1, not 'd'"),
        ("post -n", "--nsamples needs a value"),
        ("post -n --dry-run", "--nsamples needs a value"),
        ("post -n 0", "--nsamples must be a whole number of at least 1, not '0'"),
        ("post -n-5", "--nsamples must be a whole number of at least 1, not '-5'"),
        ("post -n=", "--nsamples must be a whole number of at least 1, not ''"),
        ("post -n 2 --nsamples 2", "--nsamples is given twice"),
        ("post -nsamples 2", "unknown option -nsamples; did you mean --nsamples?"),
        ("-n 2 post", "unknown option -n"),
        ("train -n 2", "unknown option -n; did you mean --name?"),
        ("post -dry-run", "unknown option -dry-run; did you mean --dry-run?"),
        ("post --dry", "unknown option --dry; did you mean --dry-run?"),
        ("post --dry-run=no", "--dry-run must be true or false, not 'no'"),
        ("post --dry-run=", "--dry-run must be true or false, not ''"),
        ("post --dry-run=1", "--dry-run must be true or false, not '1'"),
        ("post --dry-run no", "unexpected value 'no'"),
        ("post --dry-run --dry-run", "--dry-run is given twice"),
        ("post --prompt a --prompt=b", "--prompt is given twice"),
        ("post --prompt", "--prompt needs a value"),
        ("post --prompt --dry-run", "--prompt needs a value"),
        ("post --prompt -- ", "--prompt needs a value"),
        ("post --prompt -x", "--prompt needs a value; write one that begins with '-' as --pro"),
        ("post --top-k x", "--top-k must be a whole number of at least 0, not 'x'"),
        ("post --top-k 1.0", "--top-k must be a whole number of at least 0, not '1.0'"),
        ("post --top-k -1", "--top-k must be a whole number of at least 0, not '-1'"),
        ("post --top-p 0", "--top-p must be a number greater than 0 and at most 1, not '0'"),
        ("post --top-p 1.1", "--top-p must be a number greater than 0 and at most 1, not '1.1'"),
        ("post --top-p nan", "--top-p must be a number greater than 0 and at most 1, not 'nan'"),
        ("post --heat nan", "--heat must be a number greater than 0, not 'nan'"),
        ("post --heat=inf", "--heat must be a number greater than 0, not 'inf'"),
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
        ("train --name x -", "unexpected value '-'; write a file of this name as './-'"),
        ("train --name x -- -a", "unexpected value '-a'; write a file of this name as './-a'"),
        ("post --salt 10", "--salt must be a whole number from 0 to 9, not '10'"),
        ("post --kind bitter", "--kind must be sweet or sour, not 'bitter'"),
        ("post --config=", "--config must be a path, not ''"),
        ("post --config", "--config needs a value"),
        ("fetch", "missing: MODEL"),
        ("fetch a b", "unexpected value 'b'"),
        ("fetch --model a", "unknown option --model"),
        ("queue ad", "unknown command 'queue ad'; did you mean queue add?"),
        ("queue post", "unknown command 'queue post'; known: queue add, queue list"),
        ("queue queue", "unknown command 'queue queue'; known: queue add, queue list"),
        ("add", "unknown command 'add'; did you mean queue add?"),
        ("que add", "unknown command 'que'; did you mean queue?"),
        ("queue-add x", "unknown command 'queue-add'; did you mean queue?"),
        ("queue --config x", "a command is missing; known: queue add, queue list"),
        ("queue --dry-run add x", "unknown option --dry-run"),
        ("queue add", "missing: TEXT"),
        ("queue add -5", "unexpected value '-5'. Run"),
        ("queue add x list", "unexpected value 'list'"),
        ("queue list add", "unexpected value 'add'"),
        ("post queue add", "unexpected value 'queue'"),
        ("corpus", "missing: PLAN"),
        ("corpus plan verify", "unexpected value 'verify'"),
        ("corpus verify --size 2", "unknown option --size"),
        ("corpus --size 2 verify", "unknown option --size"),
        ("help --dry-run", "unknown option --dry-run"),
        ("help queue add x", "unexpected value 'x'"),
        ("version 2", "unexpected value '2'"),
        ("version --json", "unknown option --json"),
    ],
)
def test_a_line_that_is_wrong_does_nothing_and_is_explained(
    argv: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        PROGRAM.parse(argv.split())
    assert str(caught.value).startswith(message)
    assert re.search(r"[.?] Run 'bot [a-z ]*--help'\.$", str(caught.value))
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
    with pytest.raises(UsageError, match=r"Run 'bot queue --help'\.$"):
        PROGRAM.parse(["queue", "ad"])
    with pytest.raises(UsageError, match=r"Run 'bot queue add --help'\.$"):
        PROGRAM.parse(["queue", "add"])


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
    with pytest.raises(UsageError, match=r"--prompt must be UTF-8, not '\\udcff'"):
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


@pytest.mark.parametrize("argv", [["-n", "5"], ["-n5"], ["-n=5"], ["--nsamples=5"]])
def test_an_option_can_have_a_name_of_one_letter(argv: list[str]) -> None:
    assert posted(*argv) == {"nsamples": 5}


@pytest.mark.parametrize(
    ("line", "name", "values"),
    [
        ("queue add x", "queue add", {"text": "x"}),
        ("queue add --dry-run x", "queue add", {"text": "x", "dry_run": True}),
        ("queue add list", "queue add", {"text": "list"}),
        ("queue list", "queue list", {}),
        ("--config c queue list", "queue list", {"config": Path("c")}),
        ("queue --config c list", "queue list", {"config": Path("c")}),
        ("queue list --config=c", "queue list", {"config": Path("c")}),
        ("corpus plan", "corpus", {"plan": Path("plan")}),
        ("corpus ./verify", "corpus", {"plan": Path("./verify")}),
        ("corpus --size 2 plan", "corpus", {"plan": Path("plan"), "size": 2}),
        ("corpus verify", "corpus verify", {"folder": "."}),
        ("corpus verify x", "corpus verify", {"folder": "x"}),
        ("corpus --config c verify", "corpus verify", {"config": Path("c")}),
    ],
)
def test_a_command_may_have_two_words(line: str, name: str, values: dict[str, Any]) -> None:
    called, found = run(*line.split())
    assert called == name
    assert found.items() >= values.items()


def shown(argv: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a line prints that runs no command."""
    PROGRAM.parse(argv.split())()
    out, err = capsys.readouterr()
    assert not err
    assert not calls
    return out


@pytest.mark.parametrize(
    "argv",
    ["", "--help", "-h", "help", "--help --dryrun", "--config --help", "nonsense --help"],
)
def test_help_lists_the_commands(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(argv, capsys)
    assert out.startswith("A bot.\n\nUsage: bot COMMAND [OPTION...]\n")
    names = ("post     Posts.", "train    Trains.", "fetch    Fetches.", "queue    Keeps tweets.")
    assert "Commands:\n  " + "\n  ".join((*names, "corpus   Makes a corpus.", "help ")) in out


@pytest.mark.parametrize(
    "argv",
    [
        *("post --help", "post -h", "--help post", "post --prompt --help", "post -n -h"),
        *("help post", "--config x help post", "post queue --help"),
    ],
)
def test_help_of_a_command_lists_its_options(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(argv, capsys)
    assert "Usage: bot post [OPTION...]" in out
    for line in ("--dry-run         Does not.", "--prompt TEXT     The beginning.", "--top-p X "):
        assert f"\n  {line}" in out


@pytest.mark.parametrize(
    "argv", ["queue", "queue --help", "--help queue", "help queue", "queue nonsense -h"]
)
def test_help_of_a_group_lists_its_commands(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(argv, capsys)
    assert out.startswith("Keeps tweets.\n\nUsage: bot queue COMMAND [OPTION...]\n")
    assert "\n  queue add   Adds to the queue.\n  queue list  Lists the queue.\n" in out
    assert "Run 'bot queue COMMAND --help'" in out


@pytest.mark.parametrize("argv", ["queue add --help", "help queue add", "--config c queue add -h"])
def test_help_of_a_command_of_a_group(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: bot queue add TEXT [OPTION...]" in shown(argv, capsys)


def test_help_of_a_command_that_is_a_group_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown("corpus --help", capsys)
    assert "Usage: bot corpus PLAN [OPTION...]" in out
    assert "Commands:\n  corpus verify  Verifies a corpus.\n" in out
    assert "Usage: bot corpus verify [FOLDER] [OPTION...]" in shown("corpus verify -h", capsys)


@pytest.mark.parametrize("argv", ["help pots", "help queue ad", "help post post"])
def test_help_of_what_there_is_not(argv: str) -> None:
    with pytest.raises(UsageError, match=r"unknown command .* Run 'bot --help'\.$"):
        PROGRAM.parse(argv.split())()


def test_help_shows_what_has_to_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Usage: bot train FILE... --name TEXT [OPTION...]" in shown("train --help", capsys)


@pytest.mark.parametrize(
    "line",
    [
        "  --top-k N         A count. [at least 0]",
        "  --top-p X         A share. [greater than 0 and at most 1; default 1]",
        "  -n, --nsamples N  How many. [at least 1; default 1]",
        "  --salt N          How salty it is. [from 0 to 9; default 4; from the",
        "  --kind NAME       Which kind. [sweet or sour; default sour; from the",
        "                    configuration]",
        "  --config PATH     A file.",
        "  -h, --help        Shows this help.",
    ],
)
def test_help_shows_what_is_allowed_and_the_defaults(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert f"\n{line}\n" in shown("post --help", capsys)


def test_help_shows_values_that_the_command_itself_judges(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "  MODEL  What. [small, middle or large]\n" in shown("fetch --help", capsys)
    assert run("fetch", "tiny")[1]["model"] == "tiny"


def test_help_ends_with_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert shown("post --help", capsys).endswith(
        "\n\nExamples:\n"
        "  bot post --dry-run\n"
        '  bot post --prompt "A beginning of some words" --top-k 40 --top-p 0.9\n'
        "    --nsamples 10\n"
    )
    assert "Examples" not in shown("fetch --help", capsys)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 300])
@pytest.mark.parametrize("argv", ["", "post -h", "train -h", "queue", "corpus -h", "help -h"])
def test_help_is_as_wide_as_the_terminal(
    argv: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = shown(argv, capsys)
    for line in out.splitlines():
        assert len(line) <= min(columns, 100) or len(line.split()) == 1
        assert line == line.rstrip()


@pytest.mark.parametrize(
    "argv", ["--version", "-V", "version", "post --version", "--config x version"]
)
def test_version(argv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(argv, capsys) == "bot 1.2.3\n"


def test_what_may_be_a_password_is_not_shown() -> None:
    for url in ("http://me:secret@host", "me:secret@host", "http://me:sec/ret@host/@x"):
        with pytest.raises(UsageError) as caught:
            run("post", "--top-k", url)
        assert "ret" not in str(caught.value)
