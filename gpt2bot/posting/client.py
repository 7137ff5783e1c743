"""The account at X, as far as the bot uses it: posts a text, reads its own recent posts.

It speaks X's API v2 through Tweepy, with the OAuth 1.0a keys of the account. Nothing is ever sent
twice, and every failure is an error of `gpt2bot.errors` that tells what became of the request.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt, Le
from pydantic import SecretStr

from gpt2bot.errors import AccountError, NetworkError, OutcomeUnknownError, PlanError
from gpt2bot.posting.clock import MINUTE
from gpt2bot.posting.problem import clock_error, read_problem
from gpt2bot.posting.responses import NEXT_RUN, READ_ONLY, error_for, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import Response

__all__ = ["Access", "Account", "Client", "Credentials", "Post"]

PAGE, FEWEST = 100, 5  # posts, as X allows
NO_KEY = SecretStr("")
MAX_PAGES = 32  # X shows the newest 3,200 posts of an account


@dataclass(frozen=True)
class Credentials:
    """The four OAuth 1.0a keys of an account.

    Attributes:
        consumer_key: The API key of the app, from X's developer console.
        consumer_secret: The API key secret of the app.
        access_token: The access token of the account, made after the app was set to 'Read and
            write'.
        access_token_secret: The secret of the access token.
    """

    consumer_key: SecretStr = NO_KEY
    consumer_secret: SecretStr = NO_KEY
    access_token: SecretStr = NO_KEY
    access_token_secret: SecretStr = NO_KEY

    def reveal(self) -> dict[str, str]:
        """The keys in plain text, by their names."""
        names = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        return {name: getattr(self, name).get_secret_value() for name in names}

    @property
    def missing(self) -> list[str]:
        """The names of the keys that are not set."""
        return [name for name, key in self.reveal().items() if not key]

    @property
    def user_id(self) -> str:
        """The account's id, with which X begins an access token: asking X for it costs $0.010.

        Empty if the token is not like that; X refuses such a token.
        """
        user_id, dash, _ = self.access_token.get_secret_value().partition("-")
        return user_id if dash and _is_id(user_id) else ""


@dataclass(frozen=True)
class Account(Credentials):
    """The account at X, and how long to wait for it.

    Attributes:
        timeout: Seconds to wait for X to answer; at most 600.
    """

    timeout: Annotated[float, Gt(0), Le(600)] = 30.0


@dataclass(frozen=True)
class Post:
    """A post on the account's timeline, its text as X returns it."""

    id: str
    text: str


@dataclass(frozen=True)
class Access:
    """What X says of keys that it takes.

    Attributes:
        account: The name of the account that they belong to, as "@a_bot"; empty if unknown.
        level: What they may do, as "read-write", by `x-access-level`; empty if X does not tell.
        clock_error: Seconds by which this machine's clock is ahead of X's; None if unknown.
        not_named: Why the account's name is unknown: the plan does not include asking for it.
        not_readable: Why the account's posts cannot be read: the plan does not include that.
    """

    account: str
    level: str
    clock_error: float | None
    not_named: PlanError | None = None
    not_readable: PlanError | None = None


class Client:
    """Talks to X with the keys of one account."""

    def __init__(self, credentials: Credentials, *, timeout: float = Account.timeout) -> None:
        """Makes ready to talk; nothing is sent.

        Args:
            credentials: The keys of the account.
            timeout: Seconds to wait for a connection, and for each piece of an answer.
        """
        import requests
        import tweepy

        from gpt2bot.posting.transport import TimeoutAdapter

        self.user_id = credentials.user_id
        self.timeout = timeout
        keys = credentials.reveal()
        self._secrets = tuple(filter(None, keys.values()))
        self._tweepy = tweepy.Client(
            **keys, return_type=requests.Response, wait_on_rate_limit=False
        )
        self._tweepy.session.mount("https://", TimeoutAdapter(timeout))
        # Before Tweepy sees an answer: it fails on an error whose body is not what it expects, and
        # requests would follow a redirection.
        self._tweepy.session.hooks["response"].append(self._check)

    def create_post(self, text: str) -> str:
        """Posts a text. Only `publish.py` calls this.

        Returns:
            The id that X gave the post.

        Raises:
            NetworkError: Nothing was posted: X cannot be reached.
            LimitError: Nothing was posted: a limit or the credits are used up.
            RefusedError: Nothing was posted: `AccountError` if the account is at fault,
                `DuplicateError` if it has posted this text before, else the text.
            OutcomeUnknownError: Whether it was posted is not known.
        """
        response = self._tweepy.create_tweet(text=text, user_auth=True)
        data = self._object(response).get("data")
        tweet_id = data.get("id") if isinstance(data, dict) else None
        if not _is_id(tweet_id):
            raise self._nonsense(response)
        return str(tweet_id)

    def recent_posts(self, since: float) -> list[Post]:
        """Reads all posts of the account since a time in seconds since 1970. Costs $0.001 each.

        Raises:
            GPT2BotError: They cannot be read, or not all of them.
        """
        start = datetime.fromtimestamp(since, tz=timezone.utc)
        posts: list[Post] = []
        token = None
        for _ in range(MAX_PAGES):
            response = self._tweepy.get_users_tweets(
                self.user_id,
                user_auth=True,
                start_time=start,
                max_results=PAGE,
                pagination_token=token,
            )
            page, token = self._page(response)
            posts += page
            if token is None:
                return posts
        raise AccountError(
            f"the account has more than {len(posts)} posts since {start:%Y-%m-%d %H:%M} UTC, and X"
            " shows no more"
        )

    def examine(self) -> Access:
        """Tries the keys: asks whose they are, and reads the account's posts of the last minute.

        The former costs $0.010, the latter $0.001 each.

        Raises:
            AccountError: X refuses them, and says why.
            GPT2BotError: They cannot be tried now.
        """
        start = datetime.fromtimestamp(time.time() - MINUTE, tz=timezone.utc)
        me, not_named = _if_in_plan(lambda: self._tweepy.get_me(user_auth=True))
        posts, not_readable = _if_in_plan(
            lambda: self._tweepy.get_users_tweets(
                self.user_id, user_auth=True, start_time=start, max_results=FEWEST
            )
        )
        if posts is not None:
            self._page(posts)
        answers = [answer.headers for answer in (me, posts) if answer is not None]
        levels = {headers.get("x-access-level", "") for headers in answers}
        if "read" in levels:
            raise AccountError(READ_ONLY)
        return Access(
            account="" if me is None else f"@{self._username(me)}",
            level=max(levels, default=""),
            clock_error=clock_error(answers[-1], time.time()) if answers else None,
            not_named=not_named,
            not_readable=not_readable,
        )

    def _check(self, response: Response, **_: Any) -> None:
        if not 200 <= response.status_code < 300:
            raise error_for(
                response.status_code,
                response.headers,
                response.content,
                reading=_reads(response),
                secrets=self._secrets,
            )

    def _object(self, response: Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._nonsense(response)
        return answer

    def _page(self, response: Response) -> tuple[list[Post], str | None]:
        """The posts on a page of a timeline, and the token of the next page."""
        answer = self._object(response)
        data, meta = answer.get("data", []), answer.get("meta")
        if not isinstance(data, list) or not isinstance(meta, dict) or "errors" in answer:
            raise self._nonsense(response)
        posts = [Post(post["id"], post["text"]) for post in data if _is_post(post)]
        if not len(posts) == len(data) == meta.get("result_count"):
            raise self._nonsense(response)
        return posts, meta.get("next_token")

    def _username(self, response: Response) -> str:
        """The account's name, as X tells whose keys these are."""
        data = self._object(response).get("data")
        name = data.get("username") if isinstance(data, dict) else None
        if not isinstance(name, str) or not re.fullmatch("[0-9A-Za-z_]{1,50}", name):
            raise self._nonsense(response)
        return name

    def _nonsense(self, response: Response) -> NetworkError | OutcomeUnknownError:
        """The error for an answer that is a success and does not say what it should."""
        problem = read_problem(
            response.status_code, response.headers, response.content, self._secrets
        )
        what = f"{told(problem)}{'' if problem.is_page else ', which makes no sense'}"
        if _reads(response):
            return NetworkError(f"{what}: run again later")
        return OutcomeUnknownError(f"{what}: what it did is not known; {NEXT_RUN}")


def _if_in_plan(ask: Callable[[], Response]) -> tuple[Response | None, PlanError | None]:
    """The answer to a request, or that the plan does not include it: the keys are good then."""
    try:
        return ask(), None
    except PlanError as error:
        return None, error


def _is_post(value: object) -> bool:
    return (
        isinstance(value, dict) and _is_id(value.get("id")) and isinstance(value.get("text"), str)
    )


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


def _reads(response: Response) -> bool:
    return response.request.method == "GET"
