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
                   reconcile(): absent         reconcile(): found

Every arrow is one transaction of the outbox. A tweet is `posting` before a byte of it leaves, so
what a dead run leaves was either not sent or is `posting`, which `reconcile` treats as `unknown`.
Nothing is sent while the fate of another tweet is open, and nothing is sent twice on a guess.

`reconcile` reads the account's own posts since the first attempt and compares texts as X returns
them: HTML-escaped and NFC (URLs, which X rewrites, never pass the filter). Two things make absence
certain. The reading starts `CLOCK_ERROR` before the first attempt: X refuses a signature whose time
is further off than that, so an accepted tweet is never older. And an attempt younger than the
timeout may still be on its way: it can be found, but not yet be absent. Should it come even later,
X refuses the second of two equal texts, and `_post` then looks for the first.
"""

from __future__ import annotations

import html
import time
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.errors import (
    GPT2BotError,
    LimitError,
    NetworkError,
    OutcomeUnknownError,
    RefusedError,
    StateError,
)
from gpt2bot.posting.clock import DAY, MINUTE
from gpt2bot.posting.outbox import OPEN, Entry, Outbox, State, post_url
from gpt2bot.posting.responses import AccountError, DuplicateError, RateLimitError
from gpt2bot.tweets.label import carries_label
from gpt2bot.tweets.length import MAX_LENGTH, weighted_length
from gpt2bot.tweets.tweet import Tweet

if TYPE_CHECKING:
    from collections.abc import Callable

    from gpt2bot.posting.client import Client, Post

    Clock = Callable[[], float]

__all__ = ["Posted", "publish", "publish_ready", "reconcile"]

CLOCK_ERROR = 15 * MINUTE
RATE_WINDOW = 15 * MINUTE  # in which X counts posts; for a limit whose end it does not tell
LONGEST_LIMIT = DAY  # of those that X has

# Where a tweet goes whose attempt ended so; the first that fits.
AFTER: tuple[tuple[type[GPT2BotError], State], ...] = (
    (AccountError, State.READY),
    (LimitError, State.READY),
    (NetworkError, State.READY),
    (RefusedError, State.REFUSED),
    (OutcomeUnknownError, State.UNKNOWN),
)


@dataclass(frozen=True)
class Posted:
    """A tweet that is on the account.

    Attributes:
        tweet_id: What X calls it.
        tweet: What was posted.
        model: The name of the model that wrote it.
        seed: What the model drew from; None if unknown.
        status: Where it is on its way.
    """

    tweet_id: str
    tweet: Tweet
    model: str
    seed: int | None
    status: str = State.POSTED.value

    @property
    def text(self) -> str:
        """The whole tweet, as it was sent."""
        return self.tweet.text

    @property
    def url(self) -> str:
        """Where it can be read."""
        return post_url(self.tweet_id)


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
    try:
        _check(entry.tweet)
    except ValueError as error:
        raise StateError(
            f"tweet {entry.id} in the outbox {outbox.path} is not as it was written ({error}):"
            " restore a backup, or delete that row"
        ) from error
    return _send(outbox, client, entry, clock)


def reconcile(outbox: Outbox, client: Client, *, clock: Clock = time.time) -> list[Posted]:
    """Finds out what became of the attempts whose outcome is not known.

    Returns:
        What turned out to be posted. What was not is ready again.

    Raises:
        OutcomeUnknownError: It cannot be known yet. Nothing must be posted.
        StateError: The outbox cannot be written.
    """
    entries = outbox.entries(*OPEN)
    if not entries:
        return []
    now = clock()
    posts = _timeline(client, entries, now)
    found, undecided = [], []
    for entry in entries:
        if tweet_id := _find(outbox, entry, posts):
            found.append(_posted(outbox, entry, tweet_id, now, "found on the account"))
        elif 0 <= now - _attempted(entry) < client.timeout:
            undecided.append(entry)
        else:
            outbox.finish(entry, State.READY, now=now, note="not found on the account")
    if undecided:
        raise OutcomeUnknownError(
            "the last attempt to post may still be on its way: nothing is posted now; run again"
            f" in {client.timeout:g} seconds"
        )
    return found


def _timeline(client: Client, entries: list[Entry], now: float) -> list[Post]:
    """The account's posts since these tweets can have been sent at the earliest."""
    if others := {entry.account for entry in entries} - {client.user_id}:
        raise OutcomeUnknownError(
            f"the last attempt to post was made with the keys of account {others.pop()}, and only"
            " they tell what became of it: put them back, or set another state_dir for this account"
        )
    try:
        return client.recent_posts(min(now, *map(_earliest, entries)) - CLOCK_ERROR)
    except GPT2BotError as error:
        raise OutcomeUnknownError(
            "what became of the last attempt to post is not known, and nothing is posted before"
            f" the account's own posts can be read: {error}"
        ) from error


def _send(outbox: Outbox, client: Client, entry: Entry, clock: Clock) -> Posted:
    """The single send path: what it lets through is written down, checked, and sent once."""
    _check(entry.tweet)
    if outbox.entries(*OPEN):
        raise RuntimeError("nothing is sent while another tweet's fate is open: reconcile first")
    entry = outbox.begin(entry, account=client.user_id, now=clock())
    try:
        tweet_id = _post(outbox, client, entry, clock)
    except GPT2BotError as error:
        state = next(state for kind, state in AFTER if isinstance(error, kind))
        now = clock()
        outbox.finish(entry, state, now=now, not_before=_not_before(error, now), note=str(error))
        raise
    return _posted(outbox, entry, tweet_id, clock())


def _not_before(error: GPT2BotError, now: float) -> float | None:
    """Until when X need not be asked again, after this answer."""
    if not isinstance(error, RateLimitError):
        return None
    return min(error.until or now + RATE_WINDOW, now + LONGEST_LIMIT)


def _post(outbox: Outbox, client: Client, entry: Entry, clock: Clock) -> str:
    """Sends a tweet and returns its id: the one X has it by, should an earlier attempt have won."""
    try:
        return client.create_post(entry.tweet.text)
    except DuplicateError:
        if entry.attempts == 1:
            raise
        if tweet_id := _find(outbox, entry, _timeline(client, [entry], clock())):
            return tweet_id
        raise


def _posted(outbox: Outbox, entry: Entry, tweet_id: str, now: float, note: str = "") -> Posted:
    """Writes down that X has a tweet."""
    outbox.finish(entry, State.POSTED, now=now, tweet_id=tweet_id, note=note)
    return Posted(tweet_id, entry.tweet, entry.model, entry.seed)


def _check(tweet: Tweet) -> None:
    """Lets only through what may leave. Anything else is a mistake in this program."""
    if not isinstance(tweet, Tweet):
        raise TypeError(f"only a Tweet is posted, not a {type(tweet).__name__}")
    if not carries_label(tweet.text, tweet.label):
        raise ValueError("a tweet without its label is not posted")
    if (length := weighted_length(tweet.text)) > MAX_LENGTH:
        raise ValueError(f"a tweet of weighted length {length} is not posted: at most {MAX_LENGTH}")


def _find(outbox: Outbox, entry: Entry, posts: list[Post]) -> str | None:
    """The id of the post that is this tweet, if it is there."""
    wanted = _canonical(entry.tweet.text)
    for post in posts:
        shown = {_canonical(post.text), _canonical(html.unescape(post.text))}
        if wanted in shown and not outbox.knows(post.id):
            return post.id
    return None


def _canonical(text: str) -> str:
    """A text in the form that X brings it to, and white space in the simplest."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _attempted(entry: Entry) -> float:
    return entry.created_at if entry.attempted_at is None else entry.attempted_at


def _earliest(entry: Entry) -> float:
    """When it can have been sent at the earliest, be it by an attempt before the last one."""
    return min(entry.created_at, _attempted(entry))
