"""Whether all is well with a bot: its settings, files, model, memory, lock, clock and keys.

Each look gives a line that says what is there, or raises the error that a run would meet, which
says what to do. Nothing is changed and nothing is posted.
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
from gpt2bot.errors import ConfigurationError, GPT2BotError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gpt2bot.config import Settings

    Look = Callable[[Settings], str]

__all__ = ["Finding", "check"]

WRITTEN = 1_767_225_600  # 2026-01-01: no clock that is right shows a time before this program's


@dataclass(frozen=True)
class Finding:
    """What a look found.

    Attributes:
        subject: What was looked at.
        text: What is there, if all is well.
        error: What is wrong and what to do, if not.
    """

    subject: str
    text: str = ""
    error: GPT2BotError | None = None


def check(config: Path | None, *, online: bool) -> Iterator[Finding]:
    """Looks at everything in turn.

    Args:
        config: What `--config` says.
        online: Whether X is asked, too.
    """
    try:
        settings = load_settings(config)
    except ConfigurationError as error:
        yield Finding("configuration", error=error)
        return
    told: set[str] = set()
    for subject, look in (*LOOKS, *(ONLINE if online else ())):
        finding = _finding(subject, look, settings)
        message = str(finding.error)
        if finding.error and message in told:
            finding = Finding(subject, error=type(finding.error)("for the same reason as above"))
        told.add(message)
        yield finding


def _finding(subject: str, look: Look, settings: Settings) -> Finding:
    try:
        return Finding(subject, look(settings))
    except GPT2BotError as error:
        return Finding(subject, error=error)
    except OSError as error:
        return Finding(
            subject, error=GPT2BotError(f"{error}: let the user who runs the bot read it")
        )


def _configuration(settings: Settings) -> str:
    prompts = len(drafting.check_settings(settings))
    return f"{settings.file or 'no file, so the defaults'}; prompts: {prompts}"


def _keys(settings: Settings) -> str:
    if not post.account(settings).user_id:
        raise ConfigurationError(
            "x.access_token is not one of X's, which begin with the account's number and a hyphen:"
            " copy it anew from X's developer console"
        )
    return "all four are set"


def _file_modes(settings: Settings) -> str:
    from gpt2bot.posting.database import FILE

    if os.name != "posix":
        return "not looked at on this system"
    if settings.warnings:
        raise ConfigurationError("; ".join(settings.warnings))
    for path, mode in ((settings.state_dir, 0o700), (settings.state_dir / FILE, 0o600)):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & ~mode:
            raise StateError(f"others can read what the bot remembers: chmod {mode:o} {path}")
        if path.exists() and not os.access(path, os.W_OK):
            raise StateError(f"{path} cannot be written: let the user who runs the bot write there")
    return "nobody else reads the keys or the state folder"


def _model(settings: Settings) -> str:
    from gpt2bot.gpt2.formats.layout import read_description

    name, folder = drafting.chosen_model(settings)
    hparams, _ = read_description(folder)
    return f"{name}, {hparams.n_params / 1e6:.0f} million weights, in {folder}"


def _compiled(settings: Settings) -> str:
    from gpt2bot.gpt2.litert.build import verify_compiled

    if settings.engine != "litert":
        return f"not used: the engine is {settings.engine}"
    name, folder = drafting.chosen_model(settings)
    compiled = verify_compiled(folder, settings.precision)
    if compiled is None:
        return f"not yet: `gpt2bot compile {name}` or the next run does it"
    return f"{compiled} is whole"


def _outbox(settings: Settings) -> str:
    from gpt2bot.posting.outbox import Outbox, State

    with Outbox(settings.state_dir, create=False) as outbox:
        outbox.verify()
        counts = Counter(entry.state.value for entry in outbox.entries(*State))
    counted = ", ".join(f"{counts[state.value]} {state.value}" for state in State if counts[state])
    return f"sound: {counted}" if counted else "nothing in it yet"


def _lock(settings: Settings) -> str:
    from gpt2bot.posting.state_folder import is_held

    return "a run is at work" if is_held(settings.state_dir) else "free"


def _clock(settings: Settings) -> str:
    from gpt2bot.posting.clock import utc
    from gpt2bot.posting.limits import AHEAD
    from gpt2bot.posting.outbox import Outbox, State

    now = time.time()
    with Outbox(settings.state_dir, create=False) as outbox:
        changed = max((entry.changed_at for entry in outbox.newest(1, *State)), default=now)
    if now < WRITTEN or changed > now + AHEAD:
        what = f"the last tweet is of {utc(changed)}" if changed > now else "that is long ago"
        raise StateError(f"this machine's clock says {utc(now)}, and {what}: set the clock right")
    return utc(now)


def _limits(settings: Settings) -> str:
    from gpt2bot.posting.status import read_status

    status = read_status(settings.state_dir, settings.limits, time.time())
    return f"the next post may go out {status.cooldown or 'now'}"


def _x(settings: Settings) -> str:
    access = post.account(settings).examine()
    level = f" ({access.level})" if access.level else ""
    ahead = access.clock_error
    clock = "" if ahead is None else f"; the clocks differ by {abs(ahead):.0f} s"
    return f"takes the keys{level}{clock}"


LOOKS: tuple[tuple[str, Look], ...] = (
    ("configuration", _configuration),
    ("keys", _keys),
    ("file modes", _file_modes),
    ("model", _model),
    ("compiled", _compiled),
    ("outbox", _outbox),
    ("lock", _lock),
    ("clock", _clock),
    ("limits", _limits),
)
ONLINE: tuple[tuple[str, Look], ...] = (("X", _x),)
