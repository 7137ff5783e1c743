from __future__ import annotations

import socket
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gpt2bot.posting.client import Client
from gpt2bot.posting.outbox import Outbox
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.x_server import KEYS, XServer, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gpt2bot.errors import GPT2BotError

LABEL = "#GPT2 #AIgenerated"


@pytest.fixture
def client(x: XServer) -> Client:
    return Client(credentials())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def outbox(folder: Path) -> Iterator[Outbox]:
    with Outbox(folder) as outbox:
        yield outbox


@dataclass
class Clock:
    now: float

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def stopped_clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops the time of this process, X's included."""
    monkeypatch.setattr(time, "time", clock)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine at which nobody is, and which nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def tweet() -> Tweet:
    return Tweet("The best thing about rain is tea & a <good> book.", LABEL, "The best thing")


@pytest.fixture
def failure() -> Callable[..., GPT2BotError]:
    """Calls what must fail so, and looks at all that the failure shows."""

    def call(
        kind: type[GPT2BotError], function: Callable[..., object], *args: object, **kwargs: object
    ) -> GPT2BotError:
        with pytest.raises(kind) as caught:
            function(*args, **kwargs)
        shown = "".join(traceback.format_exception(caught.value))
        assert not [name for name, key in KEYS.items() if key in shown]
        message = str(caught.value)
        assert message.isprintable(), "one line, without control characters"
        assert len(message) < 600
        return caught.value

    return call
