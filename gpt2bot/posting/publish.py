"""The publishing state machine, and the single code path that sends a tweet.

::

    publish()            begin                   X has it
    ──────────► ready ──────────► posting ──────────────────► posted
                  ▲                 │ │ │                        ▲
                  │  not sent       │ │ │ X does not want it     │
                  ├─────────────────┘ │ └───────────────► refused│
                  │                   │ nobody knows             │
                  │                   ▼                          │
                  └──────────────── unknown ─────────────────────┘
                        absent                    found

Every arrow is one transaction of the outbox. A tweet is `posting` before a byte of it is sent. So
after a crash, a tweet either was not sent or is `posting`, which `reconcile.py` treats as
`unknown`: the account's own posts, or its owner, then show whether X has it. Nothing is sent while
the outcome of another tweet is unknown, and nothing is sent again on a guess.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gpt2bot.errors import (
    AccountError,
    DuplicateError,
    GPT2BotError,
    LimitError,
    NetworkError,
    OutcomeUnknownError,
    RefusedError,
    StateError,
    explain_stop,
)
from gpt2bot.posting.outbox import OPEN, Entry, Outbox, Posted, State
from gpt2bot.posting.reconcile import find, posted, read_posts
from gpt2bot.posting.refusals import Request, read_answer
from gpt2bot.tweets.label import carries_label
from gpt2bot.tweets.length import MAX_LENGTH, weighted_length
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt2bot.posting.client import Client

    Clock = Callable[[], float]

__all__ = ["check_ready", "publish", "publish_ready"]

SENDING = "while the tweet was being sent: the next run finds out whether it was posted"

# The state of a tweet after an attempt that ended with this error; the first match applies.
AFTER: tuple[tuple[type[GPT2BotError], State], ...] = (
    (AccountError, State.READY),
    (LimitError, State.READY),
    (NetworkError, State.READY),
    (RefusedError, State.REFUSED),
    (OutcomeUnknownError, State.UNKNOWN),
)


def publish(
    outbox: Outbox,
    client: Client,
    tweet: Tweet,
    *,
    model: str,
    seed: int | None,
    clock: Clock = time.time,
) -> Posted:
    """Adds a new tweet to the outbox and posts it. The caller holds the bot's lock.

    Args:
        outbox: The bot's outbox, with no tweet that needs `reconcile` first.
        client: The account.
        tweet: A tweet that passed the filter.
        model: The name of the model that wrote it.
        seed: The seed of the model's random numbers.
        clock: Returns the seconds since 1970.

    Raises:
        RefusedError: X refused; `AccountError` if the tweet can be tried again.
        LimitError: X accepts no post now; the tweet stays ready.
        NetworkError: X cannot be reached; the tweet stays ready.
        OutcomeUnknownError: It may or may not be posted; the next run reconciles it.
        StateError: The outbox cannot be written.
    """
    _check(tweet)
    return _send(outbox, client, outbox.add(tweet, model=model, seed=seed, now=clock()), clock)


def publish_ready(
    outbox: Outbox, client: Client, entry: Entry, *, clock: Clock = time.time
) -> Posted:
    """Posts a tweet that an earlier run left ready.

    Raises:
        GPT2BotError: As `publish` does.
        StateError: The tweet in the outbox is not what passed the filter.
    """
    check_ready(outbox, entry)
    return _send(outbox, client, entry, clock)


def check_ready(outbox: Outbox, entry: Entry) -> None:
    """Checks that a tweet which an earlier run left ready may still be sent.

    Raises:
        StateError: The tweet in the outbox is not what passed the filter.
    """
    try:
        _check(entry.tweet)
    except ValueError as error:
        raise StateError(
            f"tweet {entry.id} in the outbox {outbox.path} was changed after it was written"
            f" ({error}): restore a backup, or delete that row"
        ) from error


def _send(outbox: Outbox, client: Client, entry: Entry, clock: Clock) -> Posted:
    """The single send path: checks a tweet, records the attempt, and sends it once."""
    _check(entry.tweet)
    if outbox.entries(*OPEN):
        raise RuntimeError(
            "nothing is sent while another tweet's outcome is unknown: reconcile first"
        )
    with explain_stop(SENDING):
        entry = outbox.begin(entry, account=client.user_id, now=clock())
        try:
            tweet_id = _post(outbox, client, entry, clock)
        except GPT2BotError as error:
            state = next(state for kind, state in AFTER if isinstance(error, kind))
            now = clock()
            told, refusal = read_answer(outbox, Request.POST, error, now)
            outbox.finish(entry, state, now=now, note=str(told), refusal=refusal)
            if told is error:
                raise
            raise told from error
        return posted(outbox, entry, tweet_id, clock())


def _post(outbox: Outbox, client: Client, entry: Entry, clock: Clock) -> str:
    """Sends a tweet and returns its id, also if an earlier attempt turns out to have posted it."""
    try:
        return client.create_post(entry.tweet.text)
    except DuplicateError:
        if entry.attempts == 1:
            raise
        if tweet_id := find(outbox, entry, read_posts(outbox, client, [entry], clock())):
            return tweet_id
        raise


def _check(tweet: Tweet) -> None:
    """Refuses what must not be sent. A failure here is a bug in gpt2bot."""
    if not isinstance(tweet, Tweet):
        raise TypeError(f"only a Tweet can be posted, not a {type(tweet).__name__}")
    if not carries_label(tweet.text, tweet.label):
        raise ValueError("a tweet without its label cannot be posted")
    if (length := weighted_length(tweet.text)) > MAX_LENGTH:
        raise ValueError(
            f"a tweet of weighted length {length} cannot be posted: at most {MAX_LENGTH}"
        )
