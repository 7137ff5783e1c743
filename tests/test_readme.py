"""The README says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gpt2bot import errors
from gpt2bot.cli.main import PROGRAM
from gpt2bot.gpt2.download.registry import PUBLISHED

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_the_two_commands_of_a_newcomer_come_first() -> None:
    assert block("sh").splitlines() == [
        "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/gpt2bot post --dry-run",
        ".venv/bin/pip install -q '.[test]' && .venv/bin/pytest",
    ]


def test_every_command_and_every_published_model_is_named() -> None:
    for name in PROGRAM.commands:
        assert f"| `gpt2bot {name}" in README
    assert all(model in README for model in PUBLISHED)


def test_every_option_of_sample_and_post_is_named() -> None:
    for command in (PROGRAM.commands["sample"], PROGRAM.commands["post"]):
        assert [option for option in command.options if f"`{option}" not in README] == []


def test_every_exit_code_of_an_error_is_in_the_table() -> None:
    table = README.partition("### Exit codes")[2].partition("## ")[0]
    listed = {int(code) for code in re.findall(r"^\| (\d+)", table, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert {kind.exit_code for kind in kinds if issubclass(kind, errors.GPT2BotError)} <= listed


def test_the_example_in_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(block("python"), "README.md", "exec"), {})


def test_every_link_to_a_file_leads_to_one() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / target).exists(), target
