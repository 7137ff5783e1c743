"""Finds out what became of an attempt with an unknown outcome.

`reconcile` reads the account's own posts since the first attempt and compares texts as X returns
them: HTML-escaped and NFC (URLs, which X rewrites, never pass the filter). Two rules make absence
certain. First, the search starts `CLOCK_ERROR` before the first attempt: X refuses a signature
whose time is further off than that, so an accepted tweet is never older. Second, an attempt younger
than the timeout may still be in progress: it can be found, but it does not yet count as absent. If
it arrives even later, X refuses the second of two equal texts, and `publish` looks for the first.

If X does not let the bot read the account's posts, for example because of the plan, only the owner
can find out: `resolve` records what the owner says.
"""

from __future__ import annotations

import html
import re
import time
import unicodedata
from typing import TYPE_CHECKING

from gpt2bot.errors import (
    AccountError,
    GPT2BotError,
    OutcomeUnknownError,
    RateLimitError,
    UsageError,
)
from gpt2bot.posting.clock import MINUTE
from gpt2bot.posting.outbox import OPEN, Entry, Outbox, Posted, State
from gpt2bot.posting.refusals import Request, check_may_ask, forget, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpt2bot.posting.client import Client, Post

    Clock = Callable[[], float]

__all__ = [
    "check_account",
    "find",
    "how_to_decide",
    "posted",
    "read_posts",
    "reconcile",
    "resolve",
]

CLOCK_ERROR = 15 * MINUTE
OUTCOMES = {  # what the owner can say: the state and the note that follow from it
    "posted": (State.POSTED, "the owner says that it is on the account"),
    "absent": (State.READY, "the owner says that it is not on the account"),
}


def reconcile(outbox: Outbox, client: Client, *, clock: Clock = time.time) -> list[Posted]:
    """Finds out what became of the attempts with an unknown outcome.

    Returns:
        The tweets that turned out to be posted. The others are ready again.

    Raises:
        OutcomeUnknownError: This cannot be known yet. Nothing may be posted until then.
        StateError: The outbox cannot be written.
    """
    entries = outbox.entries(*OPEN)
    if not entries:
        return []
    now = clock()
    posts = read_posts(outbox, client, entries, now)
    found, undecided = [], []
    for entry in entries:
        if tweet_id := find(outbox, entry, posts):
            found.append(posted(outbox, entry, tweet_id, now, "found on the account"))
        elif 0 <= now - _attempted(entry) < client.timeout:
            undecided.append(entry)
        else:
            outbox.finish(entry, State.READY, now=now, note="not found on the account")
    if undecided:
        raise OutcomeUnknownError(
            "the last attempt to post may still be in progress: nothing is posted now; run again"
            f" in {client.timeout:g} seconds"
        )
    return found


def resolve(
    outbox: Outbox, number: int, outcome: str, *, tweet_id: str | None, now: float
) -> Entry:
    """Records what the owner has found out about a tweet. The caller holds the bot's lock.

    Args:
        outbox: The bot's outbox.
        number: The tweet's id in it.
        outcome: One of `OUTCOMES`.
        tweet_id: The id that X gave the tweet, if it is posted and the owner knows the id.
        now: The current time.

    Raises:
        UsageError: The outcome of this tweet is known, or an argument is not valid.
        StateError: The outbox cannot be written.
    """
    if outcome not in OUTCOMES:
        raise UsageError(f"OUTCOME: must be {' or '.join(OUTCOMES)}, not {outcome!r}")
    if tweet_id is not None and outcome != "posted":
        raise UsageError("--tweet-id is only for a tweet that is posted")
    if tweet_id is not None and not re.fullmatch("[0-9]{1,20}", tweet_id):
        raise UsageError(
            f"--tweet-id: must be the digits at the end of the post's address, not {tweet_id!r}"
        )
    entries = {entry.id: entry for entry in outbox.entries(*State)}
    if twin := next((e.id for e in entries.values() if tweet_id and e.tweet_id == tweet_id), None):
        raise UsageError(f"--tweet-id: {tweet_id} already belongs to tweet {twin}")
    entry = entries.get(number)
    if entry is None or entry.state not in OPEN:
        what = f"tweet {number} is {entry.state.value}" if entry else f"there is no tweet {number}"
        open_ = " and ".join(str(e.id) for e in entries.values() if e.state in OPEN)
        raise UsageError(
            f"{what}; only tweets of unknown outcome can be resolved: {open_ or 'none'}"
        )
    state, note = OUTCOMES[outcome]
    return outbox.finish(entry, state, now=now, tweet_id=tweet_id, note=note)


def read_posts(outbox: Outbox, client: Client, entries: Sequence[Entry], now: float) -> list[Post]:
    """Reads the account's posts since the earliest time at which these tweets can have been sent.

    Raises:
        OutcomeUnknownError: They cannot be read.
    """
    start = min(now, *map(_earliest, entries)) - CLOCK_ERROR
    what = (
        f"what became of tweet {entries[0].id} is not known, and nothing is posted until the"
        " account's own posts can be read"
    )
    try:
        check_may_ask(outbox, Request.READ, now)
    except RateLimitError as error:
        raise OutcomeUnknownError(f"{what}: {error}") from error
    try:
        check_account(entries, client.user_id)
        posts = client.recent_posts(start)
    except GPT2BotError as error:
        said = remember(outbox, Request.READ, error, now)
        advice = f"; {how_to_decide(entries[0])}" if isinstance(error, AccountError) else ""
        raise OutcomeUnknownError(f"{what}: {said}{advice}") from error
    forget(outbox, Request.READ)
    return posts


def find(outbox: Outbox, entry: Entry, posts: Sequence[Post]) -> str | None:
    """Returns the id of the post that is this tweet, or None if it is not there."""
    wanted = _canonical(entry.tweet.text)
    for post in posts:
        shown = {_canonical(post.text), _canonical(html.unescape(post.text))}
        if wanted in shown and not outbox.knows(post.id):
            return post.id
    return None


def posted(outbox: Outbox, entry: Entry, tweet_id: str, now: float, note: str = "") -> Posted:
    """Records that X has a tweet."""
    outbox.finish(entry, State.POSTED, now=now, tweet_id=tweet_id, note=note)
    return Posted(tweet_id, entry.tweet, entry.model, entry.seed)


def how_to_decide(entry: Entry) -> str:
    """What the owner can do if the account's posts cannot be read."""
    command = f"gpt2bot resolve {entry.id}"
    return (
        f"or look at the account yourself, and run `{command} posted` if the tweet is there,"
        f" or `{command} absent` if it is not"
    )


def check_account(entries: Sequence[Entry], user_id: str) -> None:
    """Checks that the posts of this account can show what became of the attempts.

    Raises:
        AccountError: An attempt was made with the keys of another account.
    """
    if others := {entry.account for entry in entries} - {user_id}:
        raise AccountError(
            f"the last attempt to post was made with the keys of account {others.pop()}, and only"
            " those show what became of it: put them back, or set another state_dir for this"
            " account"
        )


def _canonical(text: str) -> str:
    """Normalizes a text as X does, and reduces every run of white space to one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _attempted(entry: Entry) -> float:
    return entry.created_at if entry.attempted_at is None else entry.attempted_at


def _earliest(entry: Entry) -> float:
    """The earliest time at which it can have been sent, by any attempt."""
    return min(entry.created_at, _attempted(entry))
