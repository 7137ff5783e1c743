"""The tree of errors, and the exit code of each on the command line.

::

    GPT2BotError
    ├── UsageError               2   the command line is wrong
    ├── ConfigurationError       3   a setting is wrong, or a needed one is missing
    ├── StateError               3   the saved state is damaged or cannot be read or written
    ├── ModelError               4   a model is missing, damaged or has an unexpected shape
    │   ├── ModelMissingError        the model is not found
    │   ├── CheckpointError          its files are damaged or do not fit together
    │   ├── PromptTooLongError       the prompt leaves no room in the model's context
    │   └── TrainingError            training data, or a started training, cannot be used
    ├── NoCandidateError         5   no draft passed the filter
    ├── RefusedError             6   X refused: credentials, permission or content
    │   ├── AccountError             the tweet is not at fault and can be tried again
    │   │   └── PlanError            the app's plan or project does not include the request
    │   └── DuplicateError           the account has already posted this text
    ├── LimitError               7   a rate limit, a number of posts or the credits are used up
    │   └── RateLimitError           the account has sent too many requests
    │       └── SpamError            X treats the bot as spam and asks it to wait
    ├── NetworkError             8   a server cannot be reached; nothing was changed there
    ├── OutcomeUnknownError      8   a request was sent, and its outcome is not known
    ├── LockedError              9   another run of this bot is in progress
    └── CheckError                   problems found by `check`; exit code of the first one

Every message is one line that says what is wrong and what to do, because the owner of a cron job
reads nothing else. No message contains a secret.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class GPT2BotError(Exception):
    """Base class of all errors that this package raises on purpose."""

    exit_code: int = 1


class UsageError(GPT2BotError):
    """The command line is wrong."""

    exit_code = 2


class ConfigurationError(GPT2BotError):
    """A setting is wrong, or a needed one is missing."""

    exit_code = 3


class StateError(GPT2BotError):
    """The saved state (outbox, lock) is damaged or cannot be read or written."""

    exit_code = 3


class ModelError(GPT2BotError):
    """A model is missing, damaged or has an unexpected shape."""

    exit_code = 4


class ModelMissingError(ModelError):
    """The model is not found."""


class CheckpointError(ModelError):
    """The files of a model are damaged or do not fit together."""


class PromptTooLongError(ModelError):
    """The prompt leaves no room for a single new token in the model's context."""


class TrainingError(ModelError):
    """The training data, or a training that was started earlier, cannot be used."""


class NoCandidateError(GPT2BotError):
    """No draft passed the filter, so nothing is posted."""

    exit_code = 5


class RefusedError(GPT2BotError):
    """X refused: credentials, permission or content."""

    exit_code = 6


class AccountError(RefusedError):
    """X refused the request, but the tweet is not at fault and can be tried again."""


class PlanError(AccountError):
    """The app's plan or project does not include the request."""


class DuplicateError(RefusedError):
    """X says that the account has already posted this text."""


class LimitError(GPT2BotError):
    """A rate limit, the owner's own limit or the account's credits are used up."""

    exit_code = 7


class RateLimitError(LimitError):
    """The account has sent X too many requests.

    Attributes:
        until: When the limit ends, in seconds since 1970; None if X does not say.
        wait: Seconds to wait if X does not say when the limit ends.
    """

    def __init__(self, message: str, until: float | None = None, wait: float = 0.0) -> None:
        super().__init__(message)
        self.until = until
        self.wait = wait


class SpamError(RateLimitError):
    """X treats the bot as spam and asks it to wait."""


class NetworkError(GPT2BotError):
    """A server cannot be reached; the request changed nothing there."""

    exit_code = 8


class OutcomeUnknownError(GPT2BotError):
    """A request was sent, and it is not known whether the server acted on it."""

    exit_code = 8


class LockedError(GPT2BotError):
    """Another run of this bot is in progress."""

    exit_code = 9


class CheckError(GPT2BotError):
    """`check` found problems."""

    def __init__(self, troubles: Sequence[GPT2BotError]) -> None:
        number = "one thing needs" if len(troubles) == 1 else f"{len(troubles)} things need"
        super().__init__(f"{number} fixing: see the lines that start with 'fix'")
        self.exit_code = troubles[0].exit_code


@contextlib.contextmanager
def explain_stop(words: str) -> Iterator[None]:
    """Says what an interruption by Ctrl-C (`KeyboardInterrupt`) or SIGTERM means here.

    Args:
        words: The text after "interrupted" or "stopped".
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        stop.args = (words,)
        raise
