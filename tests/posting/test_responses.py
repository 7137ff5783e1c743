"""The tables of `responses.py`, row by row: read from its docstring, tried by outbox and client."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import GPT2BotError
from gpt2bot.posting import responses
from gpt2bot.posting.client import Client
from gpt2bot.posting.outbox import State
from gpt2bot.posting.publish import publish, publish_ready
from tests.fakes.x_server import Fault, XServer, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gpt2bot.posting.outbox import Outbox
    from gpt2bot.tweets.tweet import Tweet


@dataclass(frozen=True)
class Row:
    """What a row says: the error's name, and where the tweet is then."""

    error: str
    state: str
    exit_code: int


def rows() -> dict[str, Row]:
    """The rows of both tables by their first column; rulers of '=' tell where columns begin."""
    found, starts = {}, [0]
    for line in (responses.__doc__ or "").splitlines():
        if line.startswith("==="):
            starts = [match.start() for match in re.finditer("=+", line)]
        elif len(starts) == 4 and line.strip():
            ends = [*starts[1:], None]
            cells = [line[a:b].strip() for a, b in zip(starts, ends, strict=True)]
            if cells[3].isdigit():
                state = re.sub(r" (again|\[#\]_)", "", cells[2]).strip()
                found[cells[0]] = Row(cells[1], state.split()[0], int(cells[3]))
    return found


@dataclass(frozen=True)
class Case:
    """A way in which a row comes about.

    Attributes:
        fault: What X does.
        variables: In the environment.
        proxy: Attributes of the proxy on the way to X.
        timeout: Of the client; None tries those of `XServer.timeouts`.
    """

    fault: Fault | None = None
    variables: dict[str, str] = field(default_factory=dict)
    proxy: dict[str, Any] = field(default_factory=dict)
    timeout: float | None = 30.0


def answer(status: int, body: bytes = b"", *, accept: bool = False) -> Case:
    return Case(Fault("answer", status=status, body=body, accept=accept))


def proxy_at(url: str, timeout: float = 30.0) -> Case:
    return Case(variables={"HTTPS_PROXY": url, "https_proxy": url}, timeout=timeout)


SILENT = "http://127.0.0.1:{silent}"
CLOSED = "http://127.0.0.1:{closed}"
READ_ONLY = b'{"detail": "... oauth1 app permissions ..."}'

CASES: dict[str, list[Case]] = {
    "201 with an id": [Case()],
    "201 that says no id": [
        answer(201),
        answer(201, b'{"data": {}}', accept=True),
        answer(201, b'{"data": {"id": 7}}'),
        answer(200, b'{"errors": [{"title": "Sorry"}]}'),
    ],
    "400": [answer(400)],
    "401": [answer(401)],
    "402": [answer(402, b'{"title": "CreditsDepleted"}')],
    "403 duplicate": [answer(403, b'{"detail": "... with duplicate content."}')],
    "403 about the account": [
        answer(403, READ_ONLY),
        answer(403, b'{"detail": "User is suspended"}'),
        answer(403, b'{"reason": "client-not-enrolled"}'),
    ],
    "403 other": [answer(403), answer(403, b'{"detail": "Your Tweet text is too long."}')],
    "429": [answer(429)],
    "other 4xx, but 408": [answer(404), answer(410), answer(422)],
    "5xx, 408, 3xx": [
        *(answer(status) for status in (500, 502, 504, 408, 301, 307)),
        answer(503, accept=True),
    ],
    "no name, no proxy, no connection, no TLS": [
        proxy_at("http://no-such-host.invalid:1"),
        proxy_at(CLOSED),
        Case(proxy={"status": "502 Bad gateway"}),
        Case(proxy={"resets": True}),
        Case(variables={"REQUESTS_CA_BUNDLE": ""}),
    ],
    "no connection in time": [proxy_at(SILENT, timeout=0.2)],
    "no answer in time": [
        Case(Fault("hang"), timeout=None),
        Case(Fault("hang", accept=True), timeout=None),
        Case(Fault("hang", accept=True, cut=100), timeout=None),
    ],
    "reset while or after the tweet is sent": [
        Case(Fault("reset", unread=True)),
        Case(Fault("reset")),
        Case(Fault("reset", accept=True)),
        Case(Fault("reset", accept=True, cut=100)),
        Case(Fault("drop", accept=True)),
    ],
}


@pytest.fixture
def ports(closed_port: int) -> Iterator[dict[str, int]]:
    """One where nobody answers, and one where nobody is."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield {"silent": silent.getsockname()[1], "closed": closed_port}


def test_every_row_has_its_cases() -> None:
    assert CASES.keys() == rows().keys()
    assert {row.exit_code for row in rows().values()} == {0, 6, 7, 8}


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name} {number}")
        for name, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_row(
    x: XServer,
    outbox: Outbox,
    tweet: Tweet,
    ports: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    *,
    failure: Callable[..., GPT2BotError],
    name: str,
    case: Case,
) -> None:
    row = rows()[name]
    if case.fault:
        x.faults.append(case.fault)
    for variable, value in case.variables.items():
        monkeypatch.setenv(variable, value.format(**ports))
    for attribute, value in case.proxy.items():
        monkeypatch.setattr(x.proxy, attribute, value)

    def send(timeout: float) -> None:
        client = Client(credentials(), timeout=timeout)
        if left := outbox.entries(*State):
            publish_ready(outbox, client, left[0])
        else:
            publish(outbox, client, tweet, model="demo", seed=None)

    note, attempts = "", 0
    for timeout in x.timeouts() if case.timeout is None else [case.timeout]:
        attempts += 1
        if row.error:
            error = failure(GPT2BotError, send, timeout)
            note = str(error)
        else:
            send(timeout)
    if row.error:
        assert (type(error).__name__, error.exit_code) == (row.error, row.exit_code)
    [entry] = outbox.entries(*State)
    assert (entry.state.value, entry.note, entry.attempts) == (row.state, note, attempts)
    assert len(x.requests) <= 1, "nothing is sent again"
