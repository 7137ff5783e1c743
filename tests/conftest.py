"""What holds for all tests."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.fakes.home import Home
from tests.fakes.x_server import XServer

if TYPE_CHECKING:
    from collections.abc import Iterator

# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that: the
# tests that send SIGINT to a real command need it as an owner's terminal has it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def compiled_demo(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The model in the box, compiled once for all tests that run the real command."""
    compiled = Home(tmp_path_factory.mktemp("home")).run("compile", "demo")
    assert compiled.returncode == 0, compiled.stderr


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Iterator[XServer]:
    """X, as this process reaches it."""
    with XServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
