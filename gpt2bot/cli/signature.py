"""Derives a command from the signature and the docstring of a function.

Positional parameters are words on the line, keyword-only parameters are options, and options of
type `bool` are flags. The annotation of a parameter has its type and limits, like that of a
setting. In `Annotated`, `Setting` takes limits, default and help from a settings class,
`Configured` says that the configuration has the default, and `Short` gives an option a one-letter
name. The docstring is the help: summary, text, `Args` and `Examples`.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from gpt2bot.errors import UsageError
from gpt2bot.fields import Field, allowed, entries, fields_of, range_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Command", "Configured", "Known", "Parameter", "Setting", "Short"]


@dataclass(frozen=True)
class Setting:
    """Marks a parameter that stands for a field of a settings class."""

    settings: type
    name: str

    @property
    def field(self) -> Field:
        """The field."""
        return fields_of(self.settings)[self.name]

    @property
    def default(self) -> Any:
        """The default of the field."""
        return getattr(self.settings, self.name)


@dataclass(frozen=True)
class Configured:
    """Marks an option whose default comes from the configuration, or else is this default."""

    default: Any = None


@dataclass(frozen=True)
class Known:
    """Gives the values that help shows for a parameter. The command itself validates them."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Short:
    """Gives the one-letter name of an option."""

    letter: str


def _flag(text: str) -> bool:
    """A strict boolean: only "true" and "false" are accepted."""
    return {"true": True, "false": False}[text.lower()]


def _finite(text: str) -> float:
    """A finite number, which can be compared with a limit."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _text(text: str) -> str:
    """The exact text that was typed: UTF-8, whatever the locale."""
    return os.fsencode(text).decode("utf-8")


def _path(text: str) -> Path:
    """Refuses an empty path, which would mean the working directory."""
    if not text:
        raise ValueError(text)
    return Path(text)


# The function that reads a type, and the placeholder for its value in the help.
TYPES: Mapping[Any, tuple[Callable[[str], Any], str]] = {
    bool: (_flag, ""),
    int: (int, " N"),
    float: (_finite, " X"),
    str: (_text, " TEXT"),
    Path: (_path, " PATH"),
    Literal: (_text, " NAME"),
}


@dataclass(frozen=True)
class Parameter:
    """A word or an option of a command.

    Attributes:
        name: As in Python.
        field: Its type, limits and help.
        short: The one-letter name of an option, such as "-n"; empty if it has none.
        is_option: Whether it is written `--name`.
        is_many: Whether it takes all remaining words.
        is_required: Whether it is required.
        known: The values to choose from that help shows.
        default: The value if it is left out; None if help shows none.
        is_configured: Whether the configuration overrides the default.
    """

    name: str
    field: Field
    short: str
    is_option: bool
    is_many: bool
    is_required: bool
    known: tuple[str, ...]
    default: Any
    is_configured: bool

    @property
    def shown(self) -> str:
        """Its name on the line."""
        return f"--{self.name.replace('_', '-')}" if self.is_option else self.name.upper()

    @property
    def usage(self) -> str:
        """Its name with a placeholder for its value."""
        if self.is_option:
            return f"{self.shown}{TYPES[self.field.kind][1]}"
        return f"{self.shown}..." if self.is_many else self.shown

    @property
    def is_flag(self) -> bool:
        """Whether it takes no value."""
        return self.field.kind is bool

    @property
    def help(self) -> str:
        """What it does, the allowed values, and the default."""
        *most, last = self.known or ("",)
        facts = [range_of(self.field.hint), " or ".join(filter(None, (", ".join(most), last)))]
        if self.default not in (None, "") and not self.is_flag:
            is_float = isinstance(self.default, float)
            facts.append(f"default {self.default:g}" if is_float else f"default {self.default}")
        if self.is_configured:
            facts.append("from the configuration")
        shown = "; ".join(filter(None, facts))
        return f"{self.field.help} [{shown}]" if shown else self.field.help

    def read(self, text: str) -> Any:
        """The value that a text stands for.

        Raises:
            UsageError: It is not of this type, or outside the limits.
        """
        try:
            value = TYPES[self.field.kind][0](text)
        except UnicodeDecodeError:
            raise UsageError(f"{self.shown} must be UTF-8, not {shown(text)}.") from None
        except (KeyError, ValueError):
            value = None
        if value is None or not self.field.accepts(value):
            raise UsageError(f"{self.shown} must be {allowed(self.field.hint)}, not {shown(text)}.")
        return value


@dataclass(frozen=True)
class Command:
    """A function that is a command, and its name on the command line.

    Attributes:
        name: One word, or two if it belongs to a group.
        function: The function.
    """

    name: str
    function: Callable[..., None]

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return self._prose[0]

    @property
    def text(self) -> list[str]:
        """The paragraphs after the summary."""
        return self._prose[1:]

    @property
    def examples(self) -> list[str]:
        """Example command lines."""
        _, _, lines = self._docstring.partition("\nExamples:\n")
        return [line.strip() for line in lines.splitlines()]

    @functools.cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its words and options, in order."""
        hints = get_type_hints(self.function, include_extras=True)
        helps = entries(self.function.__doc__, "Args")
        return tuple(
            _parameter(parameter, hints[name], helps.get(name, ""))
            for name, parameter in inspect.signature(self.function).parameters.items()
        )

    @property
    def words(self) -> list[Parameter]:
        """Its positional parameters."""
        return [parameter for parameter in self.parameters if not parameter.is_option]

    @property
    def options(self) -> dict[str, Parameter]:
        """Its options, by their names on the line."""
        return {parameter.shown: parameter for parameter in self.parameters if parameter.is_option}

    def check(self, words: Sequence[str], values: Mapping[str, str]) -> None:
        """Checks the words and options of a line against what the command takes.

        Raises:
            UsageError: A word or an option is missing, or there are too many words.
        """
        taken = self.words
        missing = [p.usage for p in taken[len(words) :] if p.is_required]
        missing += [
            p.usage for name, p in self.options.items() if p.is_required and name not in values
        ]
        if missing:
            raise UsageError(f"missing: {' '.join(missing)}.")
        if len(words) > len(taken) and not (taken and taken[-1].is_many):
            raise UsageError(f"unexpected value {words[len(taken)]!r}.")
        for word in words:
            if word.startswith("-"):  # Fire could mistake it for an option
                is_path = taken[0].field.kind is Path
                hint = f"; write a file of this name as './{word}'" if is_path else ""
                raise UsageError(f"unexpected value {word!r}{hint}.")

    @property
    def _docstring(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def _prose(self) -> list[str]:
        prose = re.split(r"^\w+:$", self._docstring, maxsplit=1, flags=re.MULTILINE)[0]
        return [" ".join(paragraph.split()) for paragraph in prose.strip().split("\n\n")]


def _parameter(parameter: inspect.Parameter, hint: Any, help_: str) -> Parameter:
    hint, extras = _unwrap(hint)
    is_required = parameter.default is inspect.Parameter.empty
    default = None if is_required else parameter.default
    short, is_configured = "", False
    known: tuple[str, ...] = ()
    for extra in extras:
        if isinstance(extra, Setting):
            hint = hint if range_of(hint) else extra.field.hint
            help_, default = help_ or extra.field.help, extra.default
        elif isinstance(extra, Configured):
            default, is_configured = default or extra.default, True
        elif isinstance(extra, Known):
            known = extra.values
        elif isinstance(extra, Short):
            short = f"-{extra.letter}"
    field = Field(parameter.name, hint, help_)
    return Parameter(
        name=parameter.name,
        field=field,
        short=short,
        is_option=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
        is_many=parameter.kind is inspect.Parameter.VAR_POSITIONAL,
        is_required=is_required,
        known=field.choices or known,
        default=default,
        is_configured=is_configured,
    )


def _unwrap(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without `| None`, and its metadata."""
    if get_origin(hint) in (Union, UnionType):
        [hint] = (part for part in get_args(hint) if part is not type(None))
    return hint, get_args(hint)[1:] if get_origin(hint) is Annotated else ()
