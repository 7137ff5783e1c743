"""X's own words, in whatever form they come, and what else an answer tells."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
from requests.structures import CaseInsensitiveDict

from gpt2bot.posting.clock import DAY, HOUR
from gpt2bot.posting.problem import Problem, read_problem
from gpt2bot.posting.responses import error_for

WORDS = "Something that only X would say."
SECRETS = ("sEcReT-1", "sEcReT-2")


def read(body: object, status: int = 403, **headers: str) -> Problem:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_problem(status, CaseInsensitiveDict(names), data, SECRETS)


@pytest.mark.parametrize(
    "body",
    [
        {"title": WORDS},
        {"detail": WORDS},
        {"title": "Forbidden", "detail": WORDS, "type": "about:blank", "status": 403},
        {"message": WORDS},
        {"errors": [{"message": WORDS}]},
        {"errors": [{"code": 1, "message": WORDS}], "title": "Forbidden", "detail": "No."},
        {"errors": [None, 7, True, [[WORDS]], {}, {"code": 1}, {"message": WORDS}]},
        {"errors": [{"title": "Forbidden", "detail": WORDS}]},
        {"errors": [WORDS]},
        {"errors": WORDS},
        {"errors": {"message": WORDS}},
        {"errors": None, "error": WORDS},
        {"error": {"code": 1, "message": WORDS}},
        {"error": "forbidden", "error_description": WORDS},
        [{"message": WORDS}],
        ["junk", 5, {"detail": WORDS}],
        WORDS,
        {"reason": WORDS},
        {"type": WORDS, "title": "", "detail": None},
        {"sorry": WORDS},
        json.dumps({"detail": WORDS}).encode("utf-8-sig"),
        json.dumps({"detail": WORDS}).encode("utf-16"),
        WORDS.encode(),
        f"<html><head><title>\n {WORDS} </title></head><body>Go away.</body></html>".encode(),
        f"<html><body><h1>{WORDS}</h1></body></html>".encode(),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
def test_the_words_of_x_reach_the_owner(body: object, status: int) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    for reading in (True, False):
        assert WORDS in str(error_for(status, {}, data, reading=reading))


def test_they_are_told_once_and_the_most_exact_first() -> None:
    both = {
        "title": "Sorry",
        "detail": "No.",
        "errors": [{"message": "Too bad."}, {"detail": "No."}],
    }
    assert read(both).said == "Too bad.; No.; Sorry: No."
    assert read({"title": "No.", "detail": "No."}).said == "No."
    assert read({"detail": WORDS, "errors": [{"message": WORDS}]}).said == WORDS


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b"{}", b"[]", b'""'])
def test_an_answer_without_words(body: bytes) -> None:
    problem = read(body)
    assert (problem.said, problem.is_page, problem.evidence) == ("", False, "")
    assert str(error_for(404, {}, body)).startswith("X answered 404: ")


def test_they_are_on_one_line_cut_and_without_secrets() -> None:
    dirty = f"\x1b[31mred\x07\r\nline {' '.join(SECRETS)}\u202e\ud800 {'x' * 1000}"
    for body in ({"detail": dirty}, {"errors": [{"message": dirty}]}, {"junk": dirty}, [dirty]):
        said = read(body).said
        assert said.isprintable()
        assert len(said) < 300
        assert not [secret for secret in SECRETS if secret in said]
    page = read(b"<title>" + dirty.encode("utf-8", "replace") + b"</title>").said
    assert page.startswith("[31mred line *** ***")


@pytest.mark.parametrize(
    ("code", "codes"),
    [
        (187, {187}),
        ("187", {187}),
        (True, set()),
        (187.5, set()),
        (-1, set()),
        ("9" * 5000, set()),
        ([187], set()),
        (None, set()),
        ("", set()),
    ],
)
def test_codes(code: object, codes: set[int]) -> None:
    for body in ({"errors": [{"code": code}]}, {"error": {"code": code}}, {"code": code}):
        assert read(body).codes == codes


@pytest.mark.parametrize(
    "body",
    [
        b"<html></html>",
        b"Forbidden",
        b"\xff\xfe\x00\xd8",
        b'{"errors": [{"code": 187',
        b"[" * 100_000,
        b"9" * 5000,
    ],
)
def test_what_is_not_json_is_a_page(body: bytes) -> None:
    problem = read(body)
    assert (problem.is_page, problem.codes, problem.evidence) == (True, frozenset(), "")
    for status in (200, 400, 403, 404, 413):
        told = str(error_for(status, {}, body))
        assert "a page from a proxy or CDN, not from X's API" in told


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x_rate_limit_remaining": "0", "x_rate_limit_reset": "+60"}, 60),
        ({"X_User_Limit_24Hour_Remaining": "0", "x_user_limit_24hour_reset": "+80000"}, 80_000),
        ({"x_rate_limit_remaining": "5", "x_rate_limit_reset": "+60"}, None),
        ({"x_rate_limit_reset": "+60"}, None),
        ({"x_rate_limit_remaining": "0", "x_rate_limit_reset": "soon"}, None),
        ({"retry_after": "120"}, 120),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({}, None),
    ],
)
def test_when_a_limit_ends(headers: dict[str, str], seconds: float | None) -> None:
    now = int(time.time())
    moments = {k: str(now + int(v)) if v.startswith("+") else v for k, v in headers.items()}
    end = read(b"", **moments).limit_end
    if seconds is None:
        assert end is None
    else:
        assert end is not None
        assert now + seconds <= end <= time.time() + seconds + 1


def test_a_date_after_which_to_ask_again() -> None:
    moment = int(time.time()) + 3600
    assert read(b"", retry_after=formatdate(moment, usegmt=True)).limit_end == moment


@pytest.mark.parametrize("form", ["code", "date", "both"])
def test_how_wrong_the_clock_is(form: str) -> None:
    """X says it by a code, or only its `Date` shows it."""
    body = {"errors": [{"code": 135, "message": "Timestamp out of bounds."}]}
    x_date = formatdate(time.time() + 3 * DAY, usegmt=True)
    headers = {} if form == "code" else {"date": x_date}
    told = str(error_for(401, headers, b"" if form == "date" else json.dumps(body).encode()))
    wrong = "wrong" if form == "code" else "3 days slow"
    assert f"this machine's clock is {wrong}: correct it" in told


def test_a_clock_that_is_right_is_not_blamed() -> None:
    date = formatdate(time.time() - 5, usegmt=True)
    assert "clock" not in str(error_for(401, {"date": date}, b""))
    token = json.dumps({"errors": [{"code": 89, "message": "Invalid or expired token."}]}).encode()
    wrong = formatdate(time.time() - 5 * HOUR, usegmt=True)
    assert "make a new access token" in str(error_for(401, {"date": wrong}, token))
