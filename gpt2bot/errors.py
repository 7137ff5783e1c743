"""The tree of errors, and the exit code that each gives the command line.

::

    GPT2BotError
    ├── UsageError               2   the command line is wrong
    ├── ConfigurationError       3   a setting is wrong, or a needed one is missing
    ├── StateError               3   what the bot remembers is damaged or cannot be written
    ├── ModelError               4   a model is missing, damaged or of another shape
    │   ├── ModelMissingError        there is no such model here
    │   ├── CheckpointError          its files are damaged or do not fit together
    │   ├── PromptTooLongError       the prompt leaves no room in the model's context
    │   └── TrainingError            training data, or a started training, cannot be used
    ├── NoCandidateError         5   nothing that was drafted passed the filter
    ├── RefusedError             6   X refused: credentials, permission or content
    │   ├── AccountError             not for the tweet, which can be tried again
    │   │   └── PlanError            the app's plan or project does not include the request
    │   └── DuplicateError           the account has posted this text already
    ├── LimitError               7   a rate, a number of posts or the credits are used up
    │   └── RateLimitError           the account has asked X too often
    │       └── SpamError            X takes the bot for spam, and wants to be asked later
    ├── NetworkError             8   a server cannot be reached; nothing was changed there
    ├── OutcomeUnknownError      8   a request left, and what became of it is not known
    ├── LockedError              9   another run of this bot is at work
    └── CheckError                   what `check` found; the exit code is that of the first of it

Every message is one line that says what is wrong and what to do, since it is all that the owner of
a cron job reads. No message holds a secret.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class GPT2BotError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code: int = 1


class UsageError(GPT2BotError):
    """The command line is wrong."""

    exit_code = 2


class ConfigurationError(GPT2BotError):
    """A setting is wrong, or one that is needed is missing."""

    exit_code = 3


class StateError(GPT2BotError):
    """What the bot remembers (its outbox, its lock) is damaged or cannot be read or written."""

    exit_code = 3


class ModelError(GPT2BotError):
    """A model is missing, damaged or of another shape than it says."""

    exit_code = 4


class ModelMissingError(ModelError):
    """There is no such model here."""


class CheckpointError(ModelError):
    """The files of a model are damaged or do not fit together."""


class PromptTooLongError(ModelError):
    """The prompt leaves no room for a single new token in the model's context."""


class TrainingError(ModelError):
    """The training data, or a training that was started before, cannot be used."""


class NoCandidateError(GPT2BotError):
    """Nothing that was drafted passed the filter, so nothing is posted."""

    exit_code = 5


class RefusedError(GPT2BotError):
    """X refused: credentials, permission or content."""

    exit_code = 6


class AccountError(RefusedError):
    """X refused the request, and not for the tweet, which can be tried again."""


class PlanError(AccountError):
    """The plan or the project of the app does not include the request."""


class DuplicateError(RefusedError):
    """X says that the account has posted this text already."""


class LimitError(GPT2BotError):
    """A rate limit, the owner's own limit or the account's credits are used up."""

    exit_code = 7


class RateLimitError(LimitError):
    """The account has asked X too often.

    Attributes:
        until: When that ends, in seconds since 1970; None if X does not tell.
        wait: Seconds to wait if X does not tell.
    """

    def __init__(self, message: str, until: float | None = None, wait: float = 0.0) -> None:
        super().__init__(message)
        self.until = until
        self.wait = wait


class SpamError(RateLimitError):
    """X takes what the bot does for spam, and wants to be asked later."""


class NetworkError(GPT2BotError):
    """A server cannot be reached; the request did not change anything there."""

    exit_code = 8


class OutcomeUnknownError(GPT2BotError):
    """A request left, and whether the server acted on it is not known."""

    exit_code = 8


class LockedError(GPT2BotError):
    """Another run of this bot is at work."""

    exit_code = 9


class CheckError(GPT2BotError):
    """A look at the bot found trouble."""

    def __init__(self, troubles: Sequence[GPT2BotError]) -> None:
        number = "one thing needs" if len(troubles) == 1 else f"{len(troubles)} things need"
        super().__init__(f"{number} fixing: see the lines that begin with 'fix'")
        self.exit_code = troubles[0].exit_code


@contextlib.contextmanager
def explain_stop(words: str) -> Iterator[None]:
    """Says what it means to be stopped here, by Ctrl-C (`KeyboardInterrupt`) or SIGTERM.

    Args:
        words: What follows "interrupted" or "stopped".
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        stop.args = (words,)
        raise
