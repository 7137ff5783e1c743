"""A bot that is set up by environment variables, and used in this process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gpt2bot.bot import post
from gpt2bot.bot.check import check
from gpt2bot.config import load_settings
from gpt2bot.errors import GPT2BotError
from tests.fakes.x_server import KEYS

if TYPE_CHECKING:
    from pathlib import Path

    from gpt2bot.bot.check import Finding
    from tests.fakes.home import Home
    from tests.fakes.x_server import XServer


class Checked:
    """What `check` found.

    Attributes:
        exit_code: What the command ends with.
        troubles: The subjects with which something is wrong.
        skipped: Those that were not looked at.
        said: What was said of each subject.
    """

    def __init__(self, findings: list[Finding]) -> None:
        errors = [finding.error for finding in findings if finding.error]
        self.exit_code = errors[0].exit_code if errors else 0
        self.troubles = [finding.subject for finding in findings if finding.error]
        self.skipped = [finding.subject for finding in findings if finding.skipped]
        self.said = {finding.subject: str(finding.error or finding.text) for finding in findings}
        assert not [key for key in KEYS.values() if key in str(self.said)]


@dataclass
class Bot:
    """A bot with a home of its own.

    Attributes:
        home: Its home and working directory.
        patch: Sets environment variables.
    """

    home: Home
    patch: pytest.MonkeyPatch

    @property
    def state(self) -> Path:
        """Its state folder, which need not be there."""
        return self.home.path / ".local/state/gpt2bot"

    def set(self, **environ: str) -> None:
        for name, value in environ.items():
            self.patch.setenv(name, value)

    def check(self, config: Path | None = None, *, online: bool = False) -> Checked:
        return Checked(list(check(config, online=online)))

    def post(self, prompt: str | None = None) -> tuple[int, str]:
        """The exit code of a run, and why it did not post."""
        try:
            post.post(load_settings(), prompt=prompt)
        except GPT2BotError as error:
            return error.exit_code, str(error)
        return 0, ""


@pytest.fixture
def bare(home: Home, monkeypatch: pytest.MonkeyPatch) -> Bot:
    """A bot without keys."""
    for name in [name for name in os.environ if name.startswith(("GPT2BOT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home.path))
    monkeypatch.setenv("GPT2BOT_MODEL", "demo")
    monkeypatch.chdir(home.path)
    return Bot(home, monkeypatch)


@pytest.fixture
def bot(bare: Bot, x: XServer) -> Bot:
    """A bot with keys."""
    bare.set(**x.environment)
    return bare
