"""The commands, grouped by what they are about: a function each."""

from __future__ import annotations

from gpt2bot.cli.commands import bot, models

__all__ = ["COMMANDS"]

COMMANDS = (
    models.download,
    models.compile,
    bot.sample,
    bot.post,
    bot.status,
    bot.history,
    bot.check,
    models.train,
)
