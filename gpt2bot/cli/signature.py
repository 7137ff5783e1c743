"""What the signature and the docstring of a function say about it as a command.

Positional parameters are words on the line, keyword-only ones are options, those of type `bool` are
flags. `Annotated` puts limits on a number. The docstring is the help: summary, text and `Args`.
"""

from __future__ import annotations

import functools
import inspect
import math
import operator
import os
import shutil
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le
from fire import docstrings

from gpt2bot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Command", "Parameter", "columns"]


def _flag(text: str) -> bool:
    """A strict boolean: what is neither must not count as true."""
    return {"true": True, "false": False}[text.lower()]


def _finite(text: str) -> float:
    """A number that can be compared with a limit."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _text(text: str) -> str:
    """The very text that was typed: UTF-8, whatever the locale."""
    return os.fsencode(text).decode("utf-8")


# How a type is read, what is allowed, and what stands for a value in the help.
TYPES: Mapping[type, tuple[Callable[[str], Any], str, str]] = {
    bool: (_flag, "true or false", ""),
    int: (int, "a whole number", " N"),
    float: (_finite, "a number", " X"),
    str: (_text, "text in UTF-8", " TEXT"),
    Path: (Path, "a path", " PATH"),
}
HELP = ("--help", "Shows this.")
LIMITS: Mapping[type, tuple[Callable[[Any, Any], bool], str]] = {
    Ge: (operator.ge, "at least"),
    Gt: (operator.gt, "greater than"),
    Le: (operator.le, "at most"),
}


@dataclass(frozen=True)
class Parameter:
    """A word or an option of a command.

    Attributes:
        name: As in Python.
        value_type: One of `TYPES`.
        limits: Pairs of one of `LIMITS` and its bound.
        is_option: Whether it is written `--name`.
        is_many: Whether it takes all the words that are left.
        is_required: Whether it has to be there.
        help: What it does.
    """

    name: str
    value_type: type
    limits: tuple[tuple[type, Any], ...]
    is_option: bool
    is_many: bool
    is_required: bool
    help: str

    @property
    def shown(self) -> str:
        """Its name on the line."""
        return f"--{self.name.replace('_', '-')}" if self.is_option else self.name.upper()

    @property
    def usage(self) -> str:
        """Its name with what stands for a value."""
        if self.is_option:
            return f"{self.shown}{TYPES[self.value_type][2]}"
        return f"{self.shown}..." if self.is_many else self.shown

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
            UsageError: It stands for none of this type, or for one beyond the limits.
        """
        reader, allowed, _ = TYPES[self.value_type]
        try:
            value = reader(text)
        except (KeyError, ValueError):
            value = None
        if value is None or not all(LIMITS[kind][0](value, bound) for kind, bound in self.limits):
            limits = " and ".join(f"{LIMITS[kind][1]} {bound}" for kind, bound in self.limits)
            allowed = f"{allowed}, {limits}" if limits else allowed
            raise UsageError(f"{self.shown}: found {text!r}, allowed is {allowed}.")
        return value


@dataclass(frozen=True)
class Command:
    """A function that can be called from the command line."""

    function: Callable[..., None]

    @property
    def name(self) -> str:
        """Its name on the line."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return str(self._docstring.summary)

    @functools.cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its words and options, in their order."""
        hints = get_type_hints(self.function, include_extras=True)
        helps = {arg.name: arg.description for arg in self._docstring.args}
        parameters = []
        for name, parameter in inspect.signature(self.function).parameters.items():
            value_type, limits = _unwrap(hints[name])
            parameters.append(
                Parameter(
                    name=name,
                    value_type=value_type,
                    limits=limits,
                    is_option=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
                    is_many=parameter.kind is inspect.Parameter.VAR_POSITIONAL,
                    is_required=parameter.default is inspect.Parameter.empty,
                    help=helps[name],
                )
            )
        return tuple(parameters)

    @property
    def words(self) -> list[Parameter]:
        """What it takes that is no option."""
        return [parameter for parameter in self.parameters if not parameter.is_option]

    @property
    def options(self) -> dict[str, Parameter]:
        """Its options by their names on the line."""
        return {parameter.shown: parameter for parameter in self.parameters if parameter.is_option}

    def check(self, words: Sequence[str], values: Mapping[str, str]) -> None:
        """Compares what is on a line with what the command takes.

        Raises:
            UsageError: A word or an option is missing, or there is a word too many.
        """
        taken = self.words
        missing = [p.usage for p in taken[len(words) :]]
        missing += [
            p.usage for p in self.options.values() if p.is_required and p.name not in values
        ]
        if missing:
            raise UsageError(f"missing: {' '.join(missing)}.")
        if len(words) > len(taken) and not (taken and taken[-1].is_many):
            raise UsageError(f"unexpected value {words[len(taken)]!r}.")
        for word in words:
            if word.startswith("-"):
                raise UsageError(f"unexpected value {word!r}; a file of this name is './{word}'.")

    def help(self, program: str) -> str:
        """What it does, its words and its options."""
        required = [p.usage for p in self.parameters if p.is_required]
        usage = " ".join((program, self.name, *required, "[OPTION...]"))
        text = (self.summary, self._docstring.description, f"Usage: {usage}")
        words = columns([(p.usage, p.help) for p in self.words])
        options = columns([*((p.usage, p.help) for p in self.options.values()), HELP])
        return "\n\n".join(filter(None, (*text, words, f"Options:\n{options}")))

    @property
    def _docstring(self) -> docstrings.DocstringInfo:
        return docstrings.parse(inspect.getdoc(self.function))


def columns(rows: Sequence[tuple[str, str]]) -> str:
    """Names to the left, texts to the right, as wide as the terminal."""
    left = max((len(name) for name, _ in rows), default=0) + 4
    width = max(shutil.get_terminal_size().columns, left + 30)
    return "\n".join(
        textwrap.fill(
            text, width, initial_indent=f"  {name}".ljust(left), subsequent_indent=" " * left
        )
        for name, text in rows
    )


def _unwrap(hint: Any) -> tuple[type, tuple[tuple[type, Any], ...]]:
    """The type and the limits of `Annotated[type, *limits] | None`."""
    if get_origin(hint) is Annotated:
        type_, *limits = get_args(hint)
        return type_, tuple((type(x), getattr(x, type(x).__name__.lower())) for x in limits)
    return _unwrap(get_args(hint)[0]) if get_args(hint) else (hint, ())
