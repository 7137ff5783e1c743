"""Every rule: what it rejects, what it lets pass, and which detail it shows."""

from __future__ import annotations

import pytest

from gpt2bot.tweets.compose import compose
from gpt2bot.tweets.filter import OPTIONAL_RULES, RULES, FilterSettings
from gpt2bot.tweets.filter.rules import Case
from gpt2bot.tweets.label import DEFAULT_LABEL
from gpt2bot.tweets.tweet import Draft

CHECKS = {rule.name: rule.check for rule in RULES}
CLEAN = "The old man went down to the sea and looked at the ships."


def check(rule: str, body: str, *, label: str = DEFAULT_LABEL, prompt: str = "", history=(), **kw):
    return CHECKS[rule](Case(Draft(body, label, prompt), FilterSettings(**kw), history))


def test_the_rules_that_nobody_can_switch_off() -> None:
    assert set(CHECKS) - OPTIONAL_RULES == {"label", "too_long", "url", "mention"}


def test_every_rule_says_in_a_sentence_why_it_is_there() -> None:
    assert all(rule.reason[0].isupper() and rule.reason.endswith(".") for rule in RULES)
    assert len({rule.name for rule in RULES}) == len({rule.reason for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", CHECKS)
def test_clean_text_breaks_no_rule(rule: str) -> None:
    assert check(rule, CLEAN, prompt="The old man", history=["Something else."]) is None


@pytest.mark.parametrize(
    ("rule", "body", "detail"),
    [
        ("too_long", "word " * 60 + "end.", "323 of 280"),
        ("too_long", "\u65e5" * 131, "281 of 280"),
        ("url", "Look at example.com for more.", "example.com"),
        ("mention", "He asked @somebody to come.", "@somebody"),
        ("hashtag", "It was a good #monday again.", "#monday"),
        ("cashtag", "He bought $TSLA and left.", "$TSLA"),
        ("control", "He came\x07 and left.", "U+0007"),
        ("control", "It is damaged \ufffd here.", "U+FFFD REPLACEMENT CHARACTER"),
        ("profanity", "What a shitty day it was.", "shitty"),
        ("hate", "All bankers should be shot.", "All bankers should be shot"),
        ("contact", "Call 212-456-7890 for help.", "phone number 212-456-7890"),
        ("too_short", "The man left again now.", "5 of 6 words"),
        ("too_short", "He is as I am, so.", "18 of 30 characters"),
        ("unfinished", "The man left. Then he went into", "ends with 'he went into'"),
        ("unfinished", 'He said, "Go away. Now.', "ends with"),
        ("unfinished", "And then I met Mr.", "ends with 'I met Mr.'"),
        ("unfinished", "And then he waited...", "ends with 'then he waited...'"),
        ("repetition", "No, no, no, no, he said to them.", "'no no no no'"),
        ("repetition", "Nooooooo, he said to them.", "'ooooooo'"),
        ("repetition", "He laughed: hahahahahaha!", "'hahahahahaha'"),
        ("repetition", "So he went home. He went home.", "'he went home he went home'"),
        (
            "repetition",
            "I said that it is a good idea, and you said that it is a good thing.",
            "'said that it is a good' 2 times",
        ),
        (
            "repetition",
            "It was a dog. It was a cat; yes, it was a very old cow.",
            "'it was a' 3 times",
        ),
        (
            "repetition",
            "The dog and the cat, the cat and a dog, a dog or the cat, a cat or a dog.",
            "30% of the words are distinct",
        ),
        ("language", "Der alte Mann ging hinunter an das Meer.", "de"),
        ("language", "El viejo bajo al mar y miro los barcos.", "es"),
    ],
)
def test_rejects(rule: str, body: str, detail: str) -> None:
    assert detail in (check(rule, body) or "nothing")


@pytest.mark.parametrize(
    ("rule", "body"),
    [
        ("too_long", "\u65e5" * 130),
        ("url", "It was 5 p.m. when Mr. Smith ate 3.14 pies etc. and left."),
        ("mention", "They cost 5 cents @ the shop."),
        ("hashtag", "We are #1 and proud of it."),
        ("cashtag", "It costs $5 or US$7."),
        ("control", "I love it \u2764\ufe0f \U0001f468\u200d\U0001f469\u200d\U0001f467!"),
        ("profanity", "Mr. Scunthorpe came to assess the class."),
        ("hate", "All children should be in bed by nine."),
        ("contact", "In 1984 it cost 1,000,000 dollars."),
        ("too_short", "The old man stayed at his home."),
        ("unfinished", 'He met Mr. Scunthorpe at 5 p.m. "Hello," he said. "Go!"'),
        ("unfinished", "They had apples, pears, etc."),
        ("repetition", "No, no, no! It was very, very good, and it cost 1,000,000,000."),
        ("language", "Hello there, how are you?\nI am fine."),
    ],
)
def test_accepts(rule: str, body: str) -> None:
    assert check(rule, body) is None


@pytest.mark.parametrize("label", ["", " ", "#GPT2\n#AI", "#GPT2 example.com", "by @somebody"])
def test_a_wrong_label_is_rejected_here_too(label: str) -> None:
    assert check("label", CLEAN, label=label) is not None


def test_a_label_with_nothing_above_it_is_rejected() -> None:
    assert check("label", "") == "there is no text above the label"


@pytest.mark.parametrize("rule", ["url", "mention"])
def test_the_label_is_searched_for_links_too(rule: str) -> None:
    assert check(rule, CLEAN, label="by @somebody of example.com") is not None


def test_hashtags_of_the_label_and_of_the_prompt_are_the_owners_own() -> None:
    body = "#MondayMood is what #gpt2 has today."
    assert check("hashtag", body) == "#MondayMood"
    assert check("hashtag", body, prompt="#MondayMood is") is None


@pytest.mark.parametrize(
    ("body", "passes"),
    [
        ("The old man", False),
        ("The old man...", False),
        ("The old man. !", False),
        ("The old mansion", True),
        ("The old man left.", True),
    ],
)
def test_prompt_only(body: str, passes: bool) -> None:
    assert (check("prompt_only", body, prompt=" The old  man") is None) is passes


def test_a_draft_that_is_cut_within_its_prompt_is_prompt_only() -> None:
    draft = compose("I lived by the sea for years. The old man", " went and", DEFAULT_LABEL)
    assert draft.body == "I lived by the sea for years."
    assert check("prompt_only", draft.body, prompt=draft.prompt) is not None


@pytest.mark.parametrize(
    ("earlier", "passes"),
    [
        (CLEAN, False),
        (CLEAN.upper().replace(".", "!"), False),
        (CLEAN.replace("ships", "boats"), False),
        ("Down to the sea the old man went, and looked at ships.", False),
        ("The old man sat in his kitchen and thought of nothing.", True),
        ("A dog barked.", True),
        ("", True),
    ],
)
def test_duplicate(earlier: str, passes: bool) -> None:
    history = ["Something else.", earlier, "Another thing."]
    assert (check("duplicate", CLEAN, history=history) is None) is passes


@pytest.mark.parametrize("label", ["#GPT2", "#GPT2 #AIgenerated #writtenByAMachine", "\U0001f916"])
def test_the_label_makes_short_tweets_neither_alike_nor_different(label: str) -> None:
    assert check("duplicate", "A cat slept.", label=label, history=["It rained."]) is None
    assert check("duplicate", "A cat slept.", label=label, history=["A cat slept."]) is not None


def test_thresholds() -> None:
    assert check("too_short", "He left.", min_words=2, min_characters=8) is None
    assert check("repetition", "a b a c a d a b", min_distinct_share=0.6) is not None
    assert check("duplicate", "The cat sat.", history=["A cat sat."], max_similarity=95) is None
    assert check("language", "Der alte Mann ging hinunter an das Meer.", language="de") is None
    assert check("profanity", "Our brand is good.", extra_words=("brand",)) == "brand"
