"""Tests the keys of the account without posting, and records a limit for the next run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gpt2bot.errors import AccountError, RateLimitError
from gpt2bot.posting.outbox import OPEN, Outbox
from gpt2bot.posting.reconcile import how_to_decide
from gpt2bot.posting.refusals import Request, check_may_ask, remember

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gpt2bot.posting.client import Access, Client

__all__ = ["examine"]


def examine(folder: Path, client: Client, *, clock: Callable[[], float] = time.time) -> Access:
    """Tests the keys, unless X has said that it accepts no request yet.

    The bot's lock is not needed: no tweet is changed. Only a limit that X names is written.

    Args:
        folder: The state folder of the bot; it need not exist.
        client: The account.
        clock: Returns the seconds since 1970.

    Raises:
        AccountError: X refuses the keys; or it does not show the account's posts while the outcome
            of a tweet is unknown.
        RateLimitError: X accepts no request yet.
        GPT2BotError: The keys cannot be tested now.
    """
    with Outbox(folder, create=False) as outbox:
        check_may_ask(outbox, Request.READ, clock())
        undecided = outbox.entries(*OPEN)
    try:
        access = client.examine()
        if undecided and access.not_readable:
            raise access.not_readable
    except RateLimitError as error:
        with Outbox(folder) as outbox:
            raise remember(outbox, Request.READ, error, clock()) from error
    except AccountError as error:
        if not undecided:
            raise
        raise type(error)(f"{error}; {how_to_decide(undecided[0])}") from error
    return access
