"""Fire without its traps.

Fire calls a command first and complains about the rest of the line after: `post --dryrun` would
post. It guesses: `--prompt --dry-run` gives the prompt 'True' and `--prompt=1e3` a float, `-d` is
any option that begins with d, of two equal options the last one counts, `keys` is a command if the
commands are in a dict, and what follows the last `--` steers Fire itself.

So a line is first brought to a form that leaves nothing to guess: every option is known, stands
once and is written `--name=value`; the words are those that the command takes. Fire then finds the
command, reads the values by the annotations of its parameters and binds them; the command itself
runs only after Fire has accepted the whole line.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fire
from fire.decorators import SetParseFn, SetParseFns

from gpt2bot.cli.signature import HELP, Command, columns
from gpt2bot.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gpt2bot.cli.signature import Parameter

__all__ = ["Program"]

# What begins with a hyphen is an option: not a hyphen alone, and not a negative number.
OPTION = re.compile(r"-[^\d.]")
VERSION = ("--version", "Shows the version.")


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
        functions: Its commands.
        show: Prints help and version.
    """

    name: str
    version: str
    about: str
    functions: Sequence[Callable[..., None]]
    show: Callable[[str], None] = print

    @functools.cached_property
    def commands(self) -> dict[str, Command]:
        """The commands by their names."""
        return {function.__name__: Command(function) for function in self.functions}

    @property
    def shared(self) -> dict[str, Parameter]:
        """The options that all commands have: they may stand before the command, too."""
        first, *others = (command.options for command in self.commands.values())
        return {name: p for name, p in first.items() if all(name in o for o in others)}

    def parse(self, argv: Sequence[str]) -> Callable[[], None]:
        """What a line asks for, not yet done: a command, `--help` or `--version`.

        Raises:
            UsageError: The line is wrong.
        """
        flags = list(itertools.takewhile("--".__ne__, argv))
        command = next((self.commands[token] for token in flags if token in self.commands), None)
        if "--help" in flags or "-h" in flags:
            return lambda: self.show(command.help(self.name) if command else self.help())
        if "--version" in flags:
            return lambda: self.show(f"{self.name} {self.version}")
        try:
            return self._bind(self._normalise(argv))
        except UsageError as error:
            usage = f"{self.name} {command.name}" if command else self.name
            raise UsageError(f"{error} Run '{usage} --help'.") from None

    def help(self) -> str:
        """What the program does, and its commands."""
        summaries = [(name, command.summary) for name, command in self.commands.items()]
        shared = [(parameter.usage, parameter.help) for parameter in self.shared.values()]
        return "\n\n".join(
            (
                self.about,
                f"Usage: {self.name} COMMAND [OPTION...]",
                f"Commands:\n{columns(summaries)}",
                f"Options:\n{columns([*shared, HELP, VERSION])}",
                f"'{self.name} COMMAND --help' tells more about a command.",
            )
        )

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
        command: Command | None = None
        words: list[str] = []
        values: dict[str, str] = {}
        waiting: Parameter | None = None  # an option, for its value
        only_values = False  # after '--'
        for token in argv:
            if only_values or not OPTION.match(token):
                if waiting:
                    values[waiting.name], waiting = token, None
                elif command:
                    words.append(token)
                else:
                    command = self._command(token)
                continue
            if token == "--":  # noqa: S105 - not a password
                only_values = True
                continue
            _not_without_value(waiting)
            name, equals, value = token.partition("=")
            option = _option(name, command.options if command else self.shared)
            if option.name in values:
                raise UsageError(f"{name} is given twice.")
            waiting = None if equals or option.value_type is bool else option
            values[option.name] = value if equals else "true"
        _not_without_value(waiting)
        if not command:
            raise UsageError(f"a command is missing: {', '.join(self.commands)}.")
        command.check(words, values)
        return [command.name, *words, *(f"--{name}={value}" for name, value in values.items())]

    def _command(self, name: str) -> Command:
        if name not in self.commands:
            raise UsageError(f"unknown command {name!r}; {_did_you_mean(name, self.commands)}")
        return self.commands[name]


def _option(name: str, options: Mapping[str, Parameter]) -> Parameter:
    if name not in options:
        raise UsageError(f"unknown option {name}; {_did_you_mean(name, options)}")
    return options[name]


def _not_without_value(option: Parameter | None) -> None:
    """An option at the end of a line, or before another option, must not take that for a value."""
    if option:
        raise UsageError(
            f"{option.shown} needs a value; one that begins with '-' is written {option.shown}=..."
        )


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}."
