"""What X turns into links: URLs, mentions, hashtags and cashtags.

The patterns find everything that twitter-text finds and a little more, because they keep such
things out. A false alarm costs one candidate; a miss costs money (a post with a link) or notifies a
stranger.
"""

from __future__ import annotations

import regex

from gpt2bot.tweets.length import twitter_text

# A scheme, or labels joined by dots of which the last could be a top-level domain. The parser's
# list of domains dates from 2020, and X keeps adding to its own. After an at sign comes the domain
# of an e-mail address, which X does not link.
_URL = regex.compile(
    r"\w+://\S* | \bwww\.\S+ | (?<![\w@.-]) (?: [\w-]+ \. )+ [\p{L}\p{M}]{2,} [\w./?=&%-]*",
    regex.VERBOSE | regex.IGNORECASE,
)
_MENTION = regex.compile(r"[@\uFF20]\w+")
_HASHTAG = regex.compile(r"(?<![&\w])[#\uFF03](?!\uFE0F|\u20E3)\w*[\p{L}\p{M}]\w*")
_CASHTAG = regex.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?(?!\w)")


def find_url(text: str) -> str | None:
    """Returns the first URL in a text that X links or may link in future, or None.

    The parser is slow on long chains of dots, so check the length of the text first.
    """
    if found := _URL.search(text):
        return str(found.group())
    if "." not in text:
        return None
    return next(iter(twitter_text().extract_urls(text)), None)


def find_mention(text: str) -> str | None:
    """Returns the first @mention in a text, or None; the end of an e-mail address counts."""
    found = _MENTION.search(text)
    return str(found.group()) if found else None


def find_hashtags(text: str) -> list[str]:
    """Returns all hashtags in a text, with their sign; `#1` is not one."""
    return _HASHTAG.findall(text)


def find_cashtag(text: str) -> str | None:
    """Returns the first cashtag in a text (a stock symbol such as $TSLA), or None."""
    found = _CASHTAG.search(text)
    return str(found.group()) if found else None
