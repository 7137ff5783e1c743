"""A run: a separate process that does what `gpt2bot` does, under the conditions of an `Order`."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from gpt2bot.cli import main as cli
from gpt2bot.posting import database
from gpt2bot.posting.outbox import Entry, Outbox, State
from tests.fakes.waiting import HANG
from tests.soak.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from pathlib import Path

CAPABILITIES_VERSION = 0x20080522  # of linux/capability.h
OVERRIDES_PERMISSIONS = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


@dataclass(frozen=True)
class Death:
    """A transition of a tweet at which the process kills itself.

    Attributes:
        start: The state that the tweet leaves; None for a new tweet.
        end: The state that it enters.
        instant: "before", "within" or "after" the transaction.
    """

    start: State | None
    end: State
    instant: str


@dataclass(frozen=True)
class Order:
    """The conditions of a run.

    Attributes:
        folder: Its home and working directory, where it writes its output.
        environ: Its whole environment.
        ahead: By how many seconds its clock is ahead of the true time.
        lock_timeout: How many seconds it waits for a locked outbox.
        largest_file: The size in bytes beyond which no file can grow, as on a full disk.
        is_ordinary_user: Whether it loses root's right to write everywhere.
        death: When it kills itself.
        share_of_fit: The share of the model's texts that can pass the filter.
        argv: The command.
    """

    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    ahead: float = 0
    lock_timeout: float = HANG
    largest_file: int | None = None
    is_ordinary_user: bool = False
    death: Death | None = None
    share_of_fit: float = 0.6
    argv: tuple[str, ...] = ("post",)


def run(order: Order, name: str, started: Connection) -> NoReturn:
    """Runs `gpt2bot` with its output in the files `name`.out and `name`.err."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, suffix in ((1, "out"), (2, "err")):
        os.dup2(os.open(order.folder / f"{name}.{suffix}", os.O_CREAT | os.O_WRONLY), descriptor)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environ)
    _arrange(order)
    started.send_bytes(b"started")
    code: Any = 1
    try:
        code = cli.main(order.argv)
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _arrange(order: Order) -> None:
    from gpt2bot.gpt2 import GPT2

    database.BUSY_TIMEOUT = order.lock_timeout
    GPT2.load = staticmethod(lambda *_, **__: Writer(order.share_of_fit))  # type: ignore[assignment]
    if order.ahead:
        true_time = time.time
        time.time = lambda: true_time() + order.ahead
    if order.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, order.largest_file))
    if order.is_ordinary_user and os.geteuid() == 0:
        _become_ordinary()
    if order.death:
        _die_at(order.death)


def _become_ordinary() -> None:
    """Drops root's capability to write where permissions forbid it."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, sets) == 0
    sets[0] &= ~OVERRIDES_PERMISSIONS
    assert libc.capset(header, sets) == 0


def _die_at(death: Death) -> None:
    """Patches the outbox so that the process kills itself at a transition."""
    add, move, read = Outbox.add, Outbox._move, Outbox._entry
    reached = False  # whether the current transaction is that transition

    def die(instant: str) -> None:
        if reached and instant == death.instant:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(function: Callable[[], Entry], start: State | None, end: State) -> Entry:
        nonlocal reached
        reached = (start, end) == (death.start, death.end)
        die("before")
        result = function()
        die("after")
        return result

    def watched_add(self: Outbox, *args: Any, **kwargs: Any) -> Entry:
        return watched(lambda: add(self, *args, **kwargs), None, State.READY)

    def watched_move(self: Outbox, entry: Entry, state: State, *args: Any, **values: Any) -> Entry:
        return watched(lambda: move(self, entry, state, *args, **values), entry.state, state)

    def watched_read(self: Outbox, number: int | None) -> Entry:  # the last step before the commit
        die("within")
        return read(self, number)

    Outbox.add, Outbox._move, Outbox._entry = watched_add, watched_move, watched_read  # type: ignore[method-assign]
