"""Fire without its traps.

Fire calls a command first and complains about the rest of the line after: `post --dryrun` would
post. It guesses: `--prompt --dry-run` gives the prompt 'True' and `--prompt=1e3` a float, `-d` is
any option that begins with d, of two equal options the last one counts, `keys` is a command if the
commands are in a dict, and what follows the last `--` steers Fire itself.

So a line is first brought to a form that leaves nothing to guess: the command is a single word even
if its name has two, as "queue add"; every option is known, stands once and is written
`--name=value`; the words are those that the command takes. Fire then finds the command, reads the
values by the annotations of its parameters and binds them; the command itself runs only after Fire
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

# What begins with a hyphen is an option: not a hyphen alone, and not a negative number.
OPTION = re.compile(r"-[^\d.]")


class _Action:
    """A command with its values, to be run later: Fire must find nothing in it to go on with."""

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run

    def __dir__(self) -> list[str]:
        return []


def _deferred(command: Command) -> Callable[..., _Action]:
    """A command as Fire sees it: it reads the values, and leaves the rest for later."""

    @functools.wraps(command.function)
    def defer(*words: Any, **options: Any) -> _Action:
        return _Action(functools.partial(command.function, *words, **options))

    SetParseFns(**{parameter.name: parameter.read for parameter in command.parameters})(defer)
    if command.words:
        SetParseFn(command.words[-1].read)(defer)  # Fire has no name for one of `*words`
    return defer


@dataclass(frozen=True)
class Program:
    """A program of several commands.

    Attributes:
        name: What is typed to start it.
        version: Its version.
        about: What it does, in one line.
        functions: Its commands by their names; a name of two words begins with that of a group.
        groups: What each group is about that is not a command itself.
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
        """The commands by their names; `help` and `version` are among them."""
        functions = {**self.functions, "help": self._show_help, "version": self._show_version}
        return {name: Command(name, function) for name, function in functions.items()}

    @functools.cached_property
    def shared(self) -> dict[str, Parameter]:
        """The options that all of `functions` have: they may stand before the command, too."""
        first, *others = (self.commands[name].options for name in self.functions)
        return {name: p for name, p in first.items() if all(name in o for o in others)}

    def parse(self, argv: Sequence[str]) -> Callable[[], None]:
        """What a line asks for, not yet done: a command, help or the version.

        Raises:
            UsageError: The line is wrong.
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
        """What a command does; or a group or the whole program, and the commands in it."""
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
        """Shows what the program does, or what a command does.

        Args:
            command: The name of a command or of a group.
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
        """What each command and each group does, by their names."""
        summaries = {name: command.summary for name, command in self.commands.items()}
        return {**self.groups, **summaries}

    def _listed(self, group: str) -> Iterator[tuple[str, str]]:
        """The commands of a group; or all that are in none, and the groups."""
        if group:
            names = [name for name in self.commands if name.startswith(f"{group} ")]
        else:
            names = list(dict.fromkeys(name.partition(" ")[0] for name in self.commands))
        return ((name, self._names[name]) for name in names)

    def _line(self, name: str) -> str:
        return f"{self.name} {name}".rstrip()

    def _named(self, tokens: Sequence[str]) -> str:
        """The first command or group that is named; empty if there is none."""
        pairs = itertools.pairwise([*tokens, ""])
        names = (name for first, second in pairs for name in (f"{first} {second}", first))
        return next((name for name in names if name in self._names), "")

    def _bind(self, line: list[str]) -> Callable[[], None]:
        """The command of a line with its values, once Fire has accepted all of it."""
        functions = {name: _deferred(command) for name, command in self.commands.items()}
        action = None
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(fire.core.FireExit):
            action = fire.Fire(functions, line, self.name, serialize=lambda _: None)
        if not isinstance(action, _Action):
            raise UsageError(f"Fire does not understand {line}.")
        return action.run

    def _normalise(self, argv: Sequence[str]) -> list[str]:
        """A line as the command, its words, and its options as `--name=value`, each once."""
        name = ""  # of the command, as far as it has been read
        words: list[str] = []
        values: dict[str, str] = {}  # by the options' names
        waiting: Parameter | None = None  # an option, for its value
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
        """Says that there is no such command, and which one may be meant."""
        group, _, last = name.rpartition(" ")
        known = {listed.rpartition(" ")[2]: listed for listed, _ in self._listed(group)}
        if not group:  # the name of a group may have been left out
            known = {listed.rpartition(" ")[2]: listed for listed in self._names} | known
        close = difflib.get_close_matches(last, known, n=1)
        listed = (listed for listed, _ in self._listed(group))
        return f"unknown command {name!r}; {_hint([known[c] for c in close], listed)}"


def _option(token: str, options: Mapping[str, Parameter]) -> tuple[Parameter, str | None]:
    """The option that a token names, and its value if it has one: `--top-k=5`, `-n=5` or `-n5`."""
    shorts = {option.short: option for option in options.values() if option.short}
    name, equals, value = token.partition("=")
    if name[:2] in shorts and f"-{name}" not in options:
        name, equals, value = name[:2], name[2:] + equals, (token[2:]).removeprefix("=")
    option = options.get(name) or shorts.get(name)
    if not option:
        raise UsageError(_unknown_option(name, options))
    return option, value if equals else None


def _unknown_option(name: str, options: Mapping[str, Parameter]) -> str:
    """Says that there is no such option, and which one may be meant."""
    known = [*options, "--help", "--version"]
    if len(name) == 2:
        close = [option for option in known if option.startswith(f"-{name}")]
    else:
        close = difflib.get_close_matches(name, known, n=1)
    return f"unknown option {name}; {_hint(close, known)}"


def _hint(close: Sequence[str], known: Iterable[str]) -> str:
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}."


def _not_without_value(option: Parameter | None) -> None:
    """An option at the end of a line, or before another option, must not take that for a value."""
    if option:
        raise UsageError(
            f"{option.shown} needs a value; one that begins with '-' is written {option.shown}=..."
        )
