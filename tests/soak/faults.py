"""The faults: at X, in the network, on the machine, and by sudden ends of the process.

A `Situation` sets up one fault around the runs of a round and removes it afterwards. To add one,
add a row to `ANSWERS` or a function with `@situation`.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
import socket
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gpt2bot.posting.clock import DAY, HOUR
from gpt2bot.posting.outbox import State
from tests.fakes.x_server import KEYS, Fault
from tests.soak.child import Death
from tests.soak.world import IMPATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from random import Random

    from tests.fakes.x_server import XServer
    from tests.soak.world import Run, World

ON_THE_WAY, AT_HOME, SUDDEN_END = "on the way", "at home", "sudden end"


@dataclass(frozen=True)
class Effect:
    """What a situation changes.

    Attributes:
        order: Fields of the runs' `Order` to replace.
        environ: Variables to set in their environment.
        meanwhile: What happens while they are running.
    """

    order: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Callable[[list[Run]], None] | None = None


@dataclass(frozen=True)
class Situation:
    """Something that can go wrong.

    Attributes:
        name: Its name in the figures.
        kind: `ON_THE_WAY`, `AT_HOME` or `SUDDEN_END`. A round has at most one of each kind.
        exits: The exit codes that it permits.
        weight: Its relative frequency within its kind.
        arrange: Sets it up, as a context manager.
        fits: Whether it can happen in the current state of the world.
        is_alone: Whether nothing else goes wrong at the same time.
        state: The state of the sent tweet afterwards, if nothing else goes wrong; None if that
            varies.
        is_limit: Whether the bot must not ask X for a while afterwards.
        posts: Whether the runs are of `gpt2bot post`.
    """

    name: str
    kind: str
    exits: frozenset[int]
    weight: float
    arrange: Callable[[World, Random], AbstractContextManager[Effect]]
    fits: Callable[[World], bool] = lambda _: True
    is_alone: bool = False
    state: str | None = None
    is_limit: bool = False
    posts: bool = True


SITUATIONS: list[Situation] = []


def situation(
    name: str, kind: str, *exits: int, weight: float = 1, **more: Any
) -> Callable[[Callable[[World, Random], Iterator[Effect]]], None]:
    """Adds a situation, which the decorated generator sets up."""

    def add(function: Callable[[World, Random], Iterator[Effect]]) -> None:
        arrange = contextlib.contextmanager(function)
        SITUATIONS.append(Situation(name, kind, frozenset(exits), weight, arrange, **more))

    return add


def fails(world: World, rng: Random, **fault: Any) -> None:
    """Plans the fault of one request: a post, or sometimes the reading of the timeline."""
    reads = world.open_row and rng.random() < 0.4
    if reads and fault.get("status") == 201:
        fault["status"] = 200
    world.x.faults.append(Fault(**fault, method="GET" if reads else "POST"))


# X's answers, or their absence.

DUPLICATE = {"detail": "You are not allowed to create a Tweet with duplicate content."}
TOO_LONG = {"title": "Invalid Request", "errors": [{"message": "Your Tweet text is too long."}]}
READ_ONLY = {"title": "Forbidden", "detail": "not configured with the appropriate permissions"}
SUSPENDED = {"title": "Forbidden", "detail": "User is suspended: not permitted."}
ROBOT = {"title": "Forbidden", "detail": "This request looks like it might be automated."}
DAILY = {"title": "Forbidden", "detail": "User is over daily status update limit."}
LEAKY = {"title": "\r\n\x1b[31m", "detail": " ".join(KEYS.values())}  # must not reach a log
PAGE = "<!DOCTYPE html><html><head><title>Access denied</title></head></html>"


def coded(code: int) -> dict[str, Any]:
    """An answer in the older format, with junk beside its code."""
    return {"errors": [None, 7, {"code": code, "message": " ".join(KEYS.values())}], "title": []}


# name, exit code, state of the tweet afterwards, weight, fault
ANSWERS: tuple[tuple[str, int, str, float, dict[str, Any]], ...] = (
    ("400", 6, "ready", 1, {"status": 400, "body": LEAKY}),
    ("400 too long", 6, "refused", 0.5, {"status": 400, "body": TOO_LONG}),
    ("401", 6, "ready", 1, {"status": 401, "body": LEAKY}),
    ("402", 7, "ready", 1, {"status": 402, "body": LEAKY}),
    ("403 duplicate", 6, "refused", 1, {"status": 403, "body": DUPLICATE}),
    ("403 permission", 6, "ready", 1, {"status": 403, "body": READ_ONLY}),
    ("403 suspended", 6, "ready", 0.5, {"status": 403, "body": SUSPENDED}),
    ("403 other", 6, "ready", 0.5, {"status": 403}),
    ("403 page", 8, "ready", 0.5, {"status": 403, "body": PAGE}),
    ("401 page", 8, "ready", 0.5, {"status": 401, "body": PAGE}),
    ("404", 6, "ready", 0.5, {"status": 404}),
    ("413", 6, "ready", 0.5, {"status": 413, "body": {}}),
    ("422", 6, "ready", 0.5, {"status": 422, "body": [None, 5, "?"]}),
    ("code 32: keys", 6, "ready", 0.3, {"status": 401, "body": coded(32)}),
    ("code 89: token", 6, "ready", 0.3, {"status": 401, "body": coded(89)}),
    ("code 135: clock", 6, "ready", 0.3, {"status": 401, "body": coded(135)}),
    ("code 186: too long", 6, "refused", 0.5, {"status": 403, "body": coded(186)}),
    ("code 187: duplicate", 6, "refused", 0.5, {"status": 403, "body": coded(187)}),
    ("code 326: locked", 6, "ready", 0.3, {"status": 403, "body": coded(326)}),
    ("code 453: plan", 6, "ready", 0.3, {"status": 403, "body": coded(453)}),
    ("code unknown", 6, "ready", 0.3, {"status": 403, "body": coded(99_999)}),
    ("408", 8, "unknown", 0.5, {"status": 408}),
    ("500", 8, "unknown", 0.5, {"status": 500}),
    ("502", 8, "unknown", 0.5, {"status": 502, "body": "<html>Bad gateway</html>"}),
    ("503", 8, "unknown", 0.5, {"status": 503, "body": LEAKY}),
    ("504", 8, "unknown", 0.5, {"status": 504}),
    ("5xx after acceptance", 8, "unknown", 1, {"status": 503, "accept": True}),
    (
        "redirection",
        8,
        "unknown",
        0.5,
        {"status": 307, "headers": {"Location": "https://example.com/"}},
    ),
    ("201 without sense", 8, "unknown", 0.5, {"status": 201, "body": {"data": {"id": None}}}),
    ("201 without sense, accepted", 8, "unknown", 1, {"status": 201, "body": "OK", "accept": True}),
    ("silence", 8, "unknown", 1, {"what": "hang"}),
    ("silence after acceptance", 8, "unknown", 1, {"what": "hang", "accept": True}),
    ("end without an answer", 8, "unknown", 0.5, {"what": "drop"}),
    ("end after acceptance", 8, "unknown", 1, {"what": "drop", "accept": True}),
    ("end within the answer", 8, "unknown", 1, {"what": "drop", "accept": True, "cut": 300}),
    ("reset while it is sent", 8, "unknown", 1, {"what": "reset", "unread": True}),
    ("reset after sending", 8, "unknown", 0.5, {"what": "reset"}),
    ("reset after acceptance", 8, "unknown", 1, {"what": "reset", "accept": True}),
    ("reset within the answer", 8, "unknown", 1, {"what": "reset", "accept": True, "cut": 100}),
    ("silence within the answer", 8, "unknown", 0.5, {"what": "hang", "accept": True, "cut": 250}),
)


def _fault(changes: Mapping[str, Any]) -> dict[str, Any]:
    body = changes.get("body", "")
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    return {"what": "answer", **changes, "body": data}


def _add_answer(
    name: str, code: int, state: str, weight: float, changes: Mapping[str, Any]
) -> None:
    @situation(name, ON_THE_WAY, code, weight=weight, state=state)
    def _(world: World, rng: Random) -> Iterator[Effect]:
        fails(world, rng, **_fault(changes))
        yield Effect(environ=IMPATIENCE if changes.get("what") == "hang" else {})


for _row in ANSWERS:
    _add_answer(*_row)


def _add_limit(
    name: str, weight: float, shortest: float, longest: float, changes: Mapping[str, Any]
) -> None:
    """Adds a limit of X. X states when the limit ends only if that is within minutes."""

    @situation(name, ON_THE_WAY, 7, weight=weight, state="ready", is_limit=True)
    def _(world: World, rng: Random) -> Iterator[Effect]:
        end = math.floor(world.clock() + rng.uniform(shortest, longest))
        is_named = longest <= NAMED
        used_up = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(end)}
        planned = len(world.x.faults)
        fails(world, rng, **_fault({**changes, "headers": used_up if is_named else {}}))
        begun = world.clock()
        yield Effect()
        if len(world.x.faults) == planned:
            now = world.clock()
            at_least, at_most = (end, end) if is_named else (begun + shortest, now + longest)
            world.limited(at_least, at_most)


NAMED = 900.0
_add_limit("429", 2, 2, NAMED, {"status": 429})
_add_limit("403 daily limit", 1, DAY, DAY, {"status": 403, "body": DAILY})
_add_limit("code 185: daily limit", 0.5, DAY, DAY, {"status": 403, "body": coded(185)})
_add_limit("403 taken for spam", 1, HOUR, DAY, {"status": 403, "body": ROBOT})
_add_limit("code 226: taken for spam", 0.5, HOUR, DAY, {"status": 403, "body": coded(226)})


@situation("late answer", ON_THE_WAY)
def _(world: World, rng: Random) -> Iterator[Effect]:
    ready = threading.Event()
    fails(world, rng, what="wait", accept=True, until=ready)

    def answer(runs: list[Run]) -> None:
        if _waits(world.x, runs[0]):
            time.sleep(0.3)
        ready.set()

    yield Effect(meanwhile=answer)


@situation("accepted late", ON_THE_WAY, 8, weight=12, fits=lambda world: world.lacks_it)
def _(world: World, rng: Random) -> Iterator[Effect]:
    """An attempt that was not on the timeline arrives while the tweet is sent again."""
    x, row = world.x, world.open_row
    assert row
    x.refuses_duplicates = True
    late = threading.Event()
    x.faults.append(Fault("wait", accept=True, until=late))
    status = rng.choice((400, 403, 429, 503))
    if rng.random() < 0.4:
        x.faults.append(Fault("answer", method="GET", status=status))

    def arrive(runs: list[Run]) -> None:
        if _waits(x, runs[0]):
            with x.lock:
                x.accept(row.text)
        late.set()

    yield Effect(meanwhile=arrive)
    if status == 429:
        world.limited(0, x.reset)


def _waits(x: XServer, run: Run) -> bool:
    """Waits until X holds a request; False if the run ends before that."""
    while not (waits := x.waiting.wait(0.02)) and run.is_alive:
        pass
    return waits


@situation("no answer, and the clock ahead", ON_THE_WAY, 8, weight=0.7)
def _(world: World, rng: Random) -> Iterator[Effect]:
    """The attempt is dated later than the resulting tweet and than the next run."""
    world.x.faults.append(Fault("drop", accept=True))
    yield Effect({"ahead": world.clock.ahead + rng.uniform(60, 280)})
    world.clock.let_pass(1.1)  # times of X are whole seconds


# The network.


@situation("the proxy refuses", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    proxy, usual = world.x.proxy, world.x.proxy.status
    proxy.status = rng.choice(("407 Proxy Authentication Required", "502 Bad gateway", "0"))
    yield Effect()
    proxy.status = usual


@situation("reset before sending", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    world.x.proxy.resets = True
    yield Effect()
    world.x.proxy.resets = False


@situation("TLS: another host's certificate", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    usual, world.x.tls = world.x.tls, world.x.certified("api.example.com")
    yield Effect()
    world.x.tls = usual


@situation("TLS: unknown authority", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    yield Effect(environ={"REQUESTS_CA_BUNDLE": rng.choice(("", "/no/such/file"))})


@situation("no such name", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    yield Effect(environ=_proxy("http://owner:pa55word@no-such-host.invalid:1"))


@situation("the proxy is silent", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = _proxy(f"http://127.0.0.1:{silent.getsockname()[1]}")
        yield Effect(environ=proxy | IMPATIENCE)


@situation("the proxy is down", ON_THE_WAY, 8)
def _(world: World, rng: Random) -> Iterator[Effect]:
    with socket.socket() as bound:  # so that nobody else gets the port
        bound.bind(("127.0.0.1", 0))
        yield Effect(environ=_proxy(f"http://127.0.0.1:{bound.getsockname()[1]}"))


@situation("X restarts", ON_THE_WAY, 8, weight=2)
def _(world: World, rng: Random) -> Iterator[Effect]:
    moment, pause = rng.random(), rng.choice((0, 0.02, 0.1))
    restarted = False

    def restart(runs: list[Run]) -> None:
        nonlocal restarted
        runs[0].wait_until_started()
        time.sleep(moment * world.duration)
        world.x.restart(pause)
        restarted = True

    yield Effect(meanwhile=restart)
    assert restarted


def _proxy(url: str) -> dict[str, str]:
    return {"HTTPS_PROXY": url, "https_proxy": url}


# The machine.


@situation("disk full", AT_HOME, 3, weight=5)
def _(world: World, rng: Random) -> Iterator[Effect]:
    size = rng.randrange(4096, 70_000)
    with contextlib.ExitStack() as stack:
        if world.outbox.exists() and rng.random() < 0.6:
            # An open reader keeps the files beside the outbox in existence. Only then can the first
            # write of a transaction fail as well as a later one.
            other = stack.enter_context(contextlib.closing(sqlite3.connect(world.outbox)))
            other.execute("SELECT count(*) FROM tweets").fetchone()
        yield Effect({"largest_file": size})


@situation("read-only folder", AT_HOME, 3, weight=2)
def _(world: World, rng: Random) -> Iterator[Effect]:
    _tidy_up(world, rng)
    with _mode(world.state, 0o500):
        yield Effect({"is_ordinary_user": True})


@situation("read-only outbox", AT_HOME, 3)
def _(world: World, rng: Random) -> Iterator[Effect]:
    _tidy_up(world, rng)
    with _mode(world.outbox, 0o400):
        yield Effect({"is_ordinary_user": True})


@situation("outbox locked for a moment", AT_HOME, weight=2)
def _(world: World, rng: Random) -> Iterator[Effect]:
    moment, seconds = rng.random(), rng.uniform(0.1, 1)
    yield Effect(meanwhile=_lock(world, moment, lambda _: time.sleep(seconds)))


@situation("outbox locked for long", AT_HOME, 3, weight=0.2)
def _(world: World, rng: Random) -> Iterator[Effect]:
    def wait(runs: list[Run]) -> None:
        for run in runs:
            run.wait_until_ended()

    yield Effect({"lock_timeout": 0.5}, meanwhile=_lock(world, rng.random(), wait))


@situation("clock a little wrong", AT_HOME, weight=4)
def _(world: World, rng: Random) -> Iterator[Effect]:
    yield Effect({"ahead": world.clock.ahead + rng.choice((-1, 1)) * rng.uniform(60, 280)})


@situation("clock wrong", AT_HOME, 6, 7, 8, weight=2)
def _(world: World, rng: Random) -> Iterator[Effect]:
    unit = rng.choice((60, 3600, 86_400))
    wrong_by = rng.choice((-1, 1)) * rng.uniform(10, 60) * unit
    yield Effect({"ahead": world.clock.ahead + wrong_by})


@situation("nothing fit to post", AT_HOME, 5)
def _(world: World, rng: Random) -> Iterator[Effect]:
    yield Effect({"share_of_fit": 0})


@situation("the owner's limit", AT_HOME, 7)
def _(world: World, rng: Random) -> Iterator[Effect]:
    limits = {
        "MAX_POSTS_PER_DAY": "1",
        "MIN_MINUTES_BETWEEN_POSTS": "60",
        "MONTHLY_BUDGET_USD": "1",
    }
    name, value = rng.choice([*limits.items()])
    yield Effect(environ={f"GPT2BOT_LIMITS__{name}": value})


@situation(
    "the owner decides",
    AT_HOME,
    weight=10,
    fits=lambda world: bool(world.open_row and not world.seconds_until_certain()),
    is_alone=True,
    posts=False,
)
def _(world: World, rng: Random) -> Iterator[Effect]:
    """The owner reports the true outcome, which the bot could have found out itself."""
    row = world.open_row
    assert row
    found = world.find(row)
    outcome = ("posted", "--tweet-id", found) if found else ("absent",)
    yield Effect({"argv": ("resolve", str(row.id), *outcome)})


def _tidy_up(world: World, rng: Random) -> None:
    """Sometimes removes what a killed run left beside the outbox, as the next run would."""
    if world.outbox.exists() and rng.random() < 0.7:
        with contextlib.closing(sqlite3.connect(world.outbox)) as db:
            db.execute("SELECT count(*) FROM tweets").fetchone()


@contextlib.contextmanager
def _mode(path: Any, mode: int) -> Iterator[None]:
    """Temporarily changes the mode of a file or folder, if it exists."""
    if not path.exists():
        yield
        return
    usual = path.stat().st_mode
    path.chmod(mode)
    yield
    path.chmod(usual)


def _lock(
    world: World, moment: float, wait: Callable[[list[Run]], None]
) -> Callable[[list[Run]], None]:
    """Locks the outbox during a part of a run, as a backup or a curious owner may."""

    def lock(runs: list[Run]) -> None:
        time.sleep(moment * world.duration)
        if world.outbox.exists():
            with contextlib.closing(sqlite3.connect(world.outbox, isolation_level=None)) as db:
                db.execute("BEGIN IMMEDIATE")
                wait(runs)

    return lock


# Sudden ends.


def _add_signal(number: signal.Signals, *exits: int) -> None:
    @situation(number.name, SUDDEN_END, *exits, weight=3)
    def _(world: World, rng: Random) -> Iterator[Effect]:
        victim, moment = rng.random(), rng.uniform(0, 1.2)

        def send(runs: list[Run]) -> None:
            run = runs[int(victim * len(runs))]
            run.wait_until_started()
            time.sleep(moment * world.duration)
            run.send(number)

        yield Effect(meanwhile=send)


_add_signal(signal.SIGKILL, -signal.SIGKILL)
_add_signal(signal.SIGTERM, 128 + signal.SIGTERM, -signal.SIGTERM)
_add_signal(signal.SIGINT, 128 + signal.SIGINT)

INSTANTS = ("before", "within", "after")
UNSENT: tuple[tuple[State | None, State, dict[str, Any]], ...] = (  # and the fault that leads there
    (None, State.READY, {}),
    (State.READY, State.POSTING, {}),
    (State.POSTING, State.POSTED, {}),
    (State.POSTING, State.REFUSED, {"what": "answer", "status": 403, "body": b'[{"code": 187}]'}),
    (State.POSTING, State.READY, {"what": "answer", "status": 401}),
    (State.POSTING, State.READY, _fault({"status": 403, "body": ROBOT})),
    (State.POSTING, State.UNKNOWN, {"what": "drop"}),
    (State.POSTING, State.UNKNOWN, {"what": "answer", "status": 503, "accept": True}),
)


@situation("SIGKILL at a transition", SUDDEN_END, -signal.SIGKILL, weight=12, is_alone=True)
def _(world: World, rng: Random) -> Iterator[Effect]:
    instant, row = rng.choice(INSTANTS), world.open_row
    if row:
        end = State.POSTED if world.has(row) else State.READY
        yield Effect({"death": Death(State(row.state), end, instant)})
    else:
        start, end, fault = rng.choice(UNSENT)
        if fault:
            world.x.faults.append(Fault(**fault))
        yield Effect({"death": Death(start, end, instant)})
        if end is State.READY and "body" in fault:  # the bot may have recorded a limit of X
            world.limited(0, world.clock() + DAY)


@situation("killed while X is at work", SUDDEN_END, -signal.SIGKILL, 8, weight=1.5, is_alone=True)
def _(world: World, rng: Random) -> Iterator[Effect]:
    """The next run starts before X is done: the tweet is not there yet, but will be."""
    x, ready, is_soon = world.x, threading.Event(), rng.random() < 0.5
    x.faults.append(Fault("wait", accept=True, until=ready))

    def kill(runs: list[Run]) -> None:
        if _waits(x, runs[0]):
            runs[0].send(signal.SIGKILL)
            runs[0].wait_until_ended()
            runs.append(world.start(world.order()))
            if not is_soon:
                runs[1].wait_until_ended()
        ready.set()

    yield Effect(meanwhile=kill)
