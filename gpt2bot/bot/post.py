"""Posts a tweet: drafts it, stores it in the outbox and sends it to X."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.bot.drafting import Candidate, check_may_post, draft_tweet
from gpt2bot.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from gpt2bot.config import Settings
    from gpt2bot.posting.client import Client
    from gpt2bot.posting.outbox import Entry, Outbox, Posted
    from gpt2bot.posting.runs import FilterStatistics
    from gpt2bot.tweets.tweet import Tweet

__all__ = ["Result", "account", "dry_run", "post"]

logger = logging.getLogger(__name__)

COPY = "copy it again from X's developer console"
_KEY = re.compile("[!#-&(-_a-~]+")  # no white space, no quotes, ASCII


@dataclass(frozen=True)
class Result:
    """A tweet that was posted or would be posted now.

    Attributes:
        tweet: The tweet.
        model: The name of the model that wrote it.
        seed: The seed that the model used; None if unknown.
        id: Its number in the outbox, if an earlier run left it there; None if it is new.
        posted: The post on the account; None after a dry run.
    """

    tweet: Tweet
    model: str
    seed: int | None
    id: int | None
    posted: Posted | None


def dry_run(settings: Settings, *, prompt: str | None) -> Result:
    """Finds the tweet that `post` would post now. Sends nothing, writes nothing and needs no keys.

    While the outcome of an earlier tweet is unknown, this is the tweet that `post` would post after
    finding the earlier one on the account.

    Raises:
        UsageError: No tweet can begin with the prompt, or another tweet is ready and goes first.
        ConfigurationError: A setting is wrong.
        LimitError: A limit of X or of the owner allows no post yet.
        NoCandidateError: No candidate passed the filter.
        StateError: The outbox is damaged.
    """
    from gpt2bot.posting.limits import check_limits
    from gpt2bot.posting.outbox import OPEN, Outbox
    from gpt2bot.posting.publish import check_ready
    from gpt2bot.posting.runs import FilterStatistics

    with Outbox(settings.state_dir, create=False) as outbox:
        ready = _next_ready(outbox, prompt)
        if unknown := outbox.entries(*OPEN):
            logger.warning(
                "what became of tweet %s is not known: the next run first looks for it on the"
                " account",
                unknown[0].id,
            )
        check_limits(outbox, settings.limits, time.time())
        if ready:
            check_ready(outbox, ready)
            return Result(ready.tweet, ready.model, ready.seed, ready.id, posted=None)
        new = _new_tweet(settings, prompt, outbox, FilterStatistics())
    return Result(new.verdict.tweet, new.model, new.seed, id=None, posted=None)


def post(settings: Settings, *, prompt: str | None) -> Result:
    """Posts one tweet: the one that an earlier run left ready, or a new one.

    Raises:
        ConfigurationError: A key is missing, or a setting is wrong.
        UsageError: No tweet can begin with the prompt, or another tweet is ready and goes first.
        ModelMissingError: Only the bundled model is available, and it is not named.
        LockedError: Another run of this bot is in progress.
        LimitError: A limit of X or of the owner allows no post yet.
        NoCandidateError: No candidate passed the filter, so nothing was posted.
        GPT2BotError: X did not accept the tweet; `posting.publish` lists the errors.
    """
    from gpt2bot.posting.limits import check_limits
    from gpt2bot.posting.outbox import Outbox
    from gpt2bot.posting.publish import publish, publish_ready
    from gpt2bot.posting.reconcile import reconcile
    from gpt2bot.posting.runs import recorded
    from gpt2bot.posting.state_folder import exclusive

    client = account(settings)
    check_may_post(settings)
    with (
        exclusive(settings.state_dir),
        Outbox(settings.state_dir) as outbox,
        recorded(outbox, time.time) as statistics,
    ):
        _next_ready(outbox, prompt)
        for found in reconcile(outbox, client, clock=time.time):
            logger.warning("the tweet of an earlier run was posted: %s", found.url)
        ready = _next_ready(outbox, prompt)
        check_limits(outbox, settings.limits, time.time())
        if ready:
            logger.warning("posting the tweet that an earlier run left ready")
            posted = publish_ready(outbox, client, ready, clock=time.time)
        else:
            new = _new_tweet(settings, prompt, outbox, statistics)
            posted = publish(
                outbox,
                client,
                new.verdict.tweet,
                model=new.model,
                seed=new.seed,
                clock=time.time,
            )
        return Result(posted.tweet, posted.model, posted.seed, ready.id if ready else None, posted)


def account(settings: Settings) -> Client:
    """Creates the client of the account at X; sends nothing yet.

    Raises:
        ConfigurationError: Keys are missing or malformed.
    """
    if missing := settings.x.missing:
        variables = ", ".join(f"GPT2BOT_X__{name.upper()}" for name in missing)
        raise ConfigurationError(
            f"posting needs the keys of your account: set {', '.join(missing)} under [x] in"
            f" {settings.file or 'config.toml'}, or in the environment as {variables}"
        )
    from gpt2bot.posting.client import Client

    for name, key in settings.x.reveal().items():
        if not _KEY.fullmatch(key):
            raise ConfigurationError(
                f"x.{name} contains white space, quotes or letters that no key has: {COPY}"
            )
    if not settings.x.user_id:
        raise ConfigurationError(
            "x.access_token is not valid: X's tokens begin with the account's number and a hyphen;"
            f" {COPY}"
        )
    return Client(settings.x, timeout=settings.x.timeout)


def _next_ready(outbox: Outbox, prompt: str | None) -> Entry | None:
    """The first tweet that earlier runs left ready; None if there is none.

    Raises:
        UsageError: There is one, although a prompt asks for a new tweet.
    """
    from gpt2bot.posting.outbox import State

    ready = next(iter(outbox.entries(State.READY)), None)
    if ready and prompt is not None:
        raise UsageError(
            f"--prompt: tweet {ready.id} of an earlier run is ready and goes first: run `gpt2bot"
            " post` without --prompt, then again with it"
        )
    return ready


def _new_tweet(
    settings: Settings, prompt: str | None, outbox: Outbox, statistics: FilterStatistics
) -> Candidate:
    """The first candidate that passes the filter. Counts all judged candidates."""

    def counted(candidate: Candidate) -> Candidate:
        statistics.count({reason.rule for reason in candidate.verdict.reasons})
        return candidate

    drafts = draft_tweet(
        settings, prompt=prompt, history=outbox.bodies(), last_uses=outbox.last_uses()
    )
    *_, accepted = map(counted, drafts)
    return accepted
