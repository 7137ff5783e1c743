"""Who can post, and what posting knows: read from the source of the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import gpt2bot

PACKAGE = Path(gpt2bot.__file__).parent


def mentions(name: str) -> set[tuple[str, str]]:
    """The functions in which a name stands, be it as a name, an attribute, or in a string."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                continue
            for node in own_nodes(function):
                if name in (
                    getattr(node, "id", None),
                    getattr(node, "attr", None),
                    getattr(node, "value", None),
                ):
                    found.add((path.relative_to(PACKAGE).as_posix(), getattr(function, "name", "")))
    return found


def own_nodes(function: ast.AST) -> list[ast.AST]:
    """What stands in a function, or a module, but not in a function within it."""
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(function):
        nodes.append(child)
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes += own_nodes(child)
    return nodes


def test_one_way_leads_to_x() -> None:
    publish = "posting/publish.py"
    assert mentions("create_tweet") == {("posting/client.py", "create_post")}
    assert mentions("create_post") == {(publish, "_post")}
    assert mentions("_post") == {(publish, "_send")}
    assert mentions("_send") == {(publish, "publish"), (publish, "publish_ready")}


def test_only_the_client_knows_tweepy() -> None:
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if "import tweepy" in path.read_text(encoding="utf-8")
    }
    assert users == {"client.py"}


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, pathlib\n"
        "from gpt2bot.posting import client, outbox, publish, state_folder\n"
        "client.Credentials()\n"
        "heavy = {'tweepy', 'requests', 'filelock', 'twitter_text', 'tensorflow', 'fire'}\n"
        "print(*heavy & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("\n", "")
