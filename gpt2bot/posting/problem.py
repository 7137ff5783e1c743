"""Reads an answer from X: its words and codes, and the limits and the time in its headers.

X describes a problem in two forms, sometimes in both at once: `title`, `detail`, `type` and
`reason` (API v2), or `errors` with `code` and `message` (older, and in front of v2). Any of them
can be missing, or have another type than documented. An answer that is not JSON does not come from
X's API but from a proxy or CDN in front of it.
"""

from __future__ import annotations

import html
import json
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from gpt2bot.posting.clock import MINUTE, duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["WRONG_CLOCK", "Problem", "clock_error", "read_problem"]

QUOTED = 280  # the most characters of X's own words that an error quotes
TOLERATED = 4 * MINUTE  # X accepts signatures that are off by about 5 minutes
LIMITS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")
SENTENCES = ("title", "detail", "message", "error_description")  # for people
NAMES = ("reason", "type")  # for programs
NOTHING = (b"", b"null", b"{}", b"[]", b'""')
WRONG_CLOCK = "the signature was refused and the clocks differ"
"""Marks, in `Problem.evidence`, an answer that refuses a signature because of its time."""


@dataclass(frozen=True)
class Problem:
    """An unsuccessful answer.

    Attributes:
        status: Its HTTP status.
        codes: X's error codes.
        evidence: All its words, case-folded, for searching.
        said: Its words for the owner: on one line, shortened, and without secrets.
        is_page: Whether it is not JSON, and so not from X's API.
        limit_end: When the limits that are used up end, in seconds since 1970; None if unknown.
        window_end: When the current window of 15 minutes ends, whether or not its limit is used up.
        clock: What is wrong with this machine's clock, such as "3 days slow"; "wrong" if unknown.
    """

    status: int
    codes: frozenset[int]
    evidence: str
    said: str
    is_page: bool
    limit_end: float | None
    window_end: float | None
    clock: str


def read_problem(
    status: int, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...] = ()
) -> Problem:
    """Reads an unsuccessful answer.

    Args:
        status: The HTTP status.
        headers: The HTTP headers, case-insensitive.
        body: The body; it can be anything.
        secrets: Strings to mask in X's words.
    """
    now = time.time()
    answer, is_page = _parsed(body)
    parts = list(_parts(answer))
    texts = [text for part in parts for text in _texts(part, (*SENTENCES, *NAMES))]
    texts += [f"$.{name}" for part in parts for name in _keys(part.get("parameters"))]
    ahead = clock_error(headers, now) or 0.0
    clocks_differ = abs(ahead) >= TOLERATED
    if status == 401 and clocks_differ and not is_page:
        texts.append(WRONG_CLOCK)
    return Problem(
        status=status,
        codes=frozenset(code for part in parts if (code := _code(part)) is not None),
        evidence="\n".join(texts).casefold(),
        said=_clean(_page_words(body) if is_page else _said(parts, body), secrets),
        is_page=is_page,
        limit_end=_limit_end(headers, now),
        window_end=_seconds(headers.get(f"{LIMITS[0]}-reset")),
        clock=f"{duration(ahead)} {'fast' if ahead > 0 else 'slow'}" if clocks_differ else "wrong",
    )


def clock_error(headers: Mapping[str, str], now: float) -> float | None:
    """How many seconds this machine's clock is ahead of X's; None if X does not give the time."""
    moment = _http_date(headers.get("date"))
    return None if moment is None else now - moment


def _parsed(body: bytes) -> tuple[Any, bool]:
    """The parsed body and False; or None, and True if the body is neither JSON nor empty."""
    try:
        return json.loads(body), False
    except (ValueError, RecursionError):
        return None, bool(body.strip())


def _parts(answer: object) -> Iterator[dict[str, Any]]:
    """The parts of an answer that describe a problem, the most specific first."""
    if isinstance(answer, str):
        yield {"message": answer}
    elif isinstance(answer, list):
        for item in answer:
            if isinstance(item, (dict, str)):
                yield from _parts(item)
    elif isinstance(answer, dict):
        for name in ("errors", "error"):
            inner = answer.get(name)
            # X nests only one level deep; a limit keeps junk from recursing without end.
            for item in inner if isinstance(inner, list) else [inner]:
                if isinstance(item, (dict, str)):
                    yield item if isinstance(item, dict) else {"message": item}
        yield answer


def _texts(part: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [text for name in names if isinstance(text := part.get(name), str)]


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []


def _code(part: Mapping[str, Any]) -> int | None:
    """The error code of a part, whether it is a number or a text."""
    code = part.get("code")
    if isinstance(code, (int, str)) and re.fullmatch("[0-9]{1,6}", str(code)):
        return int(code)
    return None


def _said(parts: Iterable[Mapping[str, Any]], body: bytes) -> str:
    """The sentences of an answer, each once; if there are none, whatever else it contains."""
    told = [": ".join(dict.fromkeys(filter(None, _texts(part, SENTENCES)))) for part in parts]
    if not any(told):
        told = [name for part in parts for name in _texts(part, NAMES)]
    if not any(told) and body.strip() not in NOTHING:
        told = [body.decode("utf-8", errors="replace")]
    return "; ".join(filter(None, dict.fromkeys(told)))


def _page_words(body: bytes) -> str:
    """The title of a page, or its text if it has no title."""
    text = body[:100_000].decode("utf-8", errors="replace")
    title = re.search(r"<title[^>]*>(.*?)</title", text, re.IGNORECASE | re.DOTALL)
    return html.unescape(title[1] if title else re.sub(r"<[^>]*>?", " ", text))


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    """Puts a text on one line, shortens it and masks secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= QUOTED else f"{line[:QUOTED]}..."


def _limit_end(headers: Mapping[str, str], now: float) -> float | None:
    """When the limits that are used up end; None if X does not say."""
    ends = [
        _seconds(headers.get(f"{name}-reset"))
        for name in LIMITS
        if headers.get(f"{name}-remaining") == "0"
    ]
    known = [end for end in ends if end is not None]
    return max(known, default=None) or _retry_after(headers.get("retry-after"), now)


def _retry_after(value: str | None, now: float) -> float | None:
    """When to retry, from a header that gives seconds or a date (RFC 9110)."""
    delay = _seconds(value)
    return now + delay if delay else _http_date(value)


def _seconds(value: str | None) -> float | None:
    return float(value) if value and re.fullmatch("[0-9]{1,11}", value) else None


def _http_date(value: str | None) -> float | None:
    try:
        return parsedate_to_datetime(value or "").timestamp()
    except (ValueError, OverflowError):
        return None
