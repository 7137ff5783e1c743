"""The layout of help: as wide as the terminal, without colours."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gpt2bot.cli.signature import Command, Parameter

__all__ = ["HELP", "VERSION", "command_help", "page", "section"]

HELP = ("-h, --help", "Shows this help.")
VERSION = ("-V, --version", "Shows the version.")
WIDEST, NARROWEST = 100, 20  # columns; longer lines are hard to read


def command_help(program: str, command: Command, commands: Sequence[tuple[str, str]]) -> str:
    """The help of a command: what it does, its arguments, its options and examples.

    Args:
        program: The program's name.
        command: The command.
        commands: Names and summaries of the commands whose names begin with this name.
    """
    usage = [program, command.name]
    usage += [p.usage if p.is_required else f"[{p.usage}]" for p in command.words]
    usage += [p.usage for p in command.options.values() if p.is_required]
    usage += ["[OPTION...]"] if command.options else []
    return page(
        command.summary,
        *command.text,
        _fill(f"Usage: {' '.join(usage)}", indent=" " * 4),
        section("Commands", commands),
        section("Arguments", [(p.usage, p.help) for p in command.words]),
        section("Options", [*map(_option, command.options.values()), HELP]),
        section("Examples", [(line, "") for line in command.examples]),
    )


def page(*blocks: str) -> str:
    """Paragraphs and sections, with a blank line between them."""
    return "\n\n".join(block if "\n" in block else _fill(block) for block in blocks if block)


def section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Names on the left and texts on the right, or below the names if there is little room."""
    rows = list(rows)
    left = max((len(name) + 4 for name, text in rows if text), default=0)
    left = left if left <= _width() // 3 else 8
    lines = [f"{title}:"]
    for name, text in rows:
        head = f"  {name}"
        if not text or len(head) + 2 > left:
            lines.append(_fill(head, indent=" " * 4))
            head = ""
        if text:
            lines.append(_fill(text, first=head.ljust(left), indent=" " * left))
    return "\n".join(lines) if rows else ""


def _option(option: Parameter) -> tuple[str, str]:
    return ", ".join(filter(None, (option.short, option.usage))), option.help


def _width() -> int:
    return min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))


def _fill(text: str, *, first: str = "", indent: str = "") -> str:
    """Breaks a text into lines. A word that is too long stays in one piece, so it can be copied."""
    return textwrap.fill(
        text,
        _width(),
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
