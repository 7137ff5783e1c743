"""What must hold for any text that the owner of a bot puts into its tweets: label and prompts."""

from __future__ import annotations

from gpt2bot.tweets.characters import find_forbidden
from gpt2bot.tweets.entities import find_mention, find_url


def check_owner_text(name: str, text: str) -> None:
    """Refuses a text with which no tweet could pass the filter.

    Args:
        name: What the text is, for the message.
        text: The text, tidied.

    Raises:
        ValueError: It holds an invisible or garbled character, a URL or a mention.
    """
    if character := find_forbidden(text):
        raise ValueError(f"the {name} must not hold the character {character}")
    if link := find_url(text) or find_mention(text):
        raise ValueError(f"the {name} must not hold a URL or a mention, as {link!r} is")
