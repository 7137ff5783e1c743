"""What this room may know of the others: read from its source."""

import ast
from pathlib import Path

import gpt2bot.tweets


def imported() -> set[str]:
    names = set()
    for path in Path(next(iter(gpt2bot.tweets.__path__))).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_room_knows_only_itself_and_the_errors() -> None:
    ours = {name for name in imported() if name.split(".")[0] == "gpt2bot"}
    assert {name for name in ours if not name.startswith("gpt2bot.tweets.")} == {
        "gpt2bot.errors.ConfigurationError"
    }


def test_the_room_knows_no_model_no_client_and_no_command_line() -> None:
    assert not {name.split(".")[0] for name in imported()} & {"tensorflow", "tweepy", "fire"}
