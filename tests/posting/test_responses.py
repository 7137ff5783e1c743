"""The tables of `responses.py`, row by row: read from its docstring, tried by outbox and client."""

from __future__ import annotations

import json
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


def answer(status: int, body: object = b"", *, accept: bool = False) -> Case:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Case(Fault("answer", status=status, body=data, accept=accept))


def v2(status: int, detail: str, **more: object) -> Case:
    """An answer in the form of X's API v2."""
    return answer(status, {"title": "Sorry", "detail": detail, "type": "about:blank", **more})


def v1(status: int, message: str, code: object = None, **more: object) -> Case:
    """An answer in the older form, with a code or without."""
    error = {"message": message} if code is None else {"code": code, "message": message}
    return answer(status, {"errors": [error], **more})


def proxy_at(url: str, timeout: float = 30.0) -> Case:
    return Case(variables={"HTTPS_PROXY": url, "https_proxy": url}, timeout=timeout)


SILENT = "http://127.0.0.1:{silent}"
CLOSED = "http://127.0.0.1:{closed}"
LOCKED = (
    "To protect our users from spam and other malicious activity, this account is temporarily"
    " locked. Please log in to https://x.com to unlock your account."
)
ROBOT = "This request looks like it might be automated. Please try again later."
INVALID = {"title": "Invalid Request", "detail": "One or more parameters was invalid."}
PAGE = b"<!DOCTYPE html><html><head><title>Access denied</title></head><body>No.</body></html>"

CASES: dict[str, list[Case]] = {
    "201 with an id": [Case()],
    "201 that says no id": [
        answer(201),
        answer(201, b'{"data": {}}', accept=True),
        answer(201, b'{"data": {"id": 7}}'),
        answer(200, b'{"errors": [{"title": "Sorry"}]}'),
        answer(201, PAGE, accept=True),
    ],
    "account locked": [
        v1(403, LOCKED, 326),
        v2(403, LOCKED),
        v1(403, "No.", "326"),
        answer(403, {"errors": [None, 5, [], {"code": True}, {"code": 326}], "error": 7}),
        v2(401, "Your account has been locked."),
    ],
    "account suspended": [
        v1(403, "Your account is suspended and is not permitted to do this.", 64),
        v2(403, "User is suspended"),
        v1(401, "Invalid or suspended application.", 416),
        answer(403, {"error": {"code": 64}}),
        v2(403, "Your account is suspended for spam."),
    ],
    "duplicate": [
        v2(403, "You are not allowed to create a Tweet with duplicate content."),
        v2(403, "You are not allowed to create a Post with duplicate content."),
        v1(403, "Status is a duplicate.", 187),
        v1(403, "Status is a duplicate."),
        v1(400, "No.", 187, **INVALID),
        answer(403, [{"code": 187}]),
        v1(403, "Whoops! You already said that."),
    ],
    "too long": [
        v2(403, "Your Tweet text is too long."),
        v1(400, "Your Tweet text is too long.", **INVALID),
        v1(403, "Tweet needs to be a bit shorter.", 186),
        v1(403, "No.", 186),
        v2(422, "The text of your post is too long."),
        v1(400, "Text must be at most 280 characters.", **INVALID),
    ],
    "text not valid": [
        v1(400, "Your Tweet contains invalid characters.", **INVALID),
        v1(400, "$.text: does not match the pattern", **INVALID),
        answer(400, {**INVALID, "errors": [{"message": "No.", "parameters": {"text": ["?"]}}]}),
        v2(403, "This post violates the X Rules."),
        v2(400, "Invalid text"),
        v2(403, "Your Tweet was not sent, because it contains a link to a malicious site."),
    ],
    "taken for spam": [
        v2(403, ROBOT),
        v1(403, ROBOT, 226),
        v1(403, "No.", 226),
        v2(403, "Your post looks like spam."),
        v2(400, "We suspect that this request is automated."),
    ],
    "daily limit": [
        v2(403, "User is over daily status update limit."),
        v1(403, "User is over daily status update limit.", 185),
        v1(403, "You have reached your daily limit.", 344),
        v1(400, "No.", 185),
        v2(429, "Usage cap exceeded", type="https://api.twitter.com/2/problems/usage-capped"),
        v2(403, "You have reached the limit of posts in 24 hours."),
        v2(403, "You have exceeded your post cap."),
    ],
    "rate limit, 429": [
        answer(429),
        answer(429, PAGE),
        v2(429, "Too Many Requests"),
        v1(400, "Rate limit exceeded", 88),
        answer(420, b"Enhance your calm"),
        answer(429, {"error": "busy"}),
    ],
    "no credits, 402": [
        answer(402),
        answer(402, PAGE),
        answer(402, {"title": "CreditsDepleted"}),
        v2(403, "Your account does not have any credits."),
    ],
    "not in the plan": [
        v1(403, "You currently have access to a subset of X API V2 endpoints only.", 453),
        v1(403, "No.", 453),
        v2(403, "Use keys of an App that is attached to a Project.", reason="client-not-enrolled"),
        answer(403, {"reason": "client-not-enrolled"}),
        v2(403, "You may need a different access level."),
    ],
    "app may only read": [
        v2(403, "... not configured with the appropriate oauth1 app permissions ..."),
        v1(403, "Read-only application cannot POST.", 261),
        v1(401, "No.", 261),
    ],
    "token not valid": [
        v1(401, "Invalid or expired token.", 89),
        v1(403, "No.", 89),
        v2(401, "The access token has been revoked: token expired."),
        answer(401, {"error": "invalid_token", "error_description": "Sorry."}),
    ],
    "clock wrong": [
        v1(401, "Timestamp out of bounds.", 135),
        v1(403, "No.", 135),
        Case(Fault("answer", status=401, headers={"Date": "Wed, 21 Oct 2015 07:28:00 GMT"})),
    ],
    "a page, not JSON": [
        answer(403, PAGE),
        answer(403, b"Request blocked."),
        answer(403, b'{"errors": [{"code": 187, "message": "Status is a dup'),
        answer(404, b"<h1>Status is a duplicate.</h1>"),
        answer(401, PAGE),
        answer(400, b"\xff\xfe\x00"),
        answer(413, b"<html>Request Entity Too Large"),
    ],
    "keys not known, 401": [
        answer(401),
        v2(401, "Unauthorized"),
        v1(401, "Could not authenticate you.", 32),
        v1(400, "Bad Authentication data.", 215),
        v1(403, "No.", 32),
        answer(401, {"errors": "Could not authenticate you"}),
    ],
    "other 403": [
        answer(403),
        v2(403, "Your account is not permitted to access this feature."),
        v1(403, "You are not permitted to perform this action.", 200),
        answer(403, {"errors": [{"code": 99999}]}),
        answer(403, {"duplicate": True}),
        v2(403, "You have already posted this many times today."),
        v2(403, "The nonce is a duplicate."),
        v2(403, "Your account status is invalid."),
        v2(403, "Your account's name is too long."),
        v2(403, "To post, accept the new terms: your account contains an open question."),
    ],
    "other 4xx, but 408": [
        answer(400),
        answer(400, INVALID),
        answer(404),
        answer(410),
        answer(413),
        answer(414, {"detail": "URI too long"}),
        answer(415, {"detail": "Invalid content type"}),
        answer(422),
        answer(451),
        v1(400, "Invalid content type"),
        v1(400, "$.text: is not defined in the schema", **INVALID),
        v1(400, "The `made_with_ai` field is too long", **INVALID),
        v2(404, "Status is a duplicate."),
    ],
    "5xx, 408, 3xx": [
        *(answer(status) for status in (500, 502, 504, 408, 301, 307)),
        answer(503, accept=True),
        answer(503, PAGE),
        v1(503, "Over capacity", 130),
        v1(500, "Status is a duplicate.", 187),
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
    answers = {name: row.error for name, row in rows().items()}
    assert {rule.answer: rule.error.__name__ for rule in responses.RULES}.items() <= answers.items()
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
