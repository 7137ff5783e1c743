"""The way through the rooms: a tweet is drafted, goes through the outbox, and is posted to X."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.bot.drafting import Candidate, draft_tweet
from gpt2bot.errors import ConfigurationError

if TYPE_CHECKING:
    from gpt2bot.config import Settings
    from gpt2bot.posting.client import Client
    from gpt2bot.posting.outbox import Outbox
    from gpt2bot.posting.publish import Posted
    from gpt2bot.posting.runs import FilterStatistics
    from gpt2bot.tweets.tweet import Tweet

__all__ = ["Result", "account", "dry_run", "post"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A tweet that was posted, or would have been.

    Attributes:
        tweet: The tweet.
        model: The name of the model that wrote it.
        seed: What the model drew from; None if unknown.
        posted: The post on the account; None after a dry run.
    """

    tweet: Tweet
    model: str
    seed: int | None
    posted: Posted | None


def dry_run(settings: Settings, *, prompt: str | None) -> Result:
    """Drafts the tweet that `post` could post. Sends nothing, writes nothing and needs no keys.

    Raises:
        NoCandidateError: Nothing passed the filter.
    """
    from gpt2bot.posting.outbox import Outbox
    from gpt2bot.posting.runs import FilterStatistics

    with Outbox(settings.state_dir, create=False) as outbox:
        new = _new_tweet(settings, prompt, outbox, FilterStatistics())
    return Result(new.verdict.tweet, new.model, new.seed, posted=None)


def post(settings: Settings, *, prompt: str | None) -> Result:
    """Posts one tweet: the one that an earlier run left ready, else a new one.

    Raises:
        ConfigurationError: A key is missing, or a setting is wrong.
        LockedError: Another run of this bot is at work.
        LimitError: X or the owner wants no post yet.
        NoCandidateError: Nothing passed the filter, and nothing was posted.
        GPT2BotError: X did not take the tweet; `posting.publish` tells which errors there are.
    """
    from gpt2bot.posting.limits import check_limits
    from gpt2bot.posting.outbox import Outbox, State
    from gpt2bot.posting.publish import publish, publish_ready, reconcile
    from gpt2bot.posting.runs import recorded
    from gpt2bot.posting.state_folder import exclusive

    client = account(settings)
    with (
        exclusive(settings.state_dir),
        Outbox(settings.state_dir) as outbox,
        recorded(outbox, time.time) as statistics,
    ):
        for found in reconcile(outbox, client, clock=time.time):
            logger.warning("the tweet of an earlier run has arrived: %s", found.url)
        check_limits(outbox, settings.limits, time.time())
        if ready := outbox.entries(State.READY):
            logger.warning("posting the tweet that an earlier run left ready")
            posted = publish_ready(outbox, client, ready[0], clock=time.time)
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
        return Result(posted.tweet, posted.model, posted.seed, posted)


def account(settings: Settings) -> Client:
    """The account at X; nothing is sent yet.

    Raises:
        ConfigurationError: Some of its keys are missing.
    """
    if missing := settings.x.missing:
        variables = ", ".join(f"GPT2BOT_X__{name.upper()}" for name in missing)
        raise ConfigurationError(
            f"posting needs the keys of your account, and {', '.join(missing)} must still be set:"
            f" under [x] in {settings.file or 'config.toml'}, or in the environment as {variables}"
        )
    from gpt2bot.posting.client import Client

    return Client(settings.x, timeout=settings.x.timeout)


def _new_tweet(
    settings: Settings, prompt: str | None, outbox: Outbox, statistics: FilterStatistics
) -> Candidate:
    """The first candidate that passes the filter; all that were judged are counted."""

    def counted(candidate: Candidate) -> Candidate:
        statistics.count({reason.rule for reason in candidate.verdict.reasons})
        return candidate

    drafts = draft_tweet(
        settings, prompt=prompt, history=outbox.texts(), last_uses=outbox.last_uses()
    )
    *_, accepted = map(counted, drafts)
    return accepted
