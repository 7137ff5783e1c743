"""What holds for all tests."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.config import Settings
from tests.fakes.home import Home
from tests.fakes.x_server import KEYS, XServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that: the
# tests that send SIGINT to a real command need it as an owner's terminal has it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def compiled_demo(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The bundled model, compiled once for all tests that run the real command."""
    compiled = Home(tmp_path_factory.mktemp("home")).run("compile", "demo")
    assert compiled.returncode == 0, compiled.stderr


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What the package logs from now on."""
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    logger, collector = logging.getLogger("gpt2bot"), Collector()
    level = logger.level
    logger.addHandler(collector)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(collector)
    logger.setLevel(level)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Iterator[XServer]:
    """X, as this process reaches it."""
    with XServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings of a bot that has the bundled model and remembers nothing."""

    def make(**sections: Any) -> Settings:
        folders = {"models_dir": tmp_path / "models", "state_dir": tmp_path / "state"}
        often = {"min_minutes_between_posts": 0}
        usual = {**folders, "model": "demo", "x": KEYS, "limits": often}
        return Settings.model_validate({**usual, **sections})

    return make
