"""The length of a tweet as X counts it."""

from __future__ import annotations

from gpt2bot.tweets.parser import twitter_text

MAX_LENGTH = 280
"""The weighted length that X accepts at most."""

# 140 emoji of ten code points, the longest sequences there are, fill a tweet.
_MAX_CODE_POINTS = 1400


def weighted_length(text: str) -> int:
    """Counts a text as X does, after NFC.

    Latin letters, punctuation and common symbols count 1, all other characters 2, an emoji
    sequence 2 and a URL 23.

    What is certain to be no tweet is not parsed, since the parser's time grows with the square of
    the length of a chain of dots: more than 1,400 code points, or 280 in a word with a dot. Of
    such a text the number of code points is returned, which is more than `MAX_LENGTH` too.
    """
    words = text.split()
    if len(text) > _MAX_CODE_POINTS or any(len(w) > MAX_LENGTH and "." in w for w in words):
        return len(text)
    if text.isascii() and not {".", "\r"} & set(text):
        return len(text)  # no link, no emoji, no line ending to convert: spares loading the parser
    # The parser counts UTF-16 units on the way, so a lone surrogate would make it fail.
    well_formed = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return int(twitter_text().parse_tweet(well_formed).weightedLength)
