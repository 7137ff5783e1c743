"""The publishing state machine, and the single send path through which a tweet leaves.

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

Every arrow is one transaction of the outbox. A tweet is `posting` before a byte of it leaves, so
what a dead run leaves was either not sent or is `posting`, which `reconcile.py` treats as
`unknown`: there the account's own posts, or its owner, tell whether X has it. Nothing is sent while
the fate of another tweet is open, and nothing is sent twice on a guess.
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

# Where a tweet goes whose attempt ended so; the first that fits.
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
    """Takes a new tweet into the outbox and posts it. The caller holds the bot's lock.

    Args:
        outbox: The bot's outbox, with nothing in it that waits for `reconcile`.
        client: The account.
        tweet: What the filter passed.
        model: The name of the model that wrote it.
        seed: What the model drew from.
        clock: Gives the seconds since 1970.

    Raises:
        RefusedError: X refused; `AccountError` if the tweet can be tried again.
        LimitError: X takes no post now; the tweet stays ready.
        NetworkError: X cannot be reached; the tweet stays ready.
        OutcomeUnknownError: It may be posted or not; the next run reconciles it.
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
        StateError: The outbox holds something else than the filter passed.
    """
    check_ready(outbox, entry)
    return _send(outbox, client, entry, clock)


def check_ready(outbox: Outbox, entry: Entry) -> None:
    """Makes sure that a tweet which an earlier run left ready is still one that may be sent.

    Raises:
        StateError: The outbox holds something else than the filter passed.
    """
    try:
        _check(entry.tweet)
    except ValueError as error:
        raise StateError(
            f"tweet {entry.id} in the outbox {outbox.path} is not as it was written ({error}):"
            " restore a backup, or delete that row"
        ) from error


def _send(outbox: Outbox, client: Client, entry: Entry, clock: Clock) -> Posted:
    """The single send path: what it lets through is written down, checked, and sent once."""
    _check(entry.tweet)
    if outbox.entries(*OPEN):
        raise RuntimeError("nothing is sent while another tweet's fate is open: reconcile first")
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
    """Sends a tweet and returns its id: the one X has it by, should an earlier attempt have won."""
    try:
        return client.create_post(entry.tweet.text)
    except DuplicateError:
        if entry.attempts == 1:
            raise
        if tweet_id := find(outbox, entry, read_posts(outbox, client, [entry], clock())):
            return tweet_id
        raise


def _check(tweet: Tweet) -> None:
    """Lets only through what may leave. Anything else is a mistake in this program."""
    if not isinstance(tweet, Tweet):
        raise TypeError(f"only a Tweet is posted, not a {type(tweet).__name__}")
    if not carries_label(tweet.text, tweet.label):
        raise ValueError("a tweet without its label is not posted")
    if (length := weighted_length(tweet.text)) > MAX_LENGTH:
        raise ValueError(f"a tweet of weighted length {length} is not posted: at most {MAX_LENGTH}")
