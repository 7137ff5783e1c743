"""Reads the limits, choices and help of the fields of settings classes.

Each setting is defined once, as a field of a frozen dataclass. Its annotation has the type and the
limits (from `annotated_types`), and the `Attributes` section of the docstring explains it. The
configuration, the command line and the classes themselves read these definitions through this
module.
"""

from __future__ import annotations

import functools
import inspect
import operator
import re
import reprlib
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeGuard,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from annotated_types import DocInfo, Ge, Gt, Le, Predicate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Field", "allowed", "check_limits", "fields_of", "is_secret", "is_settings"]

LIMITS: Mapping[type, tuple[Callable[[Any, Any], bool], str]] = {
    Ge: (operator.ge, "at least"),
    Gt: (operator.gt, "greater than"),
    Le: (operator.le, "at most"),
}
NAMES: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    tuple: 'a list, in the environment as JSON: ["one", "two"]',
    frozenset: 'a list, in the environment as JSON: ["one", "two"]',
}


@dataclass(frozen=True)
class Field:
    """A field of a settings class.

    Attributes:
        name: Its name.
        hint: Its annotation, without `| None`.
        help: What it does.
    """

    name: str
    hint: Any
    help: str

    @property
    def kind(self) -> Any:
        """Its type, without limits and without the types of its items."""
        hint = get_args(self.hint)[0] if get_origin(self.hint) is Annotated else self.hint
        return get_origin(hint) or hint

    @property
    def limits(self) -> Iterator[tuple[type, Any]]:
        """Pairs of `Ge`, `Gt` or `Le` and its bound."""
        for limit in getattr(self.hint, "__metadata__", ()):
            if type(limit) in LIMITS:
                yield type(limit), getattr(limit, type(limit).__name__.lower())

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values, if the type is a `Literal`."""
        hint = get_args(self.hint)[0] if get_origin(self.hint) is Annotated else self.hint
        return get_args(hint) if get_origin(hint) is Literal else ()

    def accepts(self, value: Any) -> bool:
        """Whether a value of its type is a choice, within the limits, and passes all predicates."""
        checks = getattr(self.hint, "__metadata__", ())
        return (
            (not self.choices or value in self.choices)
            and all(LIMITS[kind][0](value, bound) for kind, bound in self.limits)
            and all(check.func(value) for check in checks if isinstance(check, Predicate))
        )


def is_settings(hint: object) -> TypeGuard[type]:
    """Whether this annotation is a settings class, which is a section of the configuration."""
    return isinstance(hint, type) and is_dataclass(hint)


def is_secret(hint: Any) -> bool:
    """Whether a value of this type is or contains a secret."""
    from pydantic import SecretStr

    if is_settings(hint):
        return any(is_secret(field.hint) for field in fields_of(hint).values())
    return hint is SecretStr or any(map(is_secret, get_args(hint)))


@functools.cache
def fields_of(settings: type) -> dict[str, Field]:
    """The fields of a settings class, by name."""
    helps = _helps(settings)
    return {
        name: Field(name, _without_none(hint), helps.get(name, ""))
        for name, hint in get_type_hints(settings, include_extras=True).items()
        if not name.startswith("_") and get_origin(hint) is not ClassVar
    }


def check_limits(settings: Any) -> None:
    """Checks the limits of all fields; for the `__post_init__` of a settings class.

    Raises:
        ValueError: A field is outside its limits.
    """
    cls: type = type(settings)
    for name, field in fields_of(cls).items():
        value = getattr(settings, name)
        if not field.accepts(value):
            raise ValueError(f"{name} must be {allowed(field.hint)}, not {shown(value)}")


def allowed(hint: Any) -> str:
    """Describes the allowed values for a message, for example "a number greater than 0"."""
    if get_origin(hint) is Annotated:
        described = (meta.documentation for meta in hint.__metadata__ if isinstance(meta, DocInfo))
        range_ = range_of(hint)
        of = "of " if range_.startswith("at ") else ""
        name = allowed(get_args(hint)[0])
        return next(described, f"{name} {of}{range_}".rstrip())
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if is_settings(hint):
        return "a table of settings"
    return NAMES.get(get_origin(hint) or hint, "text")


def range_of(hint: Any) -> str:
    """The limits of a number, such as "at least 1" or "from 1 to 256"; empty if there are none."""
    limits = dict(Field("", hint, "").limits)
    if limits.keys() == {Ge, Le}:
        return f"from {limits[Ge]} to {limits[Le]}"
    return " and ".join(f"{LIMITS[kind][1]} {bound}" for kind, bound in limits.items())


def shown(value: object) -> str:
    """A value for a message: shortened, and without a possible password in a URL."""
    return reprlib.repr(re.sub(r"\S+@", "***@", value) if isinstance(value, str) else value)


def entries(docstring: str | None, section: str) -> dict[str, str]:
    """The text for each name in a section of a docstring, such as "Args"."""
    text = inspect.cleandoc(docstring or "")
    body = re.search(rf"^{section}:\n((?: .*\n?|\n)*)", text, re.MULTILINE)
    found = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", body[1] if body else "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, UnionType):
        return hint
    [only] = (part for part in get_args(hint) if part is not NoneType)
    return only


def _helps(settings: type) -> dict[str, str]:
    """The help of each attribute, from the docstrings of a class and its bases."""
    found: dict[str, str] = {}
    for cls in settings.__mro__:
        found = entries(cls.__doc__, "Attributes") | found
    return found
