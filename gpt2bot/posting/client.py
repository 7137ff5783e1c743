"""The client for X: posts a text, and reads the account's own recent posts.

It uses X's API v2 through Tweepy, with the OAuth 1.0a keys of the account. It never retries a
request. Every failure is an error from `gpt2bot.errors` that says what became of the request.
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

PAGE, FEWEST = 100, 5  # the most and the fewest posts that X allows on a page
NO_KEY = SecretStr("")
MAX_PAGES = 32  # X returns the newest 3,200 posts of an account


@dataclass(frozen=True)
class Credentials:
    """The four OAuth 1.0a keys of an account.

    Attributes:
        consumer_key: The API key of the app, from X's developer console.
        consumer_secret: The API key secret of the app.
        access_token: The access token of the account. Create it after you set the app to 'Read and
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
        """The account's id, taken from the start of the access token: asking X costs $0.010.

        Empty if the token does not start with an id; X refuses such a token.
        """
        user_id, dash, _ = self.access_token.get_secret_value().partition("-")
        return user_id if dash and _is_id(user_id) else ""


@dataclass(frozen=True)
class Account(Credentials):
    """The account at X, and how long to wait for it.

    Attributes:
        timeout: The number of seconds to wait for X to answer; at most 600.
    """

    timeout: Annotated[float, Gt(0), Le(600)] = 30.0


@dataclass(frozen=True)
class Post:
    """A post on the account's timeline, with its text as X returns it."""

    id: str
    text: str


@dataclass(frozen=True)
class Access:
    """What X says about keys that it accepts.

    Attributes:
        account: The name of the account that they belong to, such as "@a_bot"; empty if unknown.
        level: What they may do, such as "read-write", from `x-access-level`; empty if X does not
            say.
        clock_error: How many seconds this machine's clock is ahead of X's; None if unknown.
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
        """Prepares the client; sends nothing.

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
        # This runs before Tweepy sees an answer: Tweepy fails on an error with an unexpected body,
        # and requests would follow a redirect.
        self._tweepy.session.hooks["response"].append(self._check)

    def create_post(self, text: str) -> str:
        """Posts a text. Only `publish.py` calls this.

        Returns:
            The id that X gave the post.

        Raises:
            NetworkError: Nothing was posted: X cannot be reached.
            LimitError: Nothing was posted: a limit or the credits are used up.
            RefusedError: Nothing was posted: `AccountError` if the account is at fault,
                `DuplicateError` if it has posted this text before; otherwise the text is at fault.
            OutcomeUnknownError: It is not known whether the text was posted.
        """
        response = self._tweepy.create_tweet(text=text, user_auth=True)
        data = self._object(response).get("data")
        tweet_id = data.get("id") if isinstance(data, dict) else None
        if not _is_id(tweet_id):
            raise self._nonsense(response)
        return str(tweet_id)

    def recent_posts(self, since: float) -> list[Post]:
        """Reads all posts of the account since a time (seconds since 1970). Each costs $0.001.

        Raises:
            GPT2BotError: Some or all of them cannot be read.
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
            f"the account has more than {len(posts)} posts since {start:%Y-%m-%d %H:%M} UTC, which"
            " is more than X returns"
        )

    def examine(self) -> Access:
        """Tests the keys: asks whose they are, and reads the account's posts of the last minute.

        The question costs $0.010, and each post $0.001.

        Raises:
            AccountError: X refuses the keys; the message says why.
            GPT2BotError: The keys cannot be tested now.
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
        """The name of the account that the keys belong to, from X's answer."""
        data = self._object(response).get("data")
        name = data.get("username") if isinstance(data, dict) else None
        if not isinstance(name, str) or not re.fullmatch("[0-9A-Za-z_]{1,50}", name):
            raise self._nonsense(response)
        return name

    def _nonsense(self, response: Response) -> NetworkError | OutcomeUnknownError:
        """The error for a successful answer with unexpected content."""
        problem = read_problem(
            response.status_code, response.headers, response.content, self._secrets
        )
        what = f"{told(problem)}{'' if problem.is_page else ', but not in the expected form'}"
        if _reads(response):
            return NetworkError(f"{what}: run again later")
        return OutcomeUnknownError(f"{what}: whether the tweet was posted is not known; {NEXT_RUN}")


def _if_in_plan(ask: Callable[[], Response]) -> tuple[Response | None, PlanError | None]:
    """The answer to a request, or the error if the plan excludes it: then the keys are valid."""
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
