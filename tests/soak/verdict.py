"""The rules that must hold after every run, and the figures of the test."""

from __future__ import annotations

import re
import signal
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpt2bot.posting.outbox import State
from gpt2bot.tweets.filter import Filter
from gpt2bot.tweets.label import carries_label
from gpt2bot.tweets.length import MAX_LENGTH, weighted_length
from gpt2bot.tweets.tweet import Draft
from tests.fakes.x_server import KEYS
from tests.soak.faults import SITUATIONS, Situation
from tests.soak.world import End, Row, canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

SECRETS = (*KEYS.values(), "pa55word")
SILENT = (-signal.SIGKILL, -signal.SIGTERM)
"""Exit codes of runs that may end without a message."""

STOPPED = (*SILENT, 128 + signal.SIGTERM, 128 + signal.SIGINT)
"""Exit codes of runs that a signal ended."""

NO_TWEET = "no tweet yet"
STATES = (NO_TWEET, *(state.value for state in State))
UNDECIDED = 8
"""The exit code of a run that cannot find out what became of a tweet."""

LINE = 110  # characters

POSTED = re.compile(
    r"(?P<text>.+)\n\[\d+/280\] demo, https://x\.com/i/status/(?P<id>\d+)\n", re.DOTALL
)

BROKEN = (
    "duplicates",
    "lost",
    "unlabelled",
    "unfit",
    "disagreements",
    "unrecorded",
    "left open",
    "false reports",
    "unexpected exit codes",
    "wrong states",
    "asked too early",
    "tracebacks",
    "stray lines",
    "secrets shown",
    "hung",
    "server errors",
)
"""The names of all rules that can be broken."""


@dataclass(frozen=True)
class Violation:
    """A broken rule: which of `BROKEN`, and what was seen."""

    name: str
    detail: str


@dataclass
class Figures:
    """The counts of a soak test."""

    seed: int
    runs: int = 0
    rounds: int = 0
    seconds: float = 0
    faults: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    exits: Counter[int] = field(default_factory=Counter)
    tweets: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def __str__(self) -> str:
        broken = Counter(violation.name for violation in self.violations)
        each = 1000 * self.seconds / max(1, self.runs)
        head = (
            f"{self.runs} runs in {self.rounds} rounds, seed {self.seed}:"
            f" {self.seconds:.0f} s, {each:.0f} ms a run"
        )
        tables = (
            _table("faults met", {s.name: self.faults[s.name] for s in SITUATIONS}),
            _table(
                "stopped runs, by the state of the tweet",
                {state: self.kills[state] for state in STATES},
            ),
            _table("exit codes", {str(code): n for code, n in sorted(self.exits.items())}),
            _table("tweets", dict(sorted(self.tweets.items()))),
            _table("broken", {name: broken[name] for name in BROKEN}),
        )
        return "\n\n".join((head, *tables))


def _table(title: str, counts: Mapping[str, int]) -> str:
    """A title, and below it as many columns of counts as fit into a line."""
    width = max(map(len, counts), default=0)
    cells = [f"  {count:>5}  {name:<{width}}" for name, count in counts.items()]
    columns = max(1, LINE // (width + 9))
    rows = ("".join(cells[i : i + columns]).rstrip() for i in range(0, len(cells), columns))
    return "\n".join((title, *rows))


def judge_run(
    end: End, allowed: Collection[int], timeline: Mapping[str, str], *, posts: bool = True
) -> Iterator[Violation]:
    """Yields what is wrong with a run.

    Args:
        end: How it ended.
        allowed: The correct exit codes.
        timeline: The texts of the account's posts, by their ids.
        posts: Whether it is a run of `gpt2bot post`, which reports what it posted.
    """
    shown = f"{end.name} ended with {end.code}: {end.out}{end.err}"
    if end.code is None:
        yield Violation("hung", shown)
    elif end.code not in allowed:
        yield Violation("unexpected exit codes", f"not one of {sorted(allowed)}: {shown}")
    if [secret for secret in SECRETS if secret in end.out + end.err]:
        yield Violation("secrets shown", shown)
    if "Traceback" in end.err:
        yield Violation("tracebacks", shown)
    elif [line for line in end.err.splitlines() if not line.startswith("gpt2bot: ")]:
        yield Violation("stray lines", shown)
    if not posts:
        return
    report = POSTED.fullmatch(end.out)
    if report:
        if timeline.get(report["id"]) != canonical(report["text"]):
            yield Violation("false reports", shown)
    elif end.out or end.code == 0 or (end.code not in SILENT and not end.err):
        yield Violation("false reports", shown)
    if report and end.code not in (0, *STOPPED):
        yield Violation("false reports", shown)


def judge_answer(
    situation: Situation,
    end: End,
    asked: Collection[str],
    before: Mapping[int, Row],
    after: Mapping[int, Row],
) -> Iterator[Violation]:
    """Yields what is wrong with the tweets after a run in which only X failed, as planned.

    Args:
        situation: How X failed.
        end: How the run ended.
        asked: The methods of its requests.
        before: The tweets before it.
        after: The tweets after it.
    """
    if "POST" in asked:
        sent = [row for row in after.values() if row.attempts > _attempts(before, row)]
        if end.code in situation.exits and [row.state for row in sent] != [situation.state]:
            yield Violation("wrong states", f"({situation.name}) {sent}")
    elif end.code == UNDECIDED:
        open_ = [row for row in before.values() if row.is_open]
        if any(after[row.id] != row for row in open_):
            yield Violation("wrong states", f"({situation.name}) changed: {open_}")


def _attempts(rows: Mapping[int, Row], row: Row) -> int:
    """How often a tweet was sent before."""
    return rows[row.id].attempts if row.id in rows else 0


def judge_account(
    rows: Sequence[Row], timeline: Mapping[str, str], known: set[str], sent: int
) -> Iterator[Violation]:
    """Yields what is wrong with an account and its outbox after the last run.

    Args:
        rows: All rows of the outbox.
        timeline: The texts of the account's posts, by their ids.
        known: All texts that were ever in the outbox.
        sent: The number of requests to post.
    """
    if sent > (attempts := sum(row.attempts for row in rows)):
        yield Violation("unrecorded", f"{sent} were sent, and {attempts} are in the outbox")
    for text, count in Counter(timeline.values()).items():
        if count > 1:
            yield Violation("duplicates", f"{count} times: {text!r}")
    texts = {canonical(row.text) for row in rows}
    for text in known - texts:
        yield Violation("lost", f"gone from the outbox: {text!r}")
    outbox = {row.tweet_id: canonical(row.text) for row in rows if row.state == "posted"}
    for tweet_id, text in outbox.items():
        if timeline.get(tweet_id or "") != text:
            yield Violation("lost", f"posted as {tweet_id}, and not on the account: {text!r}")
    for tweet_id, text in timeline.items():
        if outbox.get(tweet_id) != text:
            yield Violation("disagreements", f"{tweet_id} is not posted in the outbox: {text!r}")
    for row in rows:
        if row.state == "refused" and canonical(row.text) in timeline.values():
            yield Violation("disagreements", f"refused, and on the account: {row}")
        if not row.is_settled:
            yield Violation("left open", str(row))
    yield from _judge_texts(rows, timeline)


def _judge_texts(rows: Sequence[Row], timeline: Mapping[str, str]) -> Iterator[Violation]:
    """Yields what is wrong with the posted texts."""
    filter_ = Filter()
    origins = {canonical(row.text): row for row in rows}
    for text in timeline.values():
        body, _, label = text.rpartition("\n")
        row = origins.get(text)
        if not row or label != row.label or not carries_label(text, row.label):
            yield Violation("unlabelled", repr(text))
        elif reasons := filter_.judge(Draft(body, label, row.prompt)).reasons:
            yield Violation("unfit", f"{', '.join(map(str, reasons))}: {text!r}")
        if weighted_length(text) > MAX_LENGTH:
            yield Violation("unfit", f"too long: {text!r}")
