"""What holds for all tests."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from gpt2bot.config import Settings
from gpt2bot.files import making, replaced_folder
from tests.fakes.home import Home
from tests.fakes.x_server import KEYS, XServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that: the
# tests that send SIGINT to a real command need it as an owner's terminal has it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every machine, however slow it is, and no files of them in the checkout.
hypothesis.settings.register_profile(
    "gpt2bot",
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("gpt2bot")

MOST_WORKERS = 4
MEMORY = 2 * 2**30
"""Bytes for a worker: it loads TensorFlow, and so does the command that it runs."""


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spreads the tests over processes, unless files are named or `-n` says otherwise.

    A few files are done before other processes have started.
    """
    can_spread = config.pluginmanager.hasplugin("xdist") and not hasattr(config, "workerinput")
    names_files = any(".py" in argument for argument in config.args)
    if can_spread and not names_files and config.option.numprocesses is None:
        config.option.numprocesses, config.option.dist = "auto", "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One for each core that may be used, as far as memory allows; 0 uses this process alone."""
    mine = getattr(os, "sched_getaffinity", None)
    cores = len(mine(0)) if mine else os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    workers = min(cores, round(memory / MEMORY), MOST_WORKERS)
    return workers if workers > 1 else 0


@pytest.fixture(scope="session")
def shared_folder(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[..., Path]:
    """Fills a folder once for all processes of this run: called with its name and what fills it.

    No test may change what is in it.
    """
    base = tmp_path_factory.getbasetemp()
    root = base.parent if hasattr(request.config, "workerinput") else base

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        path = root / "shared" / name
        with making(path, wait=True):
            if not path.exists():
                with replaced_folder(path) as new:
                    fill(new)
        return path

    return folder


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
    (tmp_path / "models").mkdir()

    def make(**sections: Any) -> Settings:
        models = tmp_path / "models"
        models.mkdir(exist_ok=True)
        folders = {"models_dir": models, "state_dir": tmp_path / "state"}
        often = {"min_minutes_between_posts": 0}
        usual = {**folders, "model": "demo", "x": KEYS, "limits": often}
        return Settings.model_validate({**usual, **sections})

    return make
