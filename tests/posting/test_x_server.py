"""The server that stands for X is strict: what is not as it must be is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests_oauthlib import OAuth1

from tests.fakes.x_server import KEYS, USER_ID

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


def test_one_hundred_posts_in_fifteen_minutes(x: XServer) -> None:
    x.remaining = 1
    assert [post({"text": text}) for text in ("One.", "Two.")] == [201, 429]


def test_timelines(x: XServer) -> None:
    x.accept("1 < 2")
    [shown] = get(f"/users/{USER_ID}/tweets?tweet.fields=created_at").json()["data"]
    assert shown["text"] == "1 &lt; 2"
    assert shown["created_at"].endswith("Z")
    assert get("/users/me").json()["data"]["id"] == USER_ID
    for query in (
        "max_results=4",
        "start_time=yesterday",
        "start_time=2090-01-01T00:00:00Z",
        "a=b",
    ):
        assert get(f"/users/{USER_ID}/tweets?{query}").status_code == 400
    assert get("/elsewhere").status_code == 404
