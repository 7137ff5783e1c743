"""What the filter or the model is certain to reject, and what to do where all was rejected."""

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

SHOWN = 5  # prompts that a message names; a file can hold thousands
SYSTEMATIC = 0.5  # the share of the candidates from which a rule's rejections are no chance

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
    """Finds the prompts after which nothing that the model writes can pass the filter.

    Raises:
        ValueError: There are some; the message names them and the rules that they break.
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
    """Finds the prompts that leave a model no room to write in.

    Args:
        prompts: All that may be used.
        folder: Of the model.

    Returns:
        How many tokens the model's context has.

    Raises:
        ValueError: There are some; the message names them.
        CheckpointError: The model is not whole.
    """
    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer

    n_ctx = HParams.read(folder / "hparams.json").n_ctx
    # A token is a byte at least, and a text begins with one that is none of its own.
    if long := [p.text for p in prompts if len(p.text.encode()) + 1 >= n_ctx]:
        tokenizer = Tokenizer.read(folder)
        lengths = {text: len(tokenizer.encode(text)) + 1 for text in long}
        if found := [f"{_short(t)!r} ({n} tokens)" for t, n in lengths.items() if n >= n_ctx]:
            raise ValueError(
                f"the model's context of {n_ctx} tokens has no room for text after"
                f" {_list(found)}: shorten {_these(found)}"
            )
    return n_ctx


def explain_rejections(rejected: Sequence[Verdict], settings: Settings) -> str:
    """Says how often which rule was broken, and what to do about those that were broken most."""
    rules = Counter(reason.rule for verdict in rejected for reason in verdict.reasons)
    counts = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
    systematic = [rule for rule, n in rules.most_common() if n >= SYSTEMATIC * len(rejected)]
    return (
        f"none of {len(rejected)} candidates passed the filter, which found: {counts};"
        f" {_advice(systematic, settings)}"
    )


def _advice(rules: Iterable[str], settings: Settings) -> str:
    """What to do about rules that most candidates broke; without any, chance decided."""
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
