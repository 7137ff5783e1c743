"""Fire without its traps.

Fire calls a command before it complains about the rest of the line: `post --dryrun` would post. It
also guesses. `--prompt --dry-run` sets the prompt to 'True', and `--prompt=1e3` sets it to a float.
`-d` is any option that begins with d. The last of two equal options wins. `keys` is a command if
the commands are in a dict. Everything after the last `--` controls Fire itself.

So a line is first normalised to a form that leaves nothing to guess. The command is a single word,
even if its name has two, such as "queue add". Every option is known, occurs once and is written
`--name=value`. The words are those that the command takes. Fire then finds the command, reads the
values by the annotations of its parameters and binds them. The command itself runs only after Fire
has accepted the whole line.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import fire
from fire.decorators import SetParseFn, SetParseFns

from gpt2bot.cli.help import HELP, VERSION, command_help, page, section
from gpt2bot.cli.signature import Command
from gpt2bot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gpt2bot.cli.signature import Parameter

__all__ = ["Program"]

# An option begins with a hyphen, but is not a lone hyphen or a negative number.
OPTION = re.compile(r"-[^\d.]")


class _Action:
    """A command with its values, to run later. Fire must find no members in it to access."""

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run

    def __dir__(self) -> list[str]:
        return []


def _deferred(command: Command) -> Callable[..., _Action]:
    """A command as Fire sees it: it reads the values, but does not run the command."""

    @functools.wraps(command.function)
    def defer(*words: Any, **options: Any) -> _Action:
        return _Action(functools.partial(command.function, *words, **options))

    SetParseFns(**{parameter.name: parameter.read for parameter in command.parameters})(defer)
    if command.words:
        SetParseFn(command.words[-1].read)(defer)  # Fire has no name for an item of `*words`
    return defer


@dataclass(frozen=True)
class Program:
    """A program with several commands.

    Attributes:
        name: The name that starts it.
        version: Its version.
        about: What it does, in one line.
        functions: Its commands by name. A name of two words begins with the name of a group.
        groups: The description of each group that is not a command itself.
        show: Prints help and version.
    """

    name: str
    version: str
    about: str
    functions: Mapping[str, Callable[..., None]]
    groups: Mapping[str, str] = field(default_factory=dict)
    show: Callable[[str], None] = print

    @functools.cached_property
    def commands(self) -> dict[str, Command]:
        """The commands by name, including `help` and `version`."""
        functions = {**self.functions, "help": self._show_help, "version": self._show_version}
        return {name: Command(name, function) for name, function in functions.items()}

    @functools.cached_property
    def shared(self) -> dict[str, Parameter]:
        """The options that all of `functions` have. They may also precede the command."""
        first, *others = (self.commands[name].options for name in self.functions)
        return {name: p for name, p in first.items() if all(name in o for o in others)}

    def parse(self, argv: Sequence[str]) -> Callable[[], None]:
        """Returns what a line asks for, ready to call: a command, help or the version.

        Raises:
            UsageError: The line is invalid.
        """
        flags = list(itertools.takewhile("--".__ne__, argv))
        name = self._named(flags)
        is_group = name not in self.commands and [name] == list(argv)
        if not argv or is_group or "--help" in flags or "-h" in flags:
            return lambda: self.show(self.help(name))
        if "--version" in flags or "-V" in flags:
            return self._show_version
        try:
            return self._bind(self._normalise(argv))
        except UsageError as error:
            raise UsageError(f"{error} Run '{self._line(name)} --help'.") from None

    def help(self, name: str = "") -> str:
        """The help of a command, or of a group or the whole program with its commands."""
        commands = list(self._listed(name))
        if name in self.commands:
            return command_help(self.name, self.commands[name], commands)
        options = [(parameter.usage, parameter.help) for parameter in self.shared.values()]
        return page(
            self.groups[name] if name else self.about,
            f"Usage: {self._line(name)} COMMAND [OPTION...]",
            section("Commands", commands),
            section("Options", [*options, HELP, *([] if name else [VERSION])]),
            f"Run '{self._line(name)} COMMAND --help' for the options of a command.",
        )

    def _show_help(self, command: str = "", subcommand: str = "") -> None:
        """Shows help about the program or a command.

        Args:
            command: The name of a command or a group.
            subcommand: The name of a command in that group.
        """
        name = f"{command} {subcommand}".strip()
        if name and name not in self._names:
            raise UsageError(f"{self._unknown(name)} Run '{self._line('')} --help'.")
        self.show(self.help(name))

    def _show_version(self) -> None:
        """Shows the version."""
        self.show(f"{self.name} {self.version}")

    @functools.cached_property
    def _names(self) -> dict[str, str]:
        """The summary of each command and each group, by name."""
        summaries = {name: command.summary for name, command in self.commands.items()}
        return {**self.groups, **summaries}

    def _listed(self, group: str) -> Iterator[tuple[str, str]]:
        """The commands of a group, or all groups and all commands without a group."""
        if group:
            names = [name for name in self.commands if name.startswith(f"{group} ")]
        else:
            names = list(dict.fromkeys(name.partition(" ")[0] for name in self.commands))
        return ((name, self._names[name]) for name in names)

    def _line(self, name: str) -> str:
        return f"{self.name} {name}".rstrip()

    def _named(self, tokens: Sequence[str]) -> str:
        """The first command or group in a line; empty if there is none."""
        pairs = itertools.pairwise([*tokens, ""])
        names = (name for first, second in pairs for name in (f"{first} {second}", first))
        return next((name for name in names if name in self._names), "")

    def _bind(self, line: list[str]) -> Callable[[], None]:
        """The command of a line with its values, after Fire has accepted the whole line."""
        functions = {name: _deferred(command) for name, command in self.commands.items()}
        action = None
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(fire.core.FireExit):
            action = fire.Fire(functions, line, self.name, serialize=lambda _: None)
        if not isinstance(action, _Action):
            raise UsageError(f"Fire does not understand {line}.")
        return action.run

    def _normalise(self, argv: Sequence[str]) -> list[str]:
        """Normalises a line: the command, its words, and each option once as `--name=value`."""
        name = ""  # of the command, as far as it has been read
        words: list[str] = []
        values: dict[str, str] = {}  # by option
        waiting: Parameter | None = None  # an option that still needs its value
        only_values = False  # after '--'
        for token in argv:
            if only_values or not OPTION.match(token):
                longer = f"{name} {token}".lstrip()
                if waiting:
                    values[waiting.shown], waiting = token, None
                elif longer in self._names and not words:
                    name = longer
                elif name in self.commands:
                    words.append(token)
                else:
                    raise UsageError(self._unknown(longer))
                continue
            if token == "--":  # noqa: S105 - not a password
                only_values = True
                continue
            _not_without_value(waiting)
            known = self.commands[name].options if name in self.commands else self.shared
            option, value = _option(token, known)
            if option.shown in values:
                raise UsageError(f"{option.shown} is given twice.")
            waiting = None if value is not None or option.is_flag else option
            values[option.shown] = "true" if value is None else value
        _not_without_value(waiting)
        if name not in self.commands:
            known_names = ", ".join(listed for listed, _ in self._listed(name))
            raise UsageError(f"a command is missing; known: {known_names}.")
        command = self.commands[name]
        for shown in values.keys() - command.options.keys() - self.shared.keys():
            raise UsageError(_unknown_option(shown, command.options))
        values = {shown: value for shown, value in values.items() if shown in command.options}
        command.check(words, values)
        return [name, *words, *(f"{shown}={value}" for shown, value in values.items())]

    def _unknown(self, name: str) -> str:
        """Says that a command is unknown, and which one may be meant."""
        group, _, last = name.rpartition(" ")
        known = {listed.rpartition(" ")[2]: listed for listed, _ in self._listed(group)}
        if not group:  # the name of a group may have been left out
            known = {listed.rpartition(" ")[2]: listed for listed in self._names} | known
        close = difflib.get_close_matches(last, known, n=1)
        listed = (listed for listed, _ in self._listed(group))
        return f"unknown command {name!r}; {_hint([known[c] for c in close], listed)}"


def _option(token: str, options: Mapping[str, Parameter]) -> tuple[Parameter, str | None]:
    """The option that a token names, and its value if any: `--top-k=5`, `-n=5` or `-n5`."""
    shorts = {option.short: option for option in options.values() if option.short}
    name, equals, value = token.partition("=")
    if name[:2] in shorts and f"-{name}" not in options:
        name, equals, value = name[:2], name[2:] + equals, (token[2:]).removeprefix("=")
    option = options.get(name) or shorts.get(name)
    if not option:
        raise UsageError(_unknown_option(name, options))
    return option, value if equals else None


def _unknown_option(name: str, options: Mapping[str, Parameter]) -> str:
    """Says that an option is unknown, and which one may be meant."""
    known = [*options, "--help", "--version"]
    if len(name) == 2:
        close = [option for option in known if option.startswith(f"-{name}")]
    else:
        close = difflib.get_close_matches(name, known, n=1)
    return f"unknown option {name}; {_hint(close, known)}"


def _hint(close: Sequence[str], known: Iterable[str]) -> str:
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}."


def _not_without_value(option: Parameter | None) -> None:
    """Raises UsageError if an option still needs its value."""
    if option:
        raise UsageError(
            f"{option.shown} needs a value; write one that begins with '-' as {option.shown}=..."
        )
