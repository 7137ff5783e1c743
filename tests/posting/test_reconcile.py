"""The owner decides what the bot cannot find out; how it finds out is in `test_publish.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import OutcomeUnknownError, UsageError
from gpt2bot.posting.clock import DAY, HOUR
from gpt2bot.posting.outbox import Entry, Outbox, State
from gpt2bot.posting.publish import publish, publish_ready
from gpt2bot.posting.reconcile import reconcile, resolve
from gpt2bot.posting.status import read_status
from gpt2bot.tweets.tweet import Tweet
from tests.fakes.x_server import Fault
from tests.posting.test_limits import FREE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gpt2bot.posting.client import Client
    from tests.fakes.x_server import XServer
    from tests.posting.conftest import Clock

LABEL = "#GPT2 #AIgenerated"
DECIDE = "run `gpt2bot resolve 1 posted` if the tweet is there, or `gpt2bot resolve 1 absent` if it"


def only(outbox: Outbox) -> Entry:
    [entry] = outbox.entries(*State)
    return entry


@pytest.fixture(params=["unknown", "posting"])
def open_(request: pytest.FixtureRequest, outbox: Outbox, tweet: Tweet, clock: Clock) -> Entry:
    """A tweet of which nobody knows whether X has it."""
    entry = outbox.add(tweet, model="demo", seed=None, now=clock.now)
    entry = outbox.begin(entry, account="1380000000000000001", now=clock.now)
    if request.param == "unknown":
        entry = outbox.finish(entry, State.UNKNOWN, now=clock.now, note="no answer")
    clock.now += HOUR
    return entry


@pytest.mark.parametrize("tweet_id", [None, "1", "1990000000000000000"])
def test_it_is_there(outbox: Outbox, open_: Entry, clock: Clock, tweet_id: str | None) -> None:
    entry = resolve(outbox, open_.id, "posted", tweet_id=tweet_id, now=clock.now)
    assert entry == only(outbox)
    assert (entry.state, entry.tweet_id) == (State.POSTED, tweet_id)
    assert entry.note == "the owner says that it is on the account"
    assert (entry.changed_at, entry.attempts) == (clock.now, 1)
    assert outbox.post_times(0.0) == [open_.attempted_at], "it counts and costs"


def test_it_is_not_there_and_goes_out_again(
    x: XServer, outbox: Outbox, client: Client, open_: Entry, clock: Clock
) -> None:
    entry = resolve(outbox, open_.id, "absent", tweet_id=None, now=clock.now)
    assert (entry.state, entry.note) == (
        State.READY,
        "the owner says that it is not on the account",
    )
    assert not x.requests, "nothing is sent by a decision"
    assert reconcile(outbox, client, clock=clock) == []
    publish_ready(outbox, client, entry, clock=clock)
    assert (x.texts, only(outbox).state) == ([open_.tweet.text], State.POSTED)


def test_the_owner_can_be_wrong(
    x: XServer, outbox: Outbox, client: Client, open_: Entry, clock: Clock
) -> None:
    """X refuses the second of two equal texts, and the first is found, if it can be read."""
    there = x.accept(open_.tweet.text)
    entry = resolve(outbox, open_.id, "absent", tweet_id=None, now=clock.now)
    assert publish_ready(outbox, client, entry, clock=clock).tweet_id == there["id"]
    assert x.texts == [open_.tweet.text]


@pytest.mark.parametrize(
    ("number", "outcome", "tweet_id", "words"),
    [
        (7, "posted", None, "there is no tweet 7; .* can be resolved: 1"),
        (0, "absent", None, "there is no tweet 0"),
        (-1, "absent", None, "there is no tweet -1"),
        (10**30, "posted", None, "there is no tweet 1000"),
        (2, "posted", None, "tweet 2 is ready; .* can be resolved: 1"),
        (1, "there", None, "must be posted or absent, not 'there'"),
        (1, "POSTED", None, "must be posted or absent"),
        (1, "", None, "must be posted or absent"),
        (1, "absent", "77", "--tweet-id is only for a tweet that is posted"),
        (1, "posted", "", "--tweet-id: .*, not ''"),
        (1, "posted", "77x", "--tweet-id: .*, not '77x'"),
        (1, "posted", "٧٧", "--tweet-id: must be"),
        (1, "posted", "9" * 21, "--tweet-id: must be"),
        (1, "posted", "https://x.com/i/status/77", "the end of the post's address, not 'https"),
    ],
)
def test_a_decision_that_cannot_be(
    outbox: Outbox, open_: Entry, *, number: int, outcome: str, tweet_id: str | None, words: str
) -> None:
    outbox.add(Tweet("Another.", LABEL, ""), model="demo", seed=None, now=0.0)
    before = outbox.entries(*State)
    with pytest.raises(UsageError, match=words):
        resolve(outbox, number, outcome, tweet_id=tweet_id, now=1.0)
    assert outbox.entries(*State) == before


def test_what_is_decided_is_not_decided_again(outbox: Outbox, open_: Entry) -> None:
    resolve(outbox, open_.id, "posted", tweet_id="77", now=1.0)
    for outcome in ("posted", "absent"):
        with pytest.raises(UsageError, match=r"tweet 1 is posted; .*: none"):
            resolve(outbox, open_.id, outcome, tweet_id=None, now=2.0)


def test_one_post_of_the_account_is_one_tweet(outbox: Outbox, open_: Entry) -> None:
    other = outbox.add(Tweet("Another.", LABEL, ""), model="demo", seed=None, now=0.0)
    outbox.finish(outbox.begin(other, account="1", now=0.0), State.POSTED, now=0.0, tweet_id="77")
    with pytest.raises(UsageError, match="77 already belongs to tweet 2"):
        resolve(outbox, open_.id, "posted", tweet_id="77", now=1.0)


@pytest.fixture
def unknown(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, failure: Any
) -> None:
    x.faults.append(Fault("drop", accept=True))
    failure(OutcomeUnknownError, publish, outbox, client, tweet, model="m", seed=None, clock=clock)
    clock.now += HOUR


def fault(status: int, body: bytes = b"") -> Callable[[XServer], None]:
    return lambda x: x.faults.append(Fault("answer", method="GET", status=status, body=body))


def lacks_timeline(x: XServer) -> None:
    x.plan_lacks = {"timeline"}


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize(
    ("trouble", "for_good"),
    [
        (lacks_timeline, True),
        (fault(401), True),
        (fault(403), True),
        (fault(404), True),
        (fault(403, b'{"errors": [{"code": 64}]}'), True),
        (fault(500), False),
        (fault(503), False),
        (fault(429), False),
        (fault(402), False),
        (fault(403, b"<html>blocked</html>"), False),
        (fault(200, b"<html>log in here</html>"), False),
        (fault(403, b'{"errors": [{"code": 226}]}'), False),
        (lambda x: setattr(x.proxy, "status", "502 Bad gateway"), False),
    ],
)
def test_a_decision_is_asked_for_only_if_reading_fails_for_good(
    x: XServer, folder: Path, outbox: Outbox, client: Client, clock: Clock, *, failure: Any,
    trouble: Callable[[XServer], None], for_good: bool,
) -> None:  # fmt: skip
    assert not read_status(folder, FREE, clock.now).is_stuck, "nobody has tried"
    trouble(x)
    error = failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
    assert error.exit_code == 8
    assert "what became of tweet 1 is not known" in str(error)
    status = read_status(folder, FREE, clock.now)
    assert (DECIDE in str(error)) == for_good
    assert (DECIDE in str(status.obstacle)) == for_good
    assert status.is_stuck == for_good
    assert ("resolve" in str(status.next_post)) == for_good
    assert "now" not in str(status.next_post).split(), "as long as it is open, nothing goes out"


@pytest.mark.usefixtures("unknown")
def test_the_keys_of_another_account(
    x: XServer, folder: Path, outbox: Outbox, client: Client, clock: Clock, *, failure: Any
) -> None:
    rightful, client.user_id = client.user_id, "77"
    error = failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
    assert rightful in str(error)
    assert DECIDE in str(error)
    assert read_status(folder, FREE, clock.now).is_stuck
    assert len(x.requests) == 1, "the posts of another account tell nothing"
    client.user_id = rightful
    assert reconcile(outbox, client, clock=clock)
    assert read_status(folder, FREE, clock.now).next_post == ["may go out now"]


@pytest.mark.usefixtures("unknown")
def test_what_was_told_before_an_attempt_says_nothing_of_this_one(
    x: XServer, folder: Path, outbox: Outbox, client: Client, clock: Clock, *, failure: Any
) -> None:
    x.plan_lacks = {"timeline"}
    failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
    entry = resolve(outbox, 1, "absent", tweet_id=None, now=clock.now)
    clock.now += DAY
    x.refuses_duplicates = False
    x.faults.append(Fault("drop"))
    failure(OutcomeUnknownError, publish_ready, outbox, client, entry, clock=clock)
    assert not read_status(folder, FREE, clock.now).is_stuck


@pytest.mark.usefixtures("unknown")
def test_an_account_with_more_posts_than_x_shows(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, failure: Any
) -> None:
    body = b'{"meta": {"result_count": 0, "next_token": "more"}}'
    x.faults.extend([Fault("answer", method="GET", status=200, body=body)] * 50)
    assert DECIDE in str(failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock))
