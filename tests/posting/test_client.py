"""The client against a server that is as strict as X."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import (
    AccountError,
    DuplicateError,
    GPT2BotError,
    LimitError,
    NetworkError,
    OutcomeUnknownError,
    RefusedError,
)
from gpt2bot.posting.client import Client
from gpt2bot.posting.clock import local
from tests.fakes.x_server import KEYS, Fault, credentials

if TYPE_CHECKING:
    from tests.fakes.x_server import XServer

TEXT = "It rains, but only a little.\n#GPT2 #AIgenerated"


def answer(status: int, body: object = b"", **headers: str) -> Fault:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault("answer", status=status, body=data, headers=names)


def test_good_keys_post_and_give_the_id(x: XServer, client: Client) -> None:
    tweet_id = client.create_post(TEXT)
    assert [(post["id"], post["text"]) for post in x.timeline] == [(tweet_id, TEXT)]


def test_posts_from_a_process_of_its_own(x: XServer) -> None:
    code = (
        "import sys; from gpt2bot.posting.client import *; from pydantic import SecretStr\n"
        "keys = Credentials(*map(SecretStr, sys.argv[2:]))\n"
        "print(Client(keys).create_post(sys.argv[1]))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, TEXT, *KEYS.values()],
        capture_output=True,
        text=True,
    )
    assert (run.stdout.strip(), run.stderr) == (x.timeline[0]["id"], "")


@pytest.mark.parametrize("name", KEYS)
def test_each_wrong_key_is_refused(x: XServer, failure: Any, name: str) -> None:
    wrong = KEYS[name][:-1] + "x"
    error = failure(AccountError, Client(credentials(**{name: wrong})).create_post, TEXT)
    assert error.exit_code == 6
    assert "four keys" in str(error)
    assert wrong not in str(error)
    assert not x.timeline


def test_a_token_that_is_none_is_refused(x: XServer, failure: Any) -> None:
    client = Client(credentials(access_token="nonsense"))
    failure(AccountError, client.create_post, TEXT)
    failure(AccountError, client.recent_posts, time.time())


def test_duplicate(x: XServer, client: Client, failure: Any) -> None:
    client.create_post(TEXT)
    error = failure(DuplicateError, client.create_post, TEXT)
    assert "duplicate content" in str(error)
    assert x.texts == [TEXT]


def test_read_only_token(x: XServer, client: Client, failure: Any) -> None:
    x.read_only = True
    error = failure(AccountError, client.create_post, TEXT)
    assert "'Read and write'" in str(error)


def test_too_long_for_x(x: XServer, client: Client, failure: Any) -> None:
    error = failure(RefusedError, client.create_post, "word " * 57)
    assert "too long" in str(error)
    assert not isinstance(error, (AccountError, DuplicateError))


def test_rate_limit_says_when_it_ends(x: XServer, client: Client, failure: Any) -> None:
    x.remaining, x.reset = 0, 1_900_000_000
    error = failure(LimitError, client.create_post, TEXT)
    assert error.exit_code == 7
    assert f"until {local(x.reset)}" in str(error)


def test_of_several_limits_the_one_that_is_used_up_counts(
    x: XServer, client: Client, failure: Any
) -> None:
    x.faults.append(
        answer(429, x_user_limit_24hour_remaining="0", x_user_limit_24hour_reset="1900000000")
    )
    assert f"until {local(1_900_000_000)}" in str(failure(LimitError, client.create_post, TEXT))


@pytest.mark.parametrize("reset", ["", "soon", "-1", "9" * 30, "٣"])
def test_a_limit_without_a_sensible_end(
    x: XServer, client: Client, failure: Any, reset: str
) -> None:
    headers = {"x-rate-limit-reset": reset.encode().decode("latin-1")}
    x.reset = reset.encode().decode("latin-1")  # type: ignore[assignment]
    x.faults.append(Fault("answer", status=429, headers=headers))
    assert "until" not in str(failure(LimitError, client.create_post, TEXT))


@pytest.mark.parametrize(
    "fault",
    [
        answer(301, Location="https://api.twitter.com/2/tweets"),
        answer(307, Location="https://api.twitter.com/2/tweets"),
        answer(502, b"<html>Bad gateway</html>"),
        answer(503, {"title": "Service Unavailable"}),
        answer(201),
        answer(201, b"\xff\xfe"),
        answer(201, b"[" * 100_000),
        answer(201, []),
        answer(201, {"data": None}),
        answer(201, {"data": {"id": 7}}),
        answer(201, {"data": {"id": "none"}}),
        answer(200, {"errors": [{"title": "Sorry"}]}),
    ],
)
def test_an_odd_answer_is_no_success_and_leads_nowhere(
    x: XServer, client: Client, failure: Any, fault: Fault
) -> None:
    x.faults.append(fault)
    failure(OutcomeUnknownError, client.create_post, TEXT)
    assert x.requests == [("POST", "/2/tweets")], "nothing is sent again, or sent elsewhere"


@pytest.mark.parametrize(
    "body",
    [b"null", b'"no"', b"[1]", b'{"errors": null, "error": 3}', b'{"detail": 5}', b"[" * 100_000],
)
def test_an_error_with_a_strange_body_is_still_that_error(
    x: XServer, client: Client, failure: Any, body: bytes
) -> None:
    x.faults.append(answer(402, body))
    failure(LimitError, client.create_post, TEXT)


def test_an_answer_that_never_comes(x: XServer, failure: Any) -> None:
    x.faults.append(Fault("hang"))
    for timeout in x.timeouts():
        client = Client(credentials(), timeout=timeout)
        error = failure(GPT2BotError, client.create_post, TEXT)
    assert (type(error), error.exit_code) == (OutcomeUnknownError, 8)
    assert f"within {timeout:g} seconds" in str(error)
    assert x.arrived.is_set()


def test_an_answer_that_breaks_off(x: XServer, client: Client, failure: Any) -> None:
    x.faults.append(Fault("answer", status=201, body=b'{"da', headers={"Content-Length": "900"}))
    failure(OutcomeUnknownError, client.create_post, TEXT)


def test_words_of_x_are_cleaned_cut_and_without_secrets(
    x: XServer, client: Client, failure: Any
) -> None:
    detail = "\x1b[31mred\x07\r\nline " + " ".join(KEYS.values()) + " \u202e" + "x" * 1000
    x.faults.append(answer(400, {"title": "Odd", "detail": detail}))
    message = str(failure(RefusedError, client.create_post, TEXT))
    assert "Odd: [31mred line *** *** *** ***" in message


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("https_proxy", "http://127.0.0.1:{closed_port}", "https_proxy"),
        ("https_proxy", "http://owner:pa55word@no-such-host.invalid:1", "https_proxy"),
        ("https_proxy", "no proxy", "https_proxy"),
        ("REQUESTS_CA_BUNDLE", "/no/such/file", "REQUESTS_CA_BUNDLE"),
        ("REQUESTS_CA_BUNDLE", "", "TLS"),
    ],
    ids=["no proxy there", "no such proxy", "proxy is none", "CA is no file", "CA is not trusted"],
)
def test_where_nothing_left_nothing_was_posted(
    x: XServer,
    client: Client,
    failure: Any,
    monkeypatch: pytest.MonkeyPatch,
    closed_port: int,
    *,
    variable: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(variable, value.format(closed_port=closed_port))
    error = failure(NetworkError, client.create_post, TEXT)
    assert error.exit_code == 8
    assert words in str(error)
    assert "pa55word" not in str(error)
    assert not x.requests


def test_a_proxy_that_refuses(x: XServer, client: Client, failure: Any) -> None:
    x.proxy.status = "502 Bad gateway"
    assert "HTTPS_PROXY" in str(failure(NetworkError, client.create_post, TEXT))


def test_a_connection_that_never_comes_about(
    x: XServer, failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
        client = Client(credentials(), timeout=0.2)
        assert "within 0.2 seconds" in str(failure(NetworkError, client.create_post, TEXT))


def test_reads_the_posts_since_a_time_over_all_pages(x: XServer, client: Client) -> None:
    x.accept("long ago")["time"] -= 3600
    for number in range(250):
        x.accept(f"number {number} & more")
    posts = client.recent_posts(time.time() - 1800)
    assert [post.text for post in posts] == [f"number {n} &amp; more" for n in range(249, -1, -1)]
    assert [post.id for post in posts] == [post["id"] for post in x.timeline[:0:-1]]


def test_reads_no_posts(x: XServer, client: Client) -> None:
    assert client.recent_posts(time.time() - 1800) == []
    [(_, path)] = x.requests
    assert path.startswith("/2/users/1380000000000000001/tweets?"), "no read to learn the id"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {},
        {"data": []},
        {"meta": {"result_count": 1}},
        {"data": [{"id": "1"}], "meta": {"result_count": 1}},
        {"data": {"id": "1", "text": "a"}, "meta": {"result_count": 1}},
        {"meta": {"result_count": 0}, "errors": [{"title": "Some are missing"}]},
    ],
)
def test_a_timeline_that_makes_no_sense_is_not_an_empty_one(
    x: XServer, client: Client, failure: Any, body: object
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    x.faults.append(Fault("answer", method="GET", status=200, body=data))
    failure(NetworkError, client.recent_posts, time.time())


@pytest.mark.parametrize("status", [301, 408, 500, 502, 503, 504])
def test_a_read_that_failed_did_nothing(
    x: XServer, client: Client, failure: Any, status: int
) -> None:
    x.faults.append(Fault("answer", method="GET", status=status))
    error = failure(NetworkError, client.recent_posts, time.time())
    assert str(error) == f"X answered {status}: run again later"


@pytest.mark.parametrize("code", [186, 187])
@pytest.mark.parametrize("status", [400, 403])
def test_a_read_that_x_refuses_says_nothing_of_a_tweet(
    x: XServer, client: Client, failure: Any, *, status: int, code: int
) -> None:
    body = json.dumps({"errors": [{"code": code, "message": "Sorry."}]}).encode()
    x.faults.append(Fault("answer", method="GET", status=status, body=body))
    error = failure(AccountError, client.recent_posts, time.time())
    assert str(error).startswith(f"X answered {status} (Sorry.): X's API may have changed")


def test_a_timeline_that_has_no_end_is_not_read_for_ever(
    x: XServer, client: Client, failure: Any
) -> None:
    body = b'{"meta": {"result_count": 0, "next_token": "more"}}'
    x.faults.extend([Fault("answer", method="GET", status=200, body=body)] * 50)
    failure(AccountError, client.recent_posts, time.time())


def test_credentials_do_not_show() -> None:
    shown = f"{credentials()!r} {credentials()}"
    assert not [key for key in KEYS.values() if key in shown]


def test_nothing_is_printed_or_logged(
    x: XServer, client: Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    client.create_post(TEXT)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("stopped_clock")
def test_examining_the_keys_reads_little_and_posts_nothing(x: XServer, client: Client) -> None:
    x.accept("long ago")["time"] -= 3600
    access = client.examine()
    assert access.level == "read-write"
    assert access.clock_error is not None
    assert 0 <= access.clock_error < 1, "X tells whole seconds"
    assert access.account == "@a_bot"
    assert (access.not_named, access.not_readable) == (None, None)
    me, timeline = x.requests
    assert me == ("GET", "/2/users/me")
    assert timeline[0] == "GET"
    assert "max_results=5" in timeline[1]
    assert "start_time=" in timeline[1]


@pytest.mark.parametrize("lacks", [{"me"}, {"timeline"}, {"me", "timeline"}])
def test_examining_good_keys_of_a_plan_that_includes_little(
    x: XServer, client: Client, lacks: set[str]
) -> None:
    x.plan_lacks = lacks
    access = client.examine()
    assert access.account == ("" if "me" in lacks else "@a_bot")
    for error, name in ((access.not_named, "me"), (access.not_readable, "timeline")):
        assert (error is not None) == (name in lacks)
        assert error is None or "attached to a Project" in str(error)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"data": []}', b'{"data": {"id": "1"}}', b'{"data": {"username": "a b\\n"}}'],
)
def test_a_name_that_makes_no_sense_is_not_shown(
    x: XServer, client: Client, failure: Any, body: bytes
) -> None:
    x.faults.append(Fault("answer", method="GET", status=200, body=body))
    failure(NetworkError, client.examine)


def test_examining_finds_a_token_that_can_only_read(
    x: XServer, client: Client, failure: Any
) -> None:
    x.read_only = True
    assert "'Read and write'" in str(failure(AccountError, client.examine))


@pytest.mark.parametrize(
    ("seconds", "advice"),
    [
        (-3600, "this machine's clock is 60 minutes fast"),
        (7 * 60, "this machine's clock is 7 minutes slow"),
        (5 * 3600, "this machine's clock is 5 hours slow"),
        (3 * 86_400, "this machine's clock is 3 days slow"),
        (-9125 * 86_400, "this machine's clock is 9125 days fast"),
        (60, "check the four keys"),
    ],
)
@pytest.mark.usefixtures("stopped_clock")
def test_a_wrong_clock_is_told_from_wrong_keys(
    x: XServer, client: Client, failure: Any, seconds: float, advice: str
) -> None:
    x.faults.append(answer(401, Date=formatdate(time.time() + seconds, usegmt=True)))
    assert advice in str(failure(AccountError, client.create_post, TEXT))


def test_a_time_that_is_none_does_not_matter(x: XServer, client: Client, failure: Any) -> None:
    x.faults.append(answer(401, Date="yesterday"))
    assert "check the four keys" in str(failure(AccountError, client.create_post, TEXT))
