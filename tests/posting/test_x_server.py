"""The server that stands for X is strict: what is not as it must be is refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests_oauthlib import OAuth1

from tests.fakes.waiting import HANG
from tests.fakes.x_server import KEYS, USER_ID, Fault

if TYPE_CHECKING:
    from tests.fakes.x_server import XServer

URL = "https://api.twitter.com/2"


def post(json: Any, **oauth: Any) -> int:
    response = requests.post(f"{URL}/tweets", json=json, auth=OAuth1(*KEYS.values(), **oauth))
    return response.status_code


def get(path: str) -> requests.Response:
    return requests.get(f"{URL}{path}", auth=OAuth1(*KEYS.values()))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "A text."}, 201),
        ({"text": "A text.", "made_with_ai": True}, 201),
        ({"text": "A text.", "colour": "red"}, 400),
        ({"text": " "}, 400),
        ({"text": 5}, 400),
        ([], 400),
        ({"text": "x" * 280}, 201),
        ({"text": "x" * 281}, 403),
        ({"text": "語" * 140}, 201),
        ({"text": "語" * 141}, 403),
    ],
)
def test_bodies(x: XServer, body: Any, status: int) -> None:
    assert post(body) == status
    assert len(x.timeline) == (status == 201)


def test_signatures(x: XServer) -> None:
    fresh = {"nonce": "n1", "timestamp": str(x.reset - 900)}
    assert post({"text": "One."}, **fresh) == 201
    assert post({"text": "Two."}, **fresh) == 401, "the same nonce again"
    assert post({"text": "Two."}, timestamp=str(x.reset - 2000)) == 401, "too old"
    assert post({"text": "Two."}, signature_method="PLAINTEXT") == 401
    assert requests.post(f"{URL}/tweets", json={"text": "Two."}).status_code == 401
    assert x.texts == ["One."]


def test_a_duplicate_is_refused_for_some_hours(x: XServer) -> None:
    assert [post({"text": "One."}) for _ in range(2)] == [201, 403]
    x.refuses_duplicates = False
    assert post({"text": "One."}) == 201


def test_after_a_restart_it_is_elsewhere_and_the_account_is_as_it_was(x: XServer) -> None:
    port = x.proxy.local_port
    assert post({"text": "One."}) == 201
    x.restart()
    assert x.proxy.local_port != port
    assert [post({"text": text}) for text in ("One.", "Two.")] == [403, 201]


def test_a_restart_cuts_what_is_under_way(x: XServer) -> None:
    over = threading.Event()
    x.faults.append(Fault("wait", until=over))
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(post, {"text": "One."})
        assert x.waiting.wait(HANG)
        x.restart()
        assert isinstance(answer.exception(HANG), requests.ConnectionError)
    over.set()
    assert post({"text": "Two."}) == 201


@pytest.mark.parametrize(
    "fault",
    [
        Fault("reset", unread=True),
        Fault("reset", accept=True),
        Fault("reset", accept=True, cut=5),
        Fault("drop", accept=True, cut=5),
    ],
)
def test_ways_to_break_off(x: XServer, fault: Fault) -> None:
    x.faults.append(fault)
    with pytest.raises(requests.ConnectionError):
        post({"text": "One."})
    assert x.texts == ["One."] * fault.accept
    assert x.proxy.wait_until_idle(HANG)


def test_ways_to_fail_before_that(x: XServer) -> None:
    x.proxy.resets = True
    with pytest.raises(requests.ConnectionError):
        post({"text": "One."})
    x.proxy.resets = False
    x.tls = x.certified("example.com")
    with pytest.raises(requests.exceptions.SSLError, match="Hostname mismatch"):
        post({"text": "One."})
    assert not x.requests


def test_one_hundred_posts_in_fifteen_minutes(x: XServer) -> None:
    x.remaining = 1
    assert [post({"text": text}) for text in ("One.", "Two.")] == [201, 429]


def test_timelines(x: XServer) -> None:
    x.accept("1 < 2")
    [shown] = get(f"/users/{USER_ID}/tweets?tweet.fields=created_at").json()["data"]
    assert shown["text"] == "1 &lt; 2"
    assert shown["created_at"].endswith("Z")
    for query in (
        "max_results=4",
        "start_time=yesterday",
        "start_time=2090-01-01T00:00:00Z",
        "a=b",
    ):
        assert get(f"/users/{USER_ID}/tweets?{query}").status_code == 400
    assert get("/elsewhere").status_code == 404


def test_whose_keys_these_are(x: XServer) -> None:
    me = {"id": USER_ID, "name": "A bot", "username": "a_bot"}
    assert get("/users/me").json() == {"data": me}
    assert get("/users/me?user.fields=created_at").status_code == 200
    assert get("/users/me?max_results=5").status_code == 400
    assert requests.get(f"{URL}/users/me").status_code == 401


def test_a_plan_that_includes_little(x: XServer) -> None:
    x.plan_lacks = {"me", "timeline"}
    for path in ("/users/me", f"/users/{USER_ID}/tweets"):
        answer = get(path)
        assert (answer.status_code, answer.json()["reason"]) == (403, "client-not-enrolled")
    assert post({"text": "One."}) == 201
