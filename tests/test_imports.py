"""Which parts of the package may import which others: read from the sources."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gpt2bot

PACKAGE = Path(str(gpt2bot.__file__)).parent

# What each part must not import, by the name of a module or package that an import begins with.
FORBIDDEN = {
    "bot": ("gpt2bot.cli", "fire"),
    "gpt2": ("gpt2bot.tweets", "gpt2bot.posting", "gpt2bot.bot", "gpt2bot.cli", "gpt2bot.config"),
    "tweets": (
        "gpt2bot.gpt2",
        "gpt2bot.posting",
        "gpt2bot.bot",
        "gpt2bot.cli",
        "gpt2bot.config",
        "tensorflow",
        "tweepy",
        "fire",
    ),
    "posting": ("gpt2bot.gpt2", "gpt2bot.bot", "gpt2bot.cli", "gpt2bot.config", "tensorflow"),
}
# What each part may import of the package at most, besides itself.
ALLOWED = {
    "errors.py": (),
    "files.py": ("gpt2bot.errors",),
    "fields.py": (),
    "environment.py": ("gpt2bot.fields",),
    "config.py": (
        "gpt2bot.environment",
        "gpt2bot.errors",
        "gpt2bot.fields",
        "gpt2bot.gpt2.download.registry.ModelName",
        "gpt2bot.gpt2.settings",
        "gpt2bot.posting.client.Account",
        "gpt2bot.posting.limits.Limits",
        "gpt2bot.tweets.filter.FilterSettings",
        "gpt2bot.tweets.settings",
    ),
    "tables.py": (),
    "proxy.py": (),
    "tweets": ("gpt2bot.errors", "gpt2bot.tables"),
    "gpt2": (
        "gpt2bot.errors",
        "gpt2bot.fields",
        "gpt2bot.files",
        "gpt2bot.proxy",
        "gpt2bot.tables",
        "gpt2bot.__version__",
    ),
    "posting": (
        "gpt2bot.errors",
        "gpt2bot.files",
        "gpt2bot.proxy",
        "gpt2bot.tweets.label",
        "gpt2bot.tweets.length",
        "gpt2bot.tweets.tweet",
    ),
}


def imports(part: str) -> dict[str, str]:
    """Every name that a part of the package imports, and the file that does."""
    place = PACKAGE / part
    found = {}
    for path in [place] if place.is_file() else place.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name: path.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                found |= {f"{node.module}.{alias.name}": path.name for alias in node.names}
    return found


def is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}.")


@pytest.mark.parametrize("part", FORBIDDEN)
def test_a_part_does_not_import_what_it_must_not_know(part: str) -> None:
    wrong = {
        name: file
        for name, file in imports(part).items()
        if any(is_below(name, parent) for parent in FORBIDDEN[part])
    }
    assert not wrong


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_no_more_of_the_package_than_it_may(part: str) -> None:
    own = f"gpt2bot.{part.removesuffix('.py')}"
    wrong = {
        name: file
        for name, file in imports(part).items()
        if is_below(name, "gpt2bot")
        and not any(is_below(name, parent) for parent in (own, *ALLOWED[part]))
    }
    assert not wrong


def test_every_part_has_its_rules() -> None:
    parts = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert parts - {"cli"} == set(FORBIDDEN)
