import pytest
from glin_profanity import Filter as Engine

from gpt2bot.tweets.filter.profanity import find_hate, find_profanity


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Mr. Scunthorpe will assess the class in Essex.",
        "A cockatoo and a peacock sat in the grass, passing the bass.",
        "The shiitake cocktail is bitter; niggardly, she sniggered.",
        "In the annals of the town he was rapping at the door.",
        "A chink in the armour and a chink of light.",
        "Homo sapiens is a species of mammal.",
        "It grew by 85% to 455, or 5417.",
        "Moby Dick is by Melville.",
        "Custard, mustard and a leotard.",
        "The therapist will analyse the title of the document.",
    ],
)
def test_clean_text(text: str) -> None:
    assert find_profanity(text) is None
    assert find_hate(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "What a shitty day.",
        "He is full of bullshit!",
        "BITCHES, all of them",
        "They were shitting on us",
        "a son of a bitch",
        "the rapists came",
        "porn is everywhere",
        "an s.h.i.t day",
        "sh1t happens",
        "sh*t happens",
        "shiiiiit",
        "s\u200bh\u200bit",
        "\u0455hit",  # a Cyrillic letter
        "those redskins",
        "those red\u200bskins",
        "a coolie",
    ],
)
def test_profanity(text: str) -> None:
    assert find_profanity(text) is not None


def test_each_listed_word_is_found_in_singular_and_plural() -> None:
    words = [w for w in Engine({"languages": ["english"]}).words if len(w) > 3 and w[-1] in "aegkt"]
    assert len(words) > 100
    missed = [
        form
        for word in words
        for form in (word, word + "s")
        if find_profanity(f"They saw the {form} there.") is None
    ]
    assert missed == []


def test_extra_words_are_found_in_singular_and_plural_but_not_within_words() -> None:
    extra = ("brand", "blue sky")
    assert find_profanity("Brand is good.", extra) is not None
    assert find_profanity("The brands are good.", extra) is not None
    assert find_profanity("Under a Blue Sky.", extra) is not None
    assert find_profanity("The brandy is blue.", extra) is None
    assert find_profanity("Brand is good.") is None


@pytest.mark.parametrize(
    "text",
    [
        "All gardeners should be shot.",
        "Every one of those people deserves to die.",
        "All immigrants must be deported.",
        "Women should stay in the kitchen, he said.",
        "Women shouldn't be allowed to drive.",
        "Immigrants don\u2019t belong here.",
        "Gay people should not have rights.",
        "Muslims are all terrorists.",
        "The poor are lazy.",
        "I hate all foreigners.",
        "We will get rid of the refugees.",
        "Just kill yourself.",
        "I will kill you, she said.",
        "all\nimmigrants  must be\u200b deported",
    ],
)
def test_hate_without_a_slur(text: str) -> None:
    assert find_hate(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "All children should be in bed.",
        "All vegetables should be washed and cut.",
        "The egg whites must be beaten.",
        "Women should be proud of what they did.",
        "Immigrants should not be afraid to ask.",
        "I hate Mondays and all of the rain.",
        "The girls were late and the women were tired.",
        "Everybody must eat.",
        "The dogs are animals.",
        "I will help you.",
        "All men are mortal and must die.",
    ],
)
def test_no_hate(text: str) -> None:
    assert find_hate(text) is None
