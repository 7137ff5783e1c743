"""How results are shown: for people, or as a JSON object on one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gpt2bot.tweets.length import MAX_LENGTH, weighted_length

if TYPE_CHECKING:
    from gpt2bot.bot import Candidate, Result, Written

__all__ = ["render_candidate", "render_raw", "render_result"]


def render_raw(written: Written, *, as_json: bool) -> str:
    """What the model wrote, with its prompt. No filter has accepted it."""
    text = written.prompt.text + written.continuation
    if not as_json:
        return text
    return _json(
        text=text,
        length=weighted_length(text),
        prompt=written.prompt.text,
        accepted=False,
        reasons=[],
        model=written.model,
        seed=written.seed,
    )


def render_candidate(candidate: Candidate, *, as_json: bool) -> str:
    """A draft, its length, and why it was rejected if it was."""
    draft, reasons = candidate.verdict.draft, candidate.verdict.reasons
    if not as_json:
        rejected = f" rejected: {', '.join(map(str, reasons))}" if reasons else ""
        return f"{draft.text}\n[{draft.length}/{MAX_LENGTH}]{rejected}"
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
    """A tweet, its length, and where it can be read if it was posted."""
    tweet, posted = result.tweet, result.posted
    if not as_json:
        where = posted.url if posted else "dry run: not posted"
        return f"{tweet.text}\n[{tweet.length}/{MAX_LENGTH}] {where}"
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
    )


def _json(**values: Any) -> str:
    return json.dumps(values, ensure_ascii=False)
