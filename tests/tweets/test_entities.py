import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpt2bot.tweets.entities import find_cashtag, find_hashtags, find_mention, find_url
from gpt2bot.tweets.length import twitter_text


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com",
        "Read (https://example.com/path?q=1), it helps.",
        "HTTP://EXAMPLE.COM",
        "example.com",
        "Go to foo.co.jp now.",
        "t.co/abcde",
        "www.foo.baz",
        "\u3053\u308c\u306fexample.com\u3067\u3059",
        "http://\u2603.net/",
        "\u4f8b\u3048.jp",
        "me@\u65e5\u672cexample.com",
        "my-site.photography",
        "a new-domain.somenewtld",
        "the readme.md file",
        "ftp://example.com",
        "It ended.The next",
    ],
)
def test_urls(text: str) -> None:
    assert find_url(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It was 5 p.m. when he left, e.g. or i.e. by train.",
        "Pi is 3.14, not 3.15pm or 1.5kg.",
        "Wait...what? Well... yes.",
        "The U.S. and J.R.R. and a.k.a. Mr. Smith, Ph.D.",
        "Bananas, apples etc. are 10.30am fruits.",
        "He said: either/or.",
        "write to user@example.com",
    ],
)
def test_no_urls(text: str) -> None:
    assert find_url(text) is None


LABEL = st.sampled_from(["a", "b-c", "ex_ample", "x1", "caf\u00e9", "\u65e5\u672c", "EXAMPLE", ""])
TLD = st.sampled_from(["com", "co.uk", "jp", "museum", "x", "\u0440\u0444", "xn--p1ai", "zz", "1"])
TEXT = st.lists(
    st.one_of(
        st.tuples(LABEL, st.just("."), TLD).map("".join), st.sampled_from(" ./@#$-_:\u3002a")
    ),
    max_size=8,
).map("".join)


@given(TEXT)
@settings(max_examples=400)
def test_no_url_of_the_parser_is_missed(text: str) -> None:
    """Even where our own pattern does not see it."""
    if twitter_text().extract_urls(text):
        assert find_url(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "@username hello",
        "hello (@user_name)",
        "hello @12345.",
        "\u306e@username\u306b",
        "RT@username",
        ".@username",
        "\uff20username",
        "write to user@example.com",
        "a@\u00e9b",
    ],
)
def test_mentions(text: str) -> None:
    assert find_mention(text) is not None


@pytest.mark.parametrize("text", ["", "5 apples @ 3 cents", "he is at home", "@ @", "@-"])
def test_no_mentions(text: str) -> None:
    assert find_mention(text) is None


@pytest.mark.parametrize(
    ("text", "hashtags"),
    [
        ("#GPT2 #AIgenerated", ["#GPT2", "#AIgenerated"]),
        ("we (#one,#two)", ["#one", "#two"]),
        ("#1st #that1time \uff03wide", ["#1st", "#that1time", "\uff03wide"]),
        (
            "#\u0430\u0448\u043e\u043a #\ud2b8\uc704\ud130",
            ["#\u0430\u0448\u043e\u043a", "#\ud2b8\uc704\ud130"],
        ),
        ("we are #1, # 2 and a#b", []),
        ("the key #\ufe0f\u20e3 and &#x27;", []),
    ],
)
def test_hashtags(text: str, hashtags: list[str]) -> None:
    assert find_hashtags(text) == hashtags


@pytest.mark.parametrize("text", ["$TSLA rose", "buy $goog!", "($BRK.A)", "at\n$F"])
def test_cashtags(text: str) -> None:
    assert find_cashtag(text) is not None


@pytest.mark.parametrize(
    "text", ["", "it costs $5", "$3.50 or US$7", "a$TSLA", "$toolongforone", "$$$", "$1m"]
)
def test_no_cashtags(text: str) -> None:
    assert find_cashtag(text) is None
