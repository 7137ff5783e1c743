"""Finds prompts that can never work, and gives advice when every candidate was rejected."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from gpt2bot.gpt2.settings import Sampling
from gpt2bot.tweets.filter import Filter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from gpt2bot.config import Settings
    from gpt2bot.tweets.filter import Verdict
    from gpt2bot.tweets.prompts import Prompt

__all__ = ["check_context", "check_prompts", "explain_rejections"]

SHOWN = 5  # prompts that a message names; a file can contain thousands
SYSTEMATIC = 0.5  # the share of rejected candidates above which a rule is not broken by chance

OTHER_PROMPTS, LARGER_MODEL = "use other prompts", "use a larger model"
MORE_TOKENS = "raise sampling.length ({length})"
MORE_CHANCE = "raise sampling.temperature ({temperature:g})"
ADVICE = {
    "too_short": (
        "lower filter.min_words ({min_words}) or filter.min_characters ({min_characters})",
    ),
    "prompt_only": (OTHER_PROMPTS, LARGER_MODEL),
    "unfinished": (OTHER_PROMPTS, LARGER_MODEL),
    "repetition": (OTHER_PROMPTS, MORE_CHANCE),
    "language": ("set filter.language ({language}) to the language of the model and the prompts",),
    "duplicate": ("add prompts", MORE_CHANCE),
}
CHANCE = ("run it again", OTHER_PROMPTS, LARGER_MODEL)


def check_prompts(prompts: Iterable[Prompt], settings: Settings) -> None:
    """Checks that text after each prompt can pass the filter.

    Raises:
        ValueError: Some prompts can never pass; the message names them and the rules they break.
    """
    filter_ = Filter(settings.filter)
    rules, found = set[str](), []
    for prompt in prompts:
        if reasons := filter_.judge_prompt(prompt, max_words=settings.sampling.length):
            rules.update(reason.rule for reason in reasons)
            broken = ", ".join(f"{reason.rule}: {_short(reason.detail)}" for reason in reasons)
            found.append(f"{_short(prompt.text)!r} ({broken})")
    if found:
        advice = (
            _advice(["too_short"], settings)
            if rules == {"too_short"}
            else f"change {_these(found)}"
        )
        raise ValueError(
            f"the filter rejects every tweet that begins with {_list(found)}: {advice}"
        )


def check_context(prompts: Iterable[Prompt], folder: Path) -> int:
    """Checks that each prompt leaves room in the context of a model.

    Args:
        prompts: All prompts that may be used.
        folder: The folder of the model.

    Returns:
        The size of the model's context in tokens.

    Raises:
        ValueError: Some prompts are too long; the message names them.
        CheckpointError: The model is incomplete.
    """
    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer

    n_ctx = HParams.read(folder / "hparams.json").n_ctx
    # A token has at least one byte, and every text begins with an extra start token.
    if long := [p.text for p in prompts if len(p.text.encode()) + 1 >= n_ctx]:
        tokenizer = Tokenizer.read(folder)
        lengths = {text: len(tokenizer.encode(text)) + 1 for text in long}
        if found := [f"{_short(t)!r} ({n} tokens)" for t, n in lengths.items() if n >= n_ctx]:
            raise ValueError(
                f"the model's context of {n_ctx} tokens leaves no room for text after"
                f" {_list(found)}: shorten {_these(found)}"
            )
    return n_ctx


def explain_rejections(rejected: Sequence[Verdict], settings: Settings) -> str:
    """Says how often each rule was broken, and what to do about the most frequent ones."""
    rules = Counter(reason.rule for verdict in rejected for reason in verdict.reasons)
    counts = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
    systematic = [rule for rule, n in rules.most_common() if n >= SYSTEMATIC * len(rejected)]
    return (
        f"none of {len(rejected)} candidates passed the filter; reasons: {counts};"
        f" {_advice(systematic, settings)}"
    )


def _advice(rules: Iterable[str], settings: Settings) -> str:
    """Advice about the rules that most candidates broke. Without such rules, it was chance."""
    found: list[str] = []
    for rule in rules:
        if rule in ("too_short", "unfinished") and settings.sampling.length < Sampling.length:
            found.append(MORE_TOKENS)
        found.extend(ADVICE.get(rule, (OTHER_PROMPTS,)))
    text = ", or ".join(dict.fromkeys(found or CHANCE))
    return text.format(**asdict(settings.sampling), **asdict(settings.filter))


def _list(found: Sequence[str]) -> str:
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def _these(found: Sequence[str]) -> str:
    return "the prompt" if len(found) == 1 else "these prompts"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."
