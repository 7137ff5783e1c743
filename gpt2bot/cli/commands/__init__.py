"""The commands by name, and a description of each group of commands.

A name of two words, such as "queue add", is a command in a group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpt2bot.cli.commands import bot, models

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["COMMANDS", "GROUPS"]

COMMANDS: Mapping[str, Callable[..., None]] = {
    "download": models.download,
    "compile": models.compile,
    "sample": bot.sample,
    "post": bot.post,
    "status": bot.status,
    "history": bot.history,
    "resolve": bot.resolve,
    "check": bot.check,
    "train": models.train,
}
GROUPS: Mapping[str, str] = {}
