"""The rounds of the soak test: each draws faults, starts one or more runs, and judges them."""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.fakes.waiting import HANG
from tests.fakes.x_server import XServer
from tests.soak.faults import AT_HOME, ON_THE_WAY, SITUATIONS, SUDDEN_END, Situation
from tests.soak.verdict import (
    NO_TWEET,
    STOPPED,
    Figures,
    Violation,
    judge_account,
    judge_answer,
    judge_run,
)
from tests.soak.world import Clock, End, Row, World, canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

SHARES = {SUDDEN_END: 0.25, ON_THE_WAY: 0.4, AT_HOME: 0.2}
"""The share of rounds in which something of each kind goes wrong."""

AT_ONCE = {1: 0.88, 2: 0.08, 3: 0.02, 4: 0.02}
"""The share of rounds with each number of simultaneous runs."""

CLOCK_ERROR = 300
"""Seconds by which a slightly wrong clock can extend a limit."""

LAST_ROUNDS = 20
"""The most rounds without faults at the end; a few must be enough to settle all tweets."""


class Soak:
    """A soak test; call `run`."""

    def __init__(self, seed: int, say: Callable[[str], None] = lambda _: None) -> None:
        self.seed = seed
        self.say = say
        self.figures = Figures(seed)
        self._known: set[str] = set()
        self._asked: set[str] = set()  # the methods of the requests in the last round
        self._is_met = False  # whether X or the network failed as planned in the last round
        self._durations: deque[float] = deque([0.1], maxlen=20)

    def run(self, runs: int) -> Figures:
        """Runs this many processes, then some without faults to settle all tweets, and judges."""
        begin = time.monotonic()
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            clock = Clock()
            stack.enter_context(patch("time.time", clock))
            self._x = stack.enter_context(XServer())
            self._meanwhile = stack.enter_context(ThreadPoolExecutor())
            self._world = World(self._x, clock, Path(folder))
            while self.figures.runs < runs:
                self._round()
                if self.figures.rounds % 100 == 0:
                    self.say(f"{self.figures.runs} runs")
            self._bring_in_order()
            sent = [method for method, _ in self._x.requests].count("POST")
            rows = list(self._rows.values())
            self._blame(*judge_account(rows, self._timeline(), self._known, sent))
            self._blame(*(Violation("server errors", repr(error)) for error in self._x.errors))
            self._x.errors.clear()
        self.figures.seconds = time.monotonic() - begin
        return self.figures

    @property
    def _rows(self) -> dict[int, Row]:
        return self._world.rows

    def _round(self) -> None:
        """Plays one round, which has its own seed."""
        self.figures.rounds += 1
        rng = random.Random(f"{self.seed}, round {self.figures.rounds}")
        if rng.random() < (0.3 if self._world.silent else 0.8):
            self._wait_until_free()
        self._x.refuses_duplicates = rng.random() < 0.5  # else as if the last post were hours old
        drawn = self._draw(rng)
        is_alone = any(situation.is_alone for situation in drawn)
        number = 1 if is_alone else rng.choices([*AT_ONCE], [*AT_ONCE.values()])[0]
        allowed = self._allowed(drawn, number)
        ends = self._play(drawn, rng, number)
        self._record(drawn, ends, allowed)

    def _draw(self, rng: random.Random) -> list[Situation]:
        drawn: list[Situation] = []
        for kind, share in SHARES.items():
            fitting = [s for s in SITUATIONS if s.kind == kind and s.fits(self._world)]
            chosen = rng.choices(fitting, [s.weight for s in fitting])[0]
            if rng.random() < share:
                drawn.append(chosen)
        return next(([one] for one in drawn if one.is_alone), drawn)

    def _allowed(self, drawn: Sequence[Situation], number: int) -> set[int]:
        """The correct exit codes, given the faults of this round and of earlier ones."""
        allowed = {0}.union(*(situation.exits for situation in drawn))
        if number > 1:
            allowed.add(9)
        # While the outcome of an attempt is unknown, any failure is reported with that exit code.
        is_open = self._world.open_row or number > 1
        if self._world.may_be_undecided() or (drawn and is_open):
            allowed.add(8)
        wrong = CLOCK_ERROR if any("clock" in situation.name for situation in drawn) else 0
        if self._world.clock() < self._world.limited_until + wrong:
            allowed |= {7, 8} if is_open else {7}
        return allowed

    def _play(self, drawn: Sequence[Situation], rng: random.Random, number: int) -> list[End]:
        """Starts a number of runs under the drawn faults, and waits until everything has ended."""
        x, world = self._x, self._world
        x.faults.clear()
        x.waiting.clear()
        order, begun = world.order(), len(x.requests)
        with contextlib.ExitStack() as stack:
            effects = [stack.enter_context(s.arrange(world, rng)) for s in drawn]
            planned = len(x.faults)
            for effect in effects:
                environ = {**order.environ, **effect.environ}
                order = replace(order, **effect.order, environ=environ)
            runs = [world.start(order) for _ in range(number)]
            happenings = [
                self._meanwhile.submit(effect.meanwhile, runs)
                for effect in effects
                if effect.meanwhile
            ]
            for happening in happenings:
                happening.result()
            ends = [run.end() for run in runs]
            # A request that a killed run sent must reach X before the next run looks for it.
            if not x.proxy.wait_until_idle(HANG):
                self._blame(Violation("server errors", "a request is never answered"))
            is_met = not planned or len(x.faults) < planned
            self.figures.faults.update(s.name for s in drawn if is_met or s.kind != ON_THE_WAY)
        self._asked = {method for method, _ in x.requests[begun:]}
        self._is_met = is_met
        return ends

    def _record(
        self, drawn: Sequence[Situation], ends: Sequence[End], allowed: Collection[int]
    ) -> None:
        """Counts what happened in a round, and looks for broken rules."""
        before, after = self._rows, self._world.look()
        timeline = self._timeline()
        names = ", ".join(situation.name for situation in drawn) or "nothing"
        for end in ends:
            posts = all(situation.posts for situation in drawn)
            for violation in judge_run(end, allowed, timeline, posts=posts):
                self._blame(replace(violation, detail=f"({names}) {violation.detail}"))
            if end.code is not None:
                self.figures.exits[end.code] += 1
        self.figures.runs += len(ends)
        if killed := [end for end in ends if end.code in STOPPED]:
            self.figures.kills[_left(before, after)] += len(killed)
        if len(ends) == 1:
            self._judge_round(drawn, ends[0], after)
        else:
            self._world.silent = None
        self._count_settled(before, after)
        self._known |= {canonical(row.text) for row in after.values()}
        self._world.rows = after
        if not drawn and len(ends) == 1:
            self._durations.append(ends[0].seconds)
            self._world.duration = statistics.median(self._durations)

    def _judge_round(self, drawn: Sequence[Situation], end: End, after: Mapping[int, Row]) -> None:
        """Checks the tweet and the requests of a round in which at most one thing went wrong."""
        world = self._world
        silent, world.silent = world.silent, None
        if not drawn and silent and world.clock() < world.silent_until:
            world.silent = silent
            if silent in self._asked:
                self._blame(Violation("asked too early", f"{silent} by {end.name}: {end.err}"))
        if len(drawn) == 1 and drawn[0].state and self._is_met:
            [situation] = drawn
            self._blame(*judge_answer(situation, end, self._asked, self._rows, after))
            if situation.is_limit:
                world.silent = "POST" if "POST" in self._asked else "GET"

    def _count_settled(self, before: Mapping[int, Row], after: Mapping[int, Row]) -> None:
        for row in before.values():
            if row.is_open and (now := after.get(row.id)) and now != row:
                if now.state == "posted" and now.attempts == row.attempts:
                    self.figures.tweets["reconciled: found"] += 1
                elif now.state == "ready" or now.attempts > row.attempts:
                    self.figures.tweets["reconciled: absent"] += 1

    def _bring_in_order(self) -> None:
        """Runs without faults until all tweets are settled."""
        for _ in range(LAST_ROUNDS):
            self._wait_until_free()
            self._record([], self._play([], random.Random(0), 1), self._allowed([], 1))
            if all(row.is_settled for row in self._rows.values()):
                break
        states = [row.state for row in self._rows.values()]
        for state in ("posted", "refused"):
            self.figures.tweets[state] = states.count(state)

    def _wait_until_free(self) -> None:
        """Skips the time in which a run could do nothing."""
        clock = self._world.clock
        limited = self._world.limited_until - clock()
        clock.let_pass(max(0, self._world.seconds_until_certain(), limited))

    def _timeline(self) -> dict[str, str]:
        return {post["id"]: canonical(post["text"]) for post in self._x.timeline}

    def _blame(self, *violations: Violation) -> None:
        for violation in violations:
            self.say(f"{violation.name}: {violation.detail}")
        self.figures.violations += violations


def _left(before: Mapping[int, Row], after: Mapping[int, Row]) -> str:
    """The state in which a round left its tweet."""
    changed = [row for number, row in after.items() if before.get(number) != row]
    waiting = [row for row in after.values() if not row.is_settled]
    about = changed[-1:] or waiting[:1]
    return about[0].state if about else NO_TWEET
