"""The world in which the runs take place: a home with an outbox, and X."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import shutil
import sqlite3
import time
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.posting.database import FILE
from tests.fakes.waiting import HANG
from tests.soak.child import Order, run

if TYPE_CHECKING:
    import signal
    from pathlib import Path

    from tests.fakes.x_server import XServer

TIMEOUT = 60.0
"""The bot's timeout in seconds: more than any machine needs."""

IMPATIENCE = {"GPT2BOT_X__TIMEOUT": "0.8"}
"""A short timeout for runs that get no answer, so that they take little time."""

SETTINGS = {
    "GPT2BOT_MODEL": "demo",
    "GPT2BOT_X__TIMEOUT": str(TIMEOUT),
    "GPT2BOT_LIMITS__MAX_POSTS_PER_DAY": "1000000",
    "GPT2BOT_LIMITS__MIN_MINUTES_BETWEEN_POSTS": "0",
    "GPT2BOT_LIMITS__MONTHLY_BUDGET_USD": "1000000",
}
"""All settings of the bot except its keys and its folder."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.soak.preload"])


@dataclass(frozen=True)
class Row:
    """A tweet in the outbox."""

    id: int
    state: str
    text: str
    prompt: str
    label: str
    tweet_id: str | None
    attempts: int
    attempted_at: float | None
    note: str

    @property
    def is_open(self) -> bool:
        """Whether it is unknown if X has it."""
        return self.state in ("posting", "unknown")

    @property
    def is_settled(self) -> bool:
        """Whether no run will touch it again."""
        return self.state in ("posted", "refused")


@dataclass(frozen=True)
class End:
    """How a run ended. The code is None if the run hung and had to be killed."""

    name: str
    code: int | None
    out: str
    err: str
    seconds: float


class Run:
    """A running process."""

    def __init__(self, order: Order, name: str) -> None:
        self.name = name
        self.folder = order.folder
        self.began = time.monotonic()
        self._started, started = PROCESSES.Pipe(duplex=False)
        self._process = PROCESSES.Process(target=run, args=(order, name, started), daemon=True)
        self._process.start()
        started.close()

    def wait_until_started(self) -> None:
        """Waits until it runs the bot's command, or has ended."""
        self._started.poll(HANG)

    def wait_until_ended(self) -> None:
        """Waits until it has ended."""
        self._process.join(HANG)

    @property
    def is_alive(self) -> bool:
        """Whether it is still running."""
        return self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal, unless it has ended."""
        if self.is_alive and self._process.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def end(self) -> End:
        """Waits for its end."""
        self._process.join(max(0, self.began + HANG - time.monotonic()))
        code = self._process.exitcode
        seconds = time.monotonic() - self.began
        if code is None:
            self._process.kill()
            self._process.join()
        self._started.close()
        self._process.close()
        return End(self.name, code, self._take("out"), self._take("err"), seconds)

    def _take(self, suffix: str) -> str:
        path = self.folder / f"{self.name}.{suffix}"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:  # killed before it could write
            return ""
        path.unlink()
        return text


class Clock:
    """The clock of the world. It runs by itself, and can be moved forward to skip waiting times.

    Attributes:
        ahead: By how many seconds it is ahead of the true time.
    """

    def __init__(self) -> None:
        self.ahead = 0.0
        self._true_time = time.time

    def __call__(self) -> float:
        return self._true_time() + self.ahead

    def let_pass(self, seconds: float) -> None:
        """Moves the clock forward."""
        self.ahead += seconds


class World:
    """One bot, its home and its account.

    Attributes:
        x: The account.
        clock: The clock of everything in it.
        home: The bot's home.
        state: Its state folder.
        limited_until: When the last of X's limits has certainly ended.
        silent: The method that the next run must not use before `silent_until`: "POST", "GET" or
            None.
        silent_until: Until when the latest limit certainly holds.
        rows: The rows of the outbox before the current round, by number.
        duration: Seconds that a run without faults takes.
    """

    def __init__(self, x: XServer, clock: Clock, folder: Path) -> None:
        x.remaining = 1_000_000  # a day's runs take a second
        self.x = x
        self.clock = clock
        self.home = folder / "home"
        self.home.mkdir()
        self.state = self.home / "state"
        self.outbox = self.state / FILE
        self.limited_until = 0.0
        self.silent: str | None = None
        self.silent_until = 0.0
        self.rows: dict[int, Row] = {}
        self.duration = 0.1
        self._names = map("run-{}".format, itertools.count(1))
        self._copies = folder / "copies"
        self._copies.mkdir()

    def order(self) -> Order:
        """The conditions of a run without faults."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C",
            "GPT2BOT_STATE_DIR": str(self.state),
            **self.x.environment,
            **SETTINGS,
        }
        return Order(self.home, environ, ahead=self.clock.ahead)

    def start(self, order: Order) -> Run:
        """Starts a run."""
        return Run(order, next(self._names))

    def look(self) -> dict[int, Row]:
        """The current rows of the outbox, read from a copy so that the outbox is not changed."""
        for suffix in ("", "-wal"):
            copy = self._copies / f"{FILE}{suffix}"
            copy.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{self.outbox}{suffix}", copy)
        if not (self._copies / FILE).exists():
            return {}
        with contextlib.closing(sqlite3.connect(self._copies / FILE)) as db:
            columns = ", ".join(Row.__annotations__)
            found = db.execute(f"SELECT {columns} FROM tweets ORDER BY id")
            return {row.id: row for row in itertools.starmap(Row, found)}

    @property
    def open_row(self) -> Row | None:
        """The tweet whose outcome was unknown before this round."""
        return next((row for row in self.rows.values() if row.is_open), None)

    @property
    def lacks_it(self) -> bool:
        """Whether `open_row` exists and the next run will find that X does not have it."""
        row = self.open_row
        return bool(row and not self.has(row) and not self.seconds_until_certain())

    def limited(self, at_least: float, at_most: float) -> None:
        """Notes a limit that X may have set, and the earliest and latest time of its end."""
        self.silent_until = at_least
        self.limited_until = max(self.limited_until, at_most)

    def find(self, row: Row) -> str | None:
        """The id of a tweet's post on the timeline; None if there is none."""
        posts = ((post["id"], canonical(post["text"])) for post in self.x.timeline)
        return next((id_ for id_, text in posts if text == canonical(row.text)), None)

    def seconds_until_certain(self) -> float:
        """For how long the bot must assume that the last attempt may still arrive."""
        row, now = self.open_row, self.clock()
        if not row or row.attempted_at is None or row.attempted_at > now or self.has(row):
            return 0
        return max(0, row.attempted_at + TIMEOUT - now)

    def may_be_undecided(self) -> bool:
        """Whether a run that starts now may still assume so, on a machine of any speed."""
        row, now = self.open_row, self.clock()
        if not row or row.attempted_at is None or self.has(row):
            return False
        return row.attempted_at - HANG < now < row.attempted_at + TIMEOUT

    def has(self, row: Row) -> bool:
        """Whether a tweet is on the timeline."""
        return self.find(row) is not None


def canonical(text: str) -> str:
    """A text as X stores it."""
    return unicodedata.normalize("NFC", text).strip()
