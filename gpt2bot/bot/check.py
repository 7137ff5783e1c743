"""Whether the next run of a bot can do its work: everything it needs is looked at in turn.

Each look gives a line that says what is there, or raises the error that a run would end with, which
says what to do. They stand in the order in which a run would meet them, so that the first error is
the one that it would end with. Nothing is changed, compiled or posted.
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

WRITTEN = 1_767_225_600  # 2026-01-01: no clock that is right shows a time before this program's


@dataclass(frozen=True)
class Finding:
    """What a look found.

    Attributes:
        subject: What was looked at.
        text: What is there, if all is well; or why it was not looked at.
        error: What is wrong and what to do, if something is.
        skipped: Whether it was not looked at, since trouble that was found before is in the way.
    """

    subject: str
    text: str = ""
    error: GPT2BotError | None = None
    skipped: bool = False


@dataclass(frozen=True)
class Look:
    """A look at one subject.

    Attributes:
        subject: What is looked at.
        examine: Says what is there, or raises the error that a run would end with.
        needs: The subjects without which there is nothing to see.
    """

    subject: str
    examine: Callable[[Settings], str]
    needs: tuple[str, ...] = ()


def check(config: Path | None, *, online: bool) -> Iterator[Finding]:
    """Looks at everything in turn.

    Args:
        config: What `--config` says.
        online: Whether X is asked, too.
    """
    try:
        settings = load_settings(config)
    except (GPT2BotError, OSError) as error:
        yield Finding("configuration", error=_explained(error))
        return
    failed: set[str] = set()
    for look in (*LOOKS, *(ONLINE if online else ())):
        if first := next((subject for subject in look.needs if subject in failed), None):
            yield Finding(look.subject, f"not looked at, because of: {first}", skipped=True)
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
    return GPT2BotError(f"{error}: let the user who runs the bot read it")


def _configuration(settings: Settings) -> str:
    return str(settings.file or "no file, so the defaults")


def _keys(settings: Settings) -> str:
    post.account(settings)
    return "all four are set"


def _state_folder(settings: Settings) -> str:
    from gpt2bot.posting.state_folder import check_folder

    check_folder(settings.state_dir)
    is_there = settings.state_dir.exists()
    return f"{settings.state_dir}{'' if is_there else ', which the first run creates'}"


def _lock(settings: Settings) -> str:
    from gpt2bot.posting.state_folder import is_held

    return "a run is at work" if is_held(settings.state_dir) else "free"


def _outbox(settings: Settings) -> str:
    from gpt2bot.posting.database import FILE
    from gpt2bot.posting.outbox import Outbox, State

    path = settings.state_dir / FILE
    if path.exists() and not os.access(path, os.W_OK):  # else SQLite leaves files beside it
        raise StateError(f"cannot write to the outbox {path}: let the user who runs the bot do so")
    with Outbox(settings.state_dir, create=False) as outbox:
        outbox.verify()
        counts = Counter(entry.state.value for entry in outbox.entries(*State))
    counted = ", ".join(f"{counts[state.value]} {state.value}" for state in State if counts[state])
    return f"sound: {counted}" if counted else "nothing in it yet"


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
    return f"{len(drafting.check_settings(settings))}, and a tweet can begin with each"


def _model(settings: Settings) -> str:
    from gpt2bot.gpt2.formats.layout import read_description

    drafting.check_may_post(settings)
    name, folder = drafting.chosen_model(settings)
    hparams, _ = read_description(folder)
    return f"{name}, {hparams.n_params / 1e6:.0f} million weights, in {folder}"


def _context(settings: Settings) -> str:
    n_ctx = drafting.check_room(settings, drafting.check_settings(settings))
    return f"{n_ctx} tokens, into which each prompt fits"


def _compiled(settings: Settings) -> str:
    name, folder = drafting.chosen_model(settings)
    if settings.engine != "litert":
        from gpt2bot.gpt2.formats.checkpoint import verify

        verify(folder)
        return f"not used, since the engine is {settings.engine}; the checkpoint is whole"
    from gpt2bot.gpt2.litert.build import verify_compiled

    compiled = verify_compiled(folder, settings.precision)
    if compiled is None:
        return f"not yet: `gpt2bot compile {name}` or the next run does it"
    return f"{compiled} is whole"


def _clock(settings: Settings) -> str:
    from gpt2bot.posting.clock import local
    from gpt2bot.posting.outbox import Outbox, State
    from gpt2bot.posting.refusals import AHEAD

    now = time.time()
    with Outbox(settings.state_dir, create=False) as outbox:
        changed = max((entry.changed_at for entry in outbox.newest(1, *State)), default=now)
    if now < WRITTEN or changed > now + AHEAD:
        what = f"the last tweet is of {local(changed)}" if changed > now else "that is long ago"
        raise StateError(f"this machine's clock says {local(now)}, and {what}: set the clock right")
    return local(now)


def _connection(_: Settings) -> str:
    from gpt2bot.posting.transport import check_environment

    return check_environment()


def _file_modes(settings: Settings) -> str:
    from gpt2bot.posting.database import FILE

    if os.name != "posix":
        return "not looked at on this system"
    if settings.warnings:
        raise ConfigurationError("; ".join(settings.warnings))
    for path, mode in ((settings.state_dir, 0o700), (settings.state_dir / FILE, 0o600)):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & ~mode:
            raise StateError(f"others can read what the bot remembers: chmod {mode:o} {path}")
    return "nobody else reads the keys or the state folder"


def _x(settings: Settings) -> str:
    from gpt2bot.posting.clock import duration
    from gpt2bot.posting.examine import examine

    access = examine(settings.state_dir, post.account(settings))
    owner = f" of {access.account}" if access.account else ""
    level = f" ({access.level})" if access.level else ""
    told = [f"takes the keys{owner}{level}"]
    if access.clock_error is not None:
        told.append(f"the clocks differ by {duration(access.clock_error)}")
    if access.not_named:
        told.append(f"X does not tell whose they are: {access.not_named}")
    if access.not_readable:
        same = str(access.not_readable) == str(access.not_named)
        why = "for the same reason" if same else access.not_readable
        told.append(
            f"tweets can be posted, but the account's posts cannot be read: {why}; so if it is not"
            " known whether a tweet was posted, you decide with `gpt2bot resolve`"
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
