"""Renders results as text for people, or as a JSON object on one line."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from gpt2bot.posting.clock import iso, local
from gpt2bot.tweets.length import MAX_LENGTH, weighted_length

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gpt2bot.bot.check import Finding
    from gpt2bot.bot.drafting import Candidate, Written
    from gpt2bot.bot.post import Result
    from gpt2bot.posting.outbox import Entry
    from gpt2bot.posting.runs import FilterStatistics, Run
    from gpt2bot.posting.status import Status

__all__ = [
    "render_candidate",
    "render_entry",
    "render_finding",
    "render_raw",
    "render_result",
    "render_status",
]


def render_raw(written: Written, *, as_json: bool) -> str:
    """What the model wrote, with its prompt. No filter has judged it."""
    text = written.prompt.text + written.continuation
    if not as_json:
        return text
    return _json(
        text=text,
        length=weighted_length(text),
        prompt=written.prompt.text,
        accepted=None,
        reasons=None,
        model=written.model,
        seed=written.seed,
    )


def render_candidate(candidate: Candidate, *, as_json: bool) -> str:
    """A draft, its length, the model that wrote it, and the reasons for any rejection."""
    draft, reasons = candidate.verdict.draft, candidate.verdict.reasons
    if not as_json:
        rejected = f", rejected: {', '.join(map(str, reasons))}" if reasons else ""
        return f"{draft.text}\n[{draft.length}/{MAX_LENGTH}] {candidate.model}{rejected}"
    return _json(
        text=draft.text,
        length=draft.length,
        prompt=draft.prompt,
        accepted=candidate.verdict.accepted,
        reasons=[reason.rule for reason in reasons],
        model=candidate.model,
        seed=candidate.seed,
    )


def render_result(result: Result, *, as_json: bool) -> str:
    """A tweet, its length, the model that wrote it, and its address if it was posted."""
    tweet, posted = result.tweet, result.posted
    if not as_json:
        where = posted.url if posted else "dry run: not posted"
        if result.id and not posted:
            where += f"; tweet {result.id} of the outbox, left ready by an earlier run"
        return f"{tweet.text}\n[{tweet.length}/{MAX_LENGTH}] {result.model}, {where}"
    return _json(
        text=tweet.text,
        length=tweet.length,
        prompt=tweet.prompt,
        accepted=True,
        reasons=[],
        model=result.model,
        seed=result.seed,
        status=posted.status if posted else "dry-run",
        tweet_id=posted.tweet_id if posted else None,
        **({} if posted else {"id": result.id}),
    )


def render_status(status: Status, *, as_json: bool) -> str:
    """How the bot is doing."""
    if as_json:
        return _status_as_json(status)
    limits, used, last = status.limits, status.usage, status.last
    budget = f"{_usd(status.cost_this_month)} of {_usd(limits.monthly_budget_usd)}"
    posts = (
        f"today {used.today} ({_usd(status.cost_today)}),"
        f" in 24 hours {used.last_24_hours} of {limits.max_posts_per_day},"
        f" this month {used.this_month} ({budget})"
    )
    return _columns(
        ("Bot", [str(status.folder)]),
        ("Last runs", [_run(run) for run in status.runs] or ["none yet"]),
        (
            "Last tweet",
            [f"{local(last.changed_at)}  {_where(last)}", last.tweet.text]
            if last
            else ["none yet"],
        ),
        ("Pending", [_pending(entry) for entry in status.pending] or ["nothing"]),
        ("Posts", [posts]),
        ("Next post", status.next_post),
        ("Rejected", [_rejected(status.statistics)]),
    )


def render_entry(entry: Entry, *, as_json: bool) -> str:
    """A tweet of the outbox, and what became of it."""
    if as_json:
        return _json(**_entry(entry))
    where = "  ".join(
        (local(entry.changed_at), f"tweet {entry.id}", entry.state.value, entry.model)
    )
    return f"{where}  {_where(entry)}".rstrip() + f"\n{entry.tweet.text}"


def render_finding(finding: Finding, width: int | None = None) -> str:
    """One line of `check`: all is well, what to fix, or that the look was skipped.

    Args:
        finding: The result of a look.
        width: Columns to wrap the text at; None leaves it on one line.
    """
    verdict = "fix" if finding.error else "-" if finding.skipped else "ok"
    text = str(finding.error or finding.text)
    indent = f"{verdict:6}{finding.subject:15}"
    if width is None:
        return indent + text
    return textwrap.fill(
        text,
        max(width, 2 * len(indent)),
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _run(run: Run) -> str:
    if run.ended_at is None:
        end = "not ended: still running, or killed"
    else:
        end = f"exit {run.exit_code}: {run.message}" if run.exit_code else "posted"
    return f"{local(run.started_at)}  {end}"


def _where(entry: Entry) -> str:
    """The address of a tweet and the reason for its state, as far as they are known."""
    return "  ".join(filter(None, (entry.url, entry.note)))


def _pending(entry: Entry) -> str:
    changed = local(entry.changed_at)
    since = f"tweet {entry.id}: {entry.state.value} since {changed}, attempts: {entry.attempts}"
    note = f"\n{entry.note}" if entry.note else ""
    return f"{since}{note}\n{entry.tweet.text}"


def _rejected(statistics: FilterStatistics) -> str:
    rules = ", ".join(f"{rule} {number}" for rule, number in statistics.rules.most_common())
    counts = f"{statistics.rejected} of {statistics.drafted} candidates this month"
    return f"{counts}: {rules}" if rules else counts


def _usd(amount: float) -> str:
    """Dollars and cents, with tenths of a cent only if needed: $0.015, $0.03."""
    return f"${amount:.3f}".removesuffix("0")


def _columns(*rows: tuple[str, Iterable[str]]) -> str:
    """Labels on the left, with texts of one or more lines beside them."""
    lines = []
    for name, texts in rows:
        for number, line in enumerate(line for text in texts for line in text.splitlines()):
            lines.append(f"{'' if number else name:12}{line}".rstrip())
    return "\n".join(lines)


def _status_as_json(status: Status) -> str:
    cooldown = status.cooldown
    return _json(
        state_dir=str(status.folder),
        runs=[
            {
                "started_at": iso(run.started_at),
                "ended_at": None if run.ended_at is None else iso(run.ended_at),
                "exit_code": run.exit_code,
                "message": run.message,
            }
            for run in status.runs
        ],
        last=_entry(status.last) if status.last else None,
        pending=[_entry(entry) for entry in status.pending],
        posts={
            "today": status.usage.today,
            "last_24_hours": status.usage.last_24_hours,
            "this_month": status.usage.this_month,
        },
        cost_usd={
            "today": round(status.cost_today, 3),
            "this_month": round(status.cost_this_month, 3),
            "monthly_budget": status.limits.monthly_budget_usd,
        },
        not_before=iso(cooldown.until) if cooldown else None,
        reason=cooldown.reason if cooldown else None,
        obstacle=status.obstacle,
        candidates={
            "drafted": status.statistics.drafted,
            "rejected": status.statistics.rejected,
            "by_rule": dict(status.statistics.rules.most_common()),
        },
    )


def _entry(entry: Entry) -> dict[str, Any]:
    """A tweet of the outbox, for JSON."""
    tweet, attempted_at = entry.tweet, entry.attempted_at
    return {
        "id": entry.id,
        "text": tweet.text,
        "length": tweet.length,
        "prompt": tweet.prompt,
        "model": entry.model,
        "seed": entry.seed,
        "status": entry.state.value,
        "tweet_id": entry.tweet_id,
        "url": entry.url,
        "attempts": entry.attempts,
        "created_at": iso(entry.created_at),
        "attempted_at": None if attempted_at is None else iso(attempted_at),
        "changed_at": iso(entry.changed_at),
        "note": entry.note,
    }


def _json(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False)
