"""What X last refused: the next run does not ask before its time, and knows for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import LimitError, OutcomeUnknownError, RateLimitError, SpamError
from gpt2bot.posting.clock import DAY, HOUR, MINUTE, local
from gpt2bot.posting.examine import examine
from gpt2bot.posting.limits import check_limits
from gpt2bot.posting.outbox import Entry, Outbox, State
from gpt2bot.posting.publish import publish, publish_ready
from gpt2bot.posting.reconcile import reconcile
from gpt2bot.posting.refusals import Request, check_may_ask, last_refusal, remember
from tests.fakes.x_server import Fault
from tests.posting.test_limits import FREE

if TYPE_CHECKING:
    from pathlib import Path

    from gpt2bot.posting.client import Client
    from gpt2bot.tweets.tweet import Tweet
    from tests.fakes.x_server import XServer
    from tests.posting.conftest import Clock

ROBOT = {"errors": [{"code": 226, "message": "This request looks like it might be automated."}]}
DAILY = {"title": "Forbidden", "detail": "User is over daily status update limit."}


def answer(body: object, status: int = 403, *, method: str = "POST", **headers: str) -> Fault:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    data = json.dumps(body).encode()
    return Fault("answer", status=status, body=data, headers=names, method=method)


def only(outbox: Outbox) -> Entry:
    [entry] = outbox.entries(*State)
    return entry


def held_until(outbox: Outbox, clock: Clock) -> float | None:
    refusal = last_refusal(outbox, Request.POST, clock.now)
    return refusal.until if refusal else None


@pytest.fixture
def ready(outbox: Outbox, tweet: Tweet, clock: Clock) -> Entry:
    return outbox.add(tweet, model="demo", seed=None, now=clock.now)


def test_who_is_taken_for_spam_backs_off_for_longer_each_time(
    x: XServer, outbox: Outbox, client: Client, ready: Entry, clock: Clock, *, failure: Any
) -> None:
    for hours in (1, 2, 4, 8, 16, 24, 24):
        x.faults.append(answer(ROBOT))
        error = failure(SpamError, publish_ready, outbox, client, only(outbox), clock=clock)
        assert error.exit_code == 7
        assert "might be automated" in str(error)
        assert "lasts until" not in str(error), "the end of another limit does not matter"
        until = clock.now + hours * HOUR
        assert str(error).endswith(f"; no request is sent to X before {local(until)}")
        assert (only(outbox).state, only(outbox).note) == (State.READY, str(error))
        assert held_until(outbox, clock) == until
        clock.now = until - 1
        assert "X treats the bot as spam" in str(
            failure(LimitError, check_limits, outbox, FREE, clock.now)
        )
        clock.now = until
        check_limits(outbox, FREE, clock.now)


def test_a_posted_tweet_ends_the_backing_off(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, failure: Any
) -> None:
    for _ in range(3):
        x.faults.append(answer(ROBOT))
        failure(SpamError, publish, outbox, client, tweet, model="m", seed=None, clock=clock)
        [entry] = outbox.entries(State.READY)
        clock.now += DAY
        publish_ready(outbox, client, entry, clock=clock)
        assert held_until(outbox, clock) is None
        x.faults.append(answer(ROBOT))
        failure(SpamError, publish, outbox, client, tweet, model="m", seed=None, clock=clock)
        assert held_until(outbox, clock) == clock.now + HOUR
        clock.now += DAY
        x.refuses_duplicates = False
        publish_ready(outbox, client, outbox.entries(State.READY)[0], clock=clock)


def test_another_answer_does_not_end_it(
    x: XServer, outbox: Outbox, client: Client, ready: Entry, clock: Clock, *, failure: Any
) -> None:
    waits = []
    for fault in (answer(ROBOT), answer({}, 401), answer({}, 429), answer(ROBOT)):
        x.faults.append(fault)
        failure(Exception, publish_ready, outbox, client, only(outbox), clock=clock)
        waits.append((held_until(outbox, clock) or 0) - clock.now)
        clock.now += DAY
    assert (waits[0], waits[3]) == (HOUR, 2 * HOUR)


@pytest.mark.parametrize("status", [400, 403])
def test_a_daily_limit_that_is_told_as_a_refusal(
    x: XServer, outbox: Outbox, client: Client, ready: Entry, clock: Clock, *, failure: Any,
    status: int,
) -> None:  # fmt: skip
    x.faults.append(answer(DAILY, status))
    error = failure(RateLimitError, publish_ready, outbox, client, ready, clock=clock)
    assert error.exit_code == 7
    assert held_until(outbox, clock) == clock.now + DAY, "not that of the other limit's headers"
    assert local(clock.now + DAY) in str(error)


def test_a_daily_limit_that_names_its_end(
    x: XServer, outbox: Outbox, client: Client, ready: Entry, clock: Clock, *, failure: Any
) -> None:
    end = int(clock.now + 5 * HOUR)
    x.faults.append(
        answer(DAILY, x_user_limit_24hour_remaining="0", x_user_limit_24hour_reset=str(end))
    )
    error = failure(RateLimitError, publish_ready, outbox, client, ready, clock=clock)
    assert held_until(outbox, clock) == end
    assert str(error).count(local(end)) == 1


@pytest.fixture
def unknown(
    x: XServer, outbox: Outbox, client: Client, ready: Entry, clock: Clock, *, failure: Any
) -> Entry:
    """A tweet that X has, and of which the bot does not know it."""
    x.faults.append(Fault("drop", accept=True))
    failure(OutcomeUnknownError, publish_ready, outbox, client, ready, clock=clock)
    x.requests.clear()
    return only(outbox)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (answer({}, 429, method="GET", x_rate_limit_remaining="0", x_rate_limit_reset="{}"), 600),
        (answer({}, 429, method="GET", x_rate_limit_reset="soon"), 15 * MINUTE),
        (answer(DAILY, method="GET"), DAY),
        (answer(ROBOT, method="GET"), HOUR),
    ],
)
def test_a_limit_on_reading_is_kept_until_its_end(
    x: XServer, outbox: Outbox, client: Client, unknown: Entry, clock: Clock, *, failure: Any,
    fault: Fault, seconds: float,
) -> None:  # fmt: skip
    clock.now = float(int(clock.now))
    for name, value in fault.headers.items():
        fault.headers[name] = str(int(clock.now + seconds)) if value == "{}" else value
    x.faults.append(fault)
    until = clock.now + seconds
    for now in (clock.now, clock.now + 1, until - 1):
        clock.now = now
        error = failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
        assert local(until) in str(error)
        assert "nothing is posted until the account's own posts can be read" in str(error)
        assert "resolve" not in str(error), "it passes"
        assert len(x.requests) == 1, "X is asked once"
    clock.now = until
    assert [found.tweet for found in reconcile(outbox, client, clock=clock)] == [unknown.tweet]
    assert last_refusal(outbox, Request.READ, clock.now) is None


def test_a_limit_on_reading_does_not_keep_posts_back(
    x: XServer, outbox: Outbox, client: Client, ready: Entry, clock: Clock
) -> None:
    error = RateLimitError("X answered 429", clock.now + HOUR)
    remember(outbox, Request.READ, error, clock.now)
    check_limits(outbox, FREE, clock.now)
    publish_ready(outbox, client, ready, clock=clock)
    with pytest.raises(RateLimitError, match="X's limit for reading is used up"):
        check_may_ask(outbox, Request.READ, clock.now)


def test_trying_the_keys_keeps_a_limit_and_obeys_it(
    x: XServer, folder: Path, client: Client, clock: Clock, failure: Any
) -> None:
    end = int(clock.now) + 600
    x.faults.append(
        answer({}, 429, method="GET", x_rate_limit_remaining="0", x_rate_limit_reset=str(end))
    )
    for _ in range(2):
        assert local(end) in str(failure(RateLimitError, examine, folder, client, clock=clock))
        assert len(x.requests) == 1
    clock.now = end
    assert examine(folder, client, clock=clock).account == "@a_bot"


def test_trying_the_keys_leaves_nothing_behind(x: XServer, folder: Path, client: Client) -> None:
    examine(folder, client)
    assert not folder.exists()


def test_a_clock_that_was_wrong_blocks_nothing(outbox: Outbox, clock: Clock) -> None:
    remember(outbox, Request.POST, SpamError("spam"), clock.now + 10 * HOUR)
    assert last_refusal(outbox, Request.POST, clock.now) is None
    check_limits(outbox, FREE, clock.now)
