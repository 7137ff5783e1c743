"""Judges drafts. Only a draft that passes every rule becomes a `Tweet`.

A filter of words and patterns keeps out only what it knows. It cannot tell what is true or kind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gpt2bot.tweets.filter.rules import OPTIONAL_RULES, RULES, Case, FilterSettings, Rule
from gpt2bot.tweets.length import MAX_LENGTH
from gpt2bot.tweets.tweet import Draft, Tweet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpt2bot.tweets.prompts import Prompt

__all__ = ["OPTIONAL_RULES", "RULES", "Filter", "FilterSettings", "Reason", "Rule", "Verdict"]


@dataclass(frozen=True)
class Reason:
    """Why a draft was rejected.

    Attributes:
        rule: The name of the rule that it broke.
        detail: What the rule found.
    """

    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.detail})"


@dataclass(frozen=True)
class Verdict:
    """The filter's verdict on a draft: accepted, or the reasons against it."""

    draft: Draft
    reasons: tuple[Reason, ...]

    @property
    def accepted(self) -> bool:
        """Whether no rule was broken."""
        return not self.reasons

    @property
    def tweet(self) -> Tweet:
        """The accepted draft as a tweet.

        Raises:
            ValueError: The draft was rejected.
        """
        if self.reasons:
            raise ValueError(
                f"a rejected draft is not a tweet: {', '.join(map(str, self.reasons))}"
            )
        return Tweet(self.draft.body, self.draft.label, self.draft.prompt)


@dataclass(frozen=True)
class Filter:
    """The rules that are switched on, with their settings."""

    settings: FilterSettings = field(default_factory=FilterSettings)

    def judge(self, draft: Draft, history: Sequence[str] = ()) -> Verdict:
        """Applies every rule to a draft.

        Args:
            draft: The composed draft.
            history: The bodies of earlier tweets.

        Returns:
            The verdict, with all reasons against the draft. A draft that is too long gets no other
            reason: `compose` did not make it, so it can be of any size.
        """
        case = Case(draft, self.settings, history)
        reasons: list[Reason] = []
        for rule in RULES:
            if rule.name in self.settings.disabled:
                continue
            if (detail := rule.check(case)) is not None:
                reasons.append(Reason(rule.name, detail))
                if rule.name == "too_long":
                    break
        return Verdict(draft, tuple(reasons))

    def judge_prompt(self, prompt: Prompt, max_words: int) -> tuple[Reason, ...]:
        """Finds what would be wrong with every tweet that begins with this prompt.

        Args:
            prompt: The prompt that the model continues.
            max_words: The most words that the model adds.

        Returns:
            The reasons that no continuation can fix. Empty if one may pass the filter.
        """
        draft = Draft(prompt.text, prompt.label, prompt.text)
        room = max(0, MAX_LENGTH - draft.length)
        words = min(max_words, (room + 1) // 2)  # a letter each, and a space between
        case = Case(draft, self.settings, more_words=words, more_characters=room)
        rules = (rule for rule in RULES if rule.final and rule.name not in self.settings.disabled)
        found = ((rule.name, rule.check(case)) for rule in rules)
        return tuple(Reason(name, detail) for name, detail in found if detail is not None)
