"""Checks whether the next run of a bot can work, by examining everything that it needs.

Each look returns a line that describes what it found. Otherwise it raises the error that a run
would end with, which says what to do. The looks follow the order of a run, so the first error is
the one that the run would end with. Nothing is changed, compiled or posted.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.bot import drafting, post
from gpt2bot.config import load_settings
from gpt2bot.errors import (
    AccountError,
    ConfigurationError,
    GPT2BotError,
    OutcomeUnknownError,
    StateError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gpt2bot.config import Settings

__all__ = ["Finding", "check"]

WRITTEN = 1_767_225_600  # 2026-01-01: a correct clock shows no time before this program existed


@dataclass(frozen=True)
class Finding:
    """The result of a look.

    Attributes:
        subject: What was examined.
        text: What was found if all is well, or why the look was skipped.
        error: What is wrong and what to do; None if nothing is wrong.
        skipped: Whether the look was skipped because of an earlier error.
    """

    subject: str
    text: str = ""
    error: GPT2BotError | None = None
    skipped: bool = False


@dataclass(frozen=True)
class Look:
    """A look at one subject.

    Attributes:
        subject: What is examined.
        examine: Describes what is there, or raises the error that a run would end with.
        needs: The subjects that must be free of errors first.
    """

    subject: str
    examine: Callable[[Settings], str]
    needs: tuple[str, ...] = ()


def check(config: Path | None, *, online: bool) -> Iterator[Finding]:
    """Examines everything in turn.

    Args:
        config: The value of `--config`.
        online: Whether to ask X, too.
    """
    try:
        settings = load_settings(config)
    except (GPT2BotError, OSError) as error:
        yield Finding("configuration", error=_explained(error))
        return
    failed: set[str] = set()
    for look in (*LOOKS, *(ONLINE if online else ())):
        if first := next((subject for subject in look.needs if subject in failed), None):
            yield Finding(look.subject, f"not checked, because of: {first}", skipped=True)
            failed.add(look.subject)
            continue
        try:
            yield Finding(look.subject, look.examine(settings))
        except (GPT2BotError, OSError) as error:
            failed.add(look.subject)
            yield Finding(look.subject, error=_explained(error))


def _explained(error: GPT2BotError | OSError) -> GPT2BotError:
    if isinstance(error, GPT2BotError):
        return error
    return GPT2BotError(f"{error}: make it readable for the user who runs the bot")


def _configuration(settings: Settings) -> str:
    return str(settings.file or "no file; the defaults apply")


def _keys(settings: Settings) -> str:
    post.account(settings)
    return "all four are set"


def _state_folder(settings: Settings) -> str:
    from gpt2bot.posting.state_folder import check_folder

    check_folder(settings.state_dir)
    is_there = settings.state_dir.exists()
    return f"{settings.state_dir}{'' if is_there else ', created by the first run'}"


def _lock(settings: Settings) -> str:
    from gpt2bot.posting.state_folder import is_held

    return "held by a run in progress" if is_held(settings.state_dir) else "free"


def _outbox(settings: Settings) -> str:
    from gpt2bot.posting.database import FILE
    from gpt2bot.posting.outbox import Outbox, State

    path = settings.state_dir / FILE
    if path.exists() and not os.access(path, os.W_OK):  # otherwise SQLite leaves files beside it
        raise StateError(
            f"cannot write to the outbox {path}: make it writable for the user who runs the bot"
        )
    with Outbox(settings.state_dir, create=False) as outbox:
        outbox.verify()
        counts = Counter(entry.state.value for entry in outbox.entries(*State))
    counted = ", ".join(f"{counts[state.value]} {state.value}" for state in State if counts[state])
    return f"intact: {counted}" if counted else "empty"


def _pending(settings: Settings) -> str:
    from gpt2bot.posting.outbox import OPEN, Outbox, State
    from gpt2bot.posting.publish import check_ready
    from gpt2bot.posting.reconcile import check_account, how_to_decide

    with Outbox(settings.state_dir, create=False) as outbox:
        unknown, ready = outbox.entries(*OPEN), outbox.entries(State.READY)
        for entry in ready:
            check_ready(outbox, entry)
    if unknown:
        what = f"what became of tweet {unknown[0].id} is not known"
        try:
            if user_id := settings.x.user_id:
                check_account(unknown, user_id)
        except AccountError as error:
            raise OutcomeUnknownError(f"{what}: {error}; {how_to_decide(unknown[0])}") from error
        return f"{what}: the next run first looks for it on the account"
    return f"the next run posts tweet {ready[0].id}, which is ready" if ready else "nothing"


def _limits(settings: Settings) -> str:
    from gpt2bot.posting.status import read_status

    status = read_status(settings.state_dir, settings.limits, time.time())
    if status.is_stuck:
        raise OutcomeUnknownError(f"the next post {'; '.join(status.next_post)}")
    return f"the next post {'; '.join(status.next_post)}"


def _prompts(settings: Settings) -> str:
    return f"{len(drafting.check_settings(settings))}, all usable"


def _model(settings: Settings) -> str:
    from gpt2bot.gpt2.formats.layout import read_description

    drafting.check_may_post(settings)
    name, folder = drafting.chosen_model(settings)
    hparams, _ = read_description(folder)
    return f"{name}, {hparams.n_params / 1e6:.0f} million weights, in {folder}"


def _context(settings: Settings) -> str:
    n_ctx = drafting.check_room(settings, drafting.check_settings(settings))
    return f"{n_ctx} tokens; every prompt fits"


def _compiled(settings: Settings) -> str:
    name, folder = drafting.chosen_model(settings)
    if settings.engine != "litert":
        from gpt2bot.gpt2.formats.checkpoint import verify

        verify(folder)
        return f"not used, because the engine is {settings.engine}; the checkpoint is intact"
    from gpt2bot.gpt2.litert.build import verify_compiled

    compiled = verify_compiled(folder, settings.precision)
    if compiled is None:
        return f"not yet; `gpt2bot compile {name}` or the next run compiles it"
    return f"{compiled} is intact"


def _clock(settings: Settings) -> str:
    from gpt2bot.posting.clock import local
    from gpt2bot.posting.outbox import Outbox, State
    from gpt2bot.posting.refusals import AHEAD

    now = time.time()
    with Outbox(settings.state_dir, create=False) as outbox:
        changed = max((entry.changed_at for entry in outbox.newest(1, *State)), default=now)
    if now < WRITTEN or changed > now + AHEAD:
        what = (
            f"but the last tweet is from {local(changed)}"
            if changed > now
            else "which is in the past"
        )
        raise StateError(f"the clock of this machine shows {local(now)}, {what}: set the clock")
    return local(now)


def _connection(_: Settings) -> str:
    from gpt2bot.posting.transport import check_environment

    return check_environment()


def _file_modes(settings: Settings) -> str:
    from gpt2bot.posting.database import FILE

    if os.name != "posix":
        return "not checked on this system"
    if settings.warnings:
        raise ConfigurationError("; ".join(settings.warnings))
    for path, mode in ((settings.state_dir, 0o700), (settings.state_dir / FILE, 0o600)):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & ~mode:
            raise StateError(f"other users can read the bot's state: chmod {mode:o} {path}")
    return "other users cannot read the keys or the state folder"


def _x(settings: Settings) -> str:
    from gpt2bot.posting.clock import duration
    from gpt2bot.posting.examine import examine

    access = examine(settings.state_dir, post.account(settings))
    owner = f" of {access.account}" if access.account else ""
    level = f" ({access.level})" if access.level else ""
    told = [f"accepts the keys{owner}{level}"]
    if access.clock_error is not None:
        told.append(f"the clocks differ by {duration(access.clock_error)}")
    if access.not_named:
        told.append(f"X does not say whose keys they are: {access.not_named}")
    if access.not_readable:
        same = str(access.not_readable) == str(access.not_named)
        why = "for the same reason" if same else access.not_readable
        told.append(
            f"tweets can be posted, but the account's posts cannot be read: {why}; if it is not"
            " known whether a tweet was posted, use `gpt2bot resolve`"
        )
    return "; ".join(told)


LOOKS = (
    Look("configuration", _configuration),
    Look("keys", _keys),
    Look("state folder", _state_folder),
    Look("lock", _lock, needs=("state folder",)),
    Look("outbox", _outbox, needs=("state folder",)),
    Look("pending", _pending, needs=("outbox",)),
    Look("limits", _limits, needs=("pending",)),
    Look("prompts", _prompts),
    Look("model", _model),
    Look("context", _context, needs=("prompts", "model")),
    Look("compiled", _compiled, needs=("model",)),
    Look("clock", _clock, needs=("outbox",)),
    Look("connection", _connection),
    Look("file modes", _file_modes, needs=("state folder",)),
)
ONLINE = (Look("X", _x, needs=("keys", "connection")),)
