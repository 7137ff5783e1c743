"""The publishing state machine: nothing twice, nothing lost, nothing that must not leave."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import (
    DuplicateError,
    GPT2BotError,
    LimitError,
    NetworkError,
    OutcomeUnknownError,
    StateError,
)
from gpt2bot.posting import database
from gpt2bot.posting.client import Client
from gpt2bot.posting.database import FILE
from gpt2bot.posting.outbox import Outbox, Posted, State
from gpt2bot.posting.publish import publish, publish_ready
from gpt2bot.posting.reconcile import reconcile
from gpt2bot.posting.refusals import Request, last_refusal
from gpt2bot.tweets.tweet import Draft, Tweet
from tests.fakes.waiting import HANG
from tests.fakes.x_server import KEYS, USER_ID, Fault, XServer, credentials

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gpt2bot.posting.outbox import Entry
    from tests.posting.conftest import Clock

TIMEOUT = 30  # the client's

SEND = """
import json, os, sys
from pathlib import Path
from pydantic import SecretStr
from gpt2bot.posting.client import Client, Credentials
from gpt2bot.posting.outbox import Outbox
from gpt2bot.posting.publish import publish
from gpt2bot.tweets.tweet import Tweet
folder, keys, tweet = map(json.loads, sys.argv[1:])
with Outbox(Path(folder)) as outbox:
    keys = {name: SecretStr(key) for name, key in keys.items()}
    client = Client(Credentials(**keys), timeout=600)
    publish(outbox, client, Tweet(**tweet), model="demo", seed=None)
"""


def send(outbox: Outbox, client: Client, tweet: Tweet, clock: Clock) -> Posted:
    return publish(outbox, client, tweet, model="demo", seed=7, clock=clock)


def only(outbox: Outbox) -> Entry:
    [entry] = outbox.entries(*State)
    return entry


@pytest.fixture
def unknown(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, failure: Any
) -> Callable[..., None]:
    """Sends the tweet so that its outcome stays unknown; time passes until it can be reconciled."""

    def run(*, accepted: bool) -> None:
        x.faults.append(Fault("drop", accept=accepted))
        failure(OutcomeUnknownError, send, outbox, client, tweet, clock)
        assert only(outbox).state is State.UNKNOWN
        clock.now += TIMEOUT

    return run


def test_a_tweet_is_posted(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock
) -> None:
    posted = send(outbox, client, tweet, clock)
    assert x.texts == [tweet.text]
    assert posted == Posted(x.timeline[0]["id"], tweet, "demo", 7)
    assert (posted.status, posted.text) == ("posted", tweet.text)
    assert posted.url == f"https://x.com/i/status/{posted.tweet_id}"
    entry = only(outbox)
    assert (entry.state, entry.tweet_id, entry.tweet) == (State.POSTED, posted.tweet_id, tweet)
    assert (entry.attempts, entry.account) == (1, USER_ID)
    assert (entry.model, entry.seed) == ("demo", 7)
    assert reconcile(outbox, client) == []
    assert len(x.requests) == 1


def killed_while_posting(x: XServer, folder: Path, tweet: Tweet, *, accepted: bool) -> None:
    """A process that gets SIGKILL after its request has arrived, and before any answer."""
    x.faults.append(Fault("hang", accept=accepted))
    arguments = [json.dumps(value) for value in (str(folder), KEYS, vars(tweet))]
    with subprocess.Popen([sys.executable, "-c", SEND, *arguments]) as process:
        assert x.arrived.wait(HANG)
        with closing(sqlite3.connect(folder / FILE)) as db:
            assert db.execute("SELECT state, attempts FROM tweets").fetchall() == [("posting", 1)]
        process.kill()
    assert process.returncode == -9


def test_killed_before_x_accepted(
    x: XServer, folder: Path, client: Client, tweet: Tweet, clock: Clock
) -> None:
    killed_while_posting(x, folder, tweet, accepted=False)
    with Outbox(folder) as outbox:
        assert only(outbox).state is State.POSTING
        clock.now = (only(outbox).attempted_at or 0) + TIMEOUT
        assert reconcile(outbox, client, clock=clock) == []
        assert only(outbox).state is State.READY
        assert publish_ready(outbox, client, only(outbox), clock=clock)
        assert only(outbox).attempts == 2
    assert x.texts == [tweet.text]


def test_killed_after_x_accepted(
    x: XServer, folder: Path, client: Client, tweet: Tweet, clock: Clock
) -> None:
    killed_while_posting(x, folder, tweet, accepted=True)
    with Outbox(folder) as outbox:
        assert [p.text for p in reconcile(outbox, client, clock=clock)] == [tweet.text]
        assert only(outbox).tweet_id == x.timeline[0]["id"]
    assert x.texts == [tweet.text]


@pytest.mark.parametrize("accepted", [True, False])
def test_no_answer_in_time(
    x: XServer, outbox: Outbox, tweet: Tweet, failure: Any, accepted: bool
) -> None:
    x.faults.append(Fault("hang", accept=accepted))
    outbox.add(tweet, model="demo", seed=None, now=time.time())
    for timeout in x.timeouts():
        impatient = Client(credentials(), timeout=timeout)
        failure(GPT2BotError, publish_ready, outbox, impatient, only(outbox))
    assert only(outbox).state is State.UNKNOWN
    patient = Client(credentials())
    patient.timeout = timeout  # the attempt is as old as that, so nothing has to be waited for
    reconcile(outbox, patient)
    assert only(outbox).state is (State.POSTED if accepted else State.READY)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", accept=True),
        Fault("answer", accept=True, status=503),
        Fault("answer", accept=True, status=201, body=b'{"data": {}}'),
    ],
)
def test_accepted_without_a_good_answer(
    x: XServer,
    outbox: Outbox,
    client: Client,
    tweet: Tweet,
    clock: Clock,
    *,
    failure: Any,
    fault: Fault,
) -> None:
    x.faults.append(fault)
    failure(OutcomeUnknownError, send, outbox, client, tweet, clock)
    assert only(outbox).state is State.UNKNOWN
    assert reconcile(outbox, client, clock=clock) == [Posted(x.timeline[0]["id"], tweet, "demo", 7)]
    assert x.texts == [tweet.text]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "+60"}, 60),
        ({"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": "+80000"}, 80_000),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "+999999"}, 86_400),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "soon"}, 900),
    ],
)
def test_until_when_x_takes_nothing_is_remembered(
    x: XServer,
    outbox: Outbox,
    client: Client,
    tweet: Tweet,
    clock: Clock,
    *,
    failure: Any,
    headers: dict[str, str],
    seconds: float,
) -> None:
    clock.now = float(int(clock.now))
    absolute = {
        name: f"{int(clock.now) + int(value)}" if value[0] == "+" else value
        for name, value in headers.items()
    }
    x.faults.append(Fault("answer", status=429, headers=absolute))
    failure(LimitError, send, outbox, client, tweet, clock)
    refusal = last_refusal(outbox, Request.POST, clock.now)
    assert refusal
    assert refusal.until == clock.now + seconds
    publish_ready(outbox, client, only(outbox), clock=clock)
    assert last_refusal(outbox, Request.POST, clock.now) is None


def test_what_could_not_be_sent_is_kept_and_sent_later(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, failure: Any
) -> None:
    x.proxy.status = "502 Bad gateway"
    failure(NetworkError, send, outbox, client, tweet, clock)
    assert only(outbox).state is State.READY
    x.proxy.status = "200 Connection established"
    assert reconcile(outbox, client) == []
    posted = publish_ready(outbox, client, only(outbox))
    assert posted
    assert (posted.text, x.texts) == (tweet.text, [tweet.text])


def test_absent_is_ready_again(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, unknown: Any
) -> None:
    unknown(accepted=False)
    x.accept("A post by the account's human.")
    assert reconcile(outbox, client, clock=clock) == []
    assert only(outbox).state is State.READY


def test_an_attempt_that_may_be_on_its_way_is_not_absent(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, failure: Any
) -> None:
    x.faults.append(Fault("drop"))
    failure(OutcomeUnknownError, send, outbox, client, tweet, clock)
    clock.now += TIMEOUT - 1
    error = failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
    assert "run again in 30 seconds" in str(error)
    assert only(outbox).state is State.UNKNOWN
    x.accept(tweet.text)  # it arrives late
    assert reconcile(outbox, client, clock=clock)
    assert x.texts == [tweet.text]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("drop", method="GET"),
        Fault("answer", method="GET", status=401),
        Fault("answer", method="GET", status=402),
        Fault("answer", method="GET", status=429),
        Fault("answer", method="GET", status=503),
        Fault("answer", method="GET", status=200, body=b"{}"),
    ],
)
def test_a_timeline_that_cannot_be_read_settles_nothing(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, unknown: Any, *, failure: Any,
    fault: Fault,
) -> None:  # fmt: skip
    unknown(accepted=True)
    x.faults.append(fault)
    error = failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
    assert error.exit_code == 8
    assert "nothing is posted until the account's own posts can be read" in str(error)
    assert only(outbox).state is State.UNKNOWN
    assert len(x.timeline) == 1


def test_nothing_is_sent_while_the_fate_of_another_is_open(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, unknown: Any
) -> None:
    unknown(accepted=False)
    with pytest.raises(RuntimeError, match="reconcile first"):
        send(outbox, client, Tweet("Another.", "#GPT2", ""), clock)
    assert len(x.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        "Salt & pepper < 5 > 3, 'quoted' &amp; escaped.",
        unicodedata.normalize("NFD", "Über die Brücke, ñandú."),
        "Two\nlines, and 👩‍👩‍👧 a family.",
        " A  space before, two within.",
    ],
)
def test_finds_its_text_as_x_returns_it(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, *, failure: Any, body: str
) -> None:
    x.faults.append(Fault("drop", accept=True))
    tweet = Tweet(body, "#GPT2", "")
    failure(OutcomeUnknownError, send, outbox, client, tweet, clock)
    assert reconcile(outbox, client, clock=clock)
    assert len(x.timeline) == 1


def test_finds_its_text_behind_many_others(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, unknown: Any
) -> None:
    unknown(accepted=True)
    for number in range(150):
        x.accept(f"A post by the account's human, number {number}.")
    assert reconcile(outbox, client, clock=clock)


def test_does_not_take_an_older_tweet_for_this_one(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, failure: Any
) -> None:
    send(outbox, client, tweet, clock)
    x.faults.append(Fault("drop"))
    failure(OutcomeUnknownError, send, outbox, client, tweet, clock)
    clock.now += TIMEOUT
    assert reconcile(outbox, client, clock=clock) == []
    assert [entry.state.value for entry in outbox.entries(*State)] == ["posted", "ready"]


@pytest.mark.parametrize("wrong_by", [-280, 280])
def test_a_clock_that_is_wrong_hides_no_post(
    outbox: Outbox, client: Client, clock: Clock, unknown: Any, wrong_by: float
) -> None:
    clock.now += wrong_by
    unknown(accepted=True)
    assert reconcile(outbox, client, clock=clock)


def test_a_clock_that_was_set_back_blocks_nothing(
    outbox: Outbox, client: Client, clock: Clock, unknown: Any
) -> None:
    clock.now += 7 * 86_400
    unknown(accepted=False)
    clock.now -= 8 * 86_400
    reconcile(outbox, client, clock=clock)
    assert only(outbox).state is State.READY


def test_what_cannot_be_read_is_not_said_to_be_unsent(
    x: XServer, outbox: Outbox, client: Client, clock: Clock, unknown: Any, *, failure: Any
) -> None:
    unknown(accepted=True)
    x.proxy.status = "502 Bad gateway"
    error = failure(OutcomeUnknownError, reconcile, outbox, client, clock=clock)
    assert "before anything was posted" not in str(error)


def test_another_account_cannot_tell(
    x: XServer, outbox: Outbox, clock: Clock, unknown: Any, failure: Any
) -> None:
    unknown(accepted=True)
    other = Client(credentials(access_token=f"77-{'a' * 30}"))
    error = failure(OutcomeUnknownError, reconcile, outbox, other, clock=clock)
    assert USER_ID in str(error)
    assert only(outbox).state is State.UNKNOWN


def test_a_duplicate_of_its_own_earlier_attempt_is_posted(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, unknown: Any
) -> None:
    unknown(accepted=False)
    reconcile(outbox, client, clock=clock)
    late = x.accept(tweet.text)
    assert publish_ready(outbox, client, only(outbox), clock=clock) == Posted(
        late["id"], tweet, "demo", 7
    )
    assert only(outbox).state is State.POSTED
    assert x.texts == [tweet.text]


def test_a_duplicate_is_looked_for_back_to_its_first_attempt(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, unknown: Any
) -> None:
    unknown(accepted=False)
    reconcile(outbox, client, clock=clock)
    late = x.accept(tweet.text)
    late["time"] -= 7200
    with outbox.transaction() as db:  # it was written and first sent that long ago
        db.execute("UPDATE tweets SET created_at = created_at - 7200")
    assert publish_ready(outbox, client, only(outbox), clock=clock).tweet_id == late["id"]


@pytest.mark.parametrize("status", [400, 401, 403, 429, 503])
def test_a_duplicate_that_cannot_be_looked_up_is_unknown(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, unknown: Any,
    failure: Any, status: int,
) -> None:  # fmt: skip
    unknown(accepted=False)
    reconcile(outbox, client, clock=clock)
    x.accept(tweet.text)
    x.faults.append(Fault("answer", method="GET", status=status))
    failure(OutcomeUnknownError, publish_ready, outbox, client, only(outbox), clock=clock)
    assert only(outbox).state is State.UNKNOWN, "neither refused nor ready: the account has it"
    clock.now += 900  # a limit ends
    assert reconcile(outbox, client, clock=clock)
    assert x.texts == [tweet.text]


def test_a_duplicate_of_somebody_elses_post_is_refused(
    x: XServer, outbox: Outbox, client: Client, tweet: Tweet, clock: Clock, *, unknown: Any,
    failure: Any,
) -> None:  # fmt: skip
    unknown(accepted=False)
    reconcile(outbox, client, clock=clock)
    x.accept(tweet.text)["time"] -= 86_400
    failure(DuplicateError, publish_ready, outbox, client, only(outbox), clock=clock)
    assert only(outbox).state is State.REFUSED


@pytest.mark.parametrize(
    "tweet",
    [
        Draft("A draft that no filter saw.", "#GPT2", ""),
        "A text.\n#GPT2",
        Tweet("No label at all.", "", ""),
        Tweet("A blank label.", "  ", ""),
        Tweet("", "#GPT2", ""),
        Tweet("word " * 60, "#GPT2", ""),
        Tweet("語" * 140, "#GPT2", ""),
    ],
)
def test_the_last_door(x: XServer, outbox: Outbox, client: Client, tweet: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"post"):
        publish(outbox, client, tweet, model="demo", seed=None)
    assert not outbox.entries(*State)
    assert not x.requests


def test_the_last_door_looks_at_what_an_earlier_run_left_too(
    x: XServer,
    folder: Path,
    outbox: Outbox,
    client: Client,
    tweet: Tweet,
    *,
    clock: Clock,
    failure: Any,
) -> None:
    outbox.add(tweet, model="demo", seed=None, now=clock())
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        db.execute("UPDATE tweets SET body = ?", ("語" * 200,))
    assert "weighted length" in str(
        failure(StateError, publish_ready, outbox, client, only(outbox))
    )
    assert not x.requests


def test_a_tweet_that_waits_under_the_label_of_an_older_configuration_is_posted(
    x: XServer, outbox: Outbox, client: Client
) -> None:
    entry = outbox.add(Tweet("It rained.", "hello", "It"), model="demo", seed=None, now=1.0)
    publish_ready(outbox, client, entry)
    assert x.texts == ["It rained.\nhello"]


def test_nothing_leaves_before_it_is_written_down(
    x: XServer, folder: Path, client: Client, tweet: Tweet, monkeypatch: Any, *, failure: Any
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    with Outbox(folder) as outbox, closing(sqlite3.connect(folder / FILE)) as other:
        outbox.add(tweet, model="demo", seed=None, now=1.0)
        other.execute("BEGIN IMMEDIATE")
        failure(StateError, publish_ready, outbox, client, only(outbox))
    assert not x.requests
