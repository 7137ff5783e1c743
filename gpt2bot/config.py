"""Typed settings: from a TOML file and the environment, or the defaults.

The file is the one that `--config` names, else `$GPT2BOT_CONFIG`, else `./config.toml`, else
`config.toml` in the user's configuration folder. Any key can come from the environment instead, as
`GPT2BOT_` and its path joined by `__` (`GPT2BOT_X__CONSUMER_KEY`), and then wins over the file.

A relative path in the file is relative to the file, so that cron's working directory does not
matter; one from the environment is relative to the working directory, as in a shell.

The sections are the settings classes of the packages that they are for: defaults, limits and help
stand there, and `fields` reads them. A field of type `SecretStr` is never shown, wherever it is.
"""

from __future__ import annotations

import difflib
import json
import os
import shlex
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

from annotated_types import Ge
from platformdirs import user_config_path, user_data_path, user_state_path
from pydantic import (
    BaseModel,
    ConfigDict,
    PrivateAttr,
    ValidationError,
    field_validator,
)

from gpt2bot.environment import FILE_VARIABLE, Key, read_environment
from gpt2bot.errors import ConfigurationError
from gpt2bot.fields import Field, allowed, fields_of, is_secret, is_settings, shown
from gpt2bot.gpt2.download.registry import ModelName  # noqa: TC001 - pydantic reads it
from gpt2bot.gpt2.settings import (
    DEFAULT_ENGINE,
    DEFAULT_PRECISION,
    DownloadSettings,
    EngineName,
    PrecisionName,
    Sampling,
)
from gpt2bot.posting.client import Account
from gpt2bot.posting.limits import Limits
from gpt2bot.tweets.filter import FilterSettings
from gpt2bot.tweets.settings import TweetSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Settings", "load_settings"]


class Settings(BaseModel):
    """All settings of one bot. `load_settings` makes them.

    Attributes:
        model: The model that writes: the name of a folder in models_dir. Without it, the largest
            published one that is there. The small one that comes with gpt2bot posts only if it is
            named: "demo".
        models_dir: Where models are. The folder must exist. Without this setting it is `models`
            beside the configuration file, which is made when it is needed.
        state_dir: Where the bot remembers what it posted. Two bots need two of them. Without it:
            `state` beside the configuration file.
        engine: What runs the model: "litert", from weights compiled once for this machine; or
            "tensorflow", which takes seconds longer to start and four times the memory, for owners
            of a GPU.
        precision: Of the compiled weights: "int8", or "float32", which takes four times the memory
            and time and changes next to nothing in what is written.
        threads: Threads to compute with. Without it: as many as there are processors, at most 4.
        sampling: How the model draws its tokens.
        tweets: What a tweet begins and ends with.
        filter: What the filter rejects.
        download: Where the published models come from.
        limits: What keeps a slip in a cron line from doing harm.
        x: The account at X.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
        str_strip_whitespace=True,
    )

    model: ModelName | None = None
    models_dir: Path = Path("models")
    state_dir: Path = Path("state")
    engine: EngineName = DEFAULT_ENGINE
    precision: PrecisionName = DEFAULT_PRECISION
    threads: Annotated[int, Ge(1)] | None = None
    sampling: Sampling = Sampling()
    tweets: TweetSettings = TweetSettings()
    filter: FilterSettings = FilterSettings()
    download: DownloadSettings = DownloadSettings()
    limits: Limits = Limits()
    x: Account = Account()

    _file: Path | None = PrivateAttr(None)
    _warnings: tuple[str, ...] = PrivateAttr(())

    @field_validator("models_dir", "state_dir", mode="before")
    @classmethod
    def _not_blank(cls, folder: object) -> object:
        """A blank path would be the working directory."""
        if isinstance(folder, str) and not folder.strip():
            raise ValueError("must name a folder")
        if "\0" in str(folder):
            raise ValueError("must not hold the character U+0000")
        return folder

    @field_validator("models_dir")
    @classmethod
    def _is_there(cls, folder: Path) -> Path:
        """One that is named must be there, or a disk that is not mounted would go unnoticed."""
        try:
            next(folder.iterdir(), None)
        except FileNotFoundError:
            advice = f"mount its disk, or create it with `mkdir -p {shlex.quote(str(folder))}`"
            raise ValueError(f"there is no folder {folder}{_target(folder)}: {advice}") from None
        except NotADirectoryError:
            raise ValueError(f"{folder} is not a folder: name one that holds models") from None
        except OSError as error:
            advice = "let the user who runs the bot read it"
            raise ValueError(f"cannot read {folder} ({error.strerror}): {advice}") from None
        return folder

    @property
    def file(self) -> Path | None:
        """The file they came from; None if there is none."""
        return self._file

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not wrong but deserves a line on stderr."""
        return self._warnings


def load_settings(
    path: str | Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Reads the settings.

    Args:
        path: What `--config` says, or None.
        environ: The variables that may hold settings.

    Raises:
        ConfigurationError: The file cannot be read, or keys are unknown or wrong: all at once.
    """
    file = _find_file(path, environ)
    values = _read_toml(file) if file else {}
    warnings = _exposed(file, values)
    variables, overlay = read_environment(environ, Settings)
    for section, value in _converted(overlay, Settings, base=Path()).items():
        both = isinstance(value, dict) and isinstance(values.get(section), dict)
        values[section] = values[section] | value if both else value
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, file, variables)) from None
    named = settings.model_fields_set
    folders = {name: path for name, path in _default_folders(file).items() if name not in named}
    settings = settings.model_copy(update=folders)
    settings._file = file
    settings._warnings = warnings
    return settings


def _find_file(path: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read, made absolute. One that is named must be there, the usual ones may."""
    for origin, named in (("--config", path), (FILE_VARIABLE, environ.get(FILE_VARIABLE))):
        if named:
            try:
                return _named_file(origin, _expanded(Path(named)).absolute())
            except OSError as error:
                raise ConfigurationError(f"cannot read {named}: {error.strerror}") from None
    if (here := Path("config.toml").absolute()).is_file():
        return here
    usual = _of_user(user_config_path) / "config.toml"
    return usual if usual.is_file() else None


def _of_user(folder: Callable[[str], Path]) -> Path:
    """A folder of the user who runs the bot, by a function of platformdirs."""
    try:
        return folder("gpt2bot")
    except RuntimeError:
        raise ConfigurationError(
            "the user who runs the bot has no home folder: set HOME, or name a configuration file"
            f" with --config or {FILE_VARIABLE}"
        ) from None


def _named_file(origin: str, path: Path) -> Path:
    """The file that is named, or the `config.toml` in the folder that is named."""
    file = path / "config.toml" if path.is_dir() else path
    if file.is_file():
        return file
    if path.is_dir():
        raise ConfigurationError(f"{origin} names the folder {path}, which holds no config.toml")
    raise ConfigurationError(f"{origin} names {path}{_target(path)}, and there is no such file")


def _target(path: Path) -> str:
    """Where a link leads, for a message."""
    return f" (a link to {path.readlink()})" if path.is_symlink() else ""


def _expanded(path: Path) -> Path:
    """A path with the home for `~`."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"there is no folder {path}, since the home that it begins with is not known: write the"
            " path out"
        ) from None


def _default_folders(file: Path | None) -> dict[str, Any]:
    """Where models and state lie unless a setting says so: beside the file, if there is one."""
    if file:
        return {"models_dir": file.parent / "models", "state_dir": file.parent / "state"}
    here = Path("models").absolute()
    return {
        "models_dir": here if here.is_dir() else _of_user(user_data_path) / "models",
        "state_dir": _of_user(user_state_path),
    }


def _read_toml(file: Path) -> dict[str, Any]:
    """The values of a file."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from None
    return _converted(values, Settings, base=file.parent)


def _converted(values: dict[str, Any], settings: type, *, base: Path) -> dict[str, Any]:
    """Values as the types of their settings want them, where TOML or the environment cannot tell.

    A path is relative to `base`; a list may be JSON. Python counts `true` as 1, and an owner who
    writes it for a number means something else: as text it is refused.
    """
    known = fields_of(settings)

    def convert(value: Any, field: Field) -> Any:
        if isinstance(value, dict) and is_settings(field.kind):
            return _converted(value, field.kind, base=base)
        if isinstance(value, bool) and field.kind in (int, float):
            return str(value).lower()
        if isinstance(value, str) and field.kind is Path and value.strip():
            return base / _expanded(Path(value))
        if isinstance(value, str) and field.kind in (tuple, frozenset):
            return _list_from_json(value)
        return value

    return {
        name: convert(value, known[name]) if name in known else value
        for name, value in values.items()
    }


def _list_from_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text  # which is refused, as it is no list


def _exposed(file: Path | None, values: dict[str, Any]) -> tuple[str, ...]:
    """A warning if the file holds secrets and is not its owner's alone."""
    found = ", ".join(_secrets(values, Settings))
    if not file or not found:
        return ()
    if os.name != "posix" or not stat.S_IMODE(file.stat().st_mode) & 0o077:
        return ()
    return (f"{file} holds {found}, and others can read it: chmod 600 {file}",)


def _secrets(values: dict[str, Any], settings: type) -> Iterator[str]:
    """The names of the secrets that are set."""
    for name, field in fields_of(settings).items():
        value = values.get(name)
        if is_settings(field.kind):
            nested = _secrets(value, field.kind) if isinstance(value, dict) else ()
            yield from (f"{name}.{key}" for key in nested)
        elif value and is_secret(field.hint):
            yield name


def _explain(error: ValidationError, file: Path | None, variables: Mapping[Key, str]) -> str:
    """All errors in one line, without the value of a secret."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        key, found = detail["loc"], detail["input"]
        name = ".".join(map(str, key))
        origin = next((v for k, v in variables.items() if k[: len(key)] == key[: len(k)]), file)
        if detail["type"] == "value_error":
            said = str(detail["msg"]).removeprefix("Value error, ")
            if is_settings(_hint(key)):  # its `__post_init__` begins with the name of a field
                problems.append(f"{name}.{said} ({origin})")
            else:
                problems.append(f"{name} ({origin}): {said}")
        elif detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            problems.append(f"{name} ({origin}): {_unknown(key)}")
        else:
            hint = _hint(key)
            hidden = is_secret(hint) or isinstance(found, dict)  # which may hold anything
            value = "" if hidden else f", not {shown(found)}"
            problems.append(f"{name} ({origin}): must be {allowed(hint)}{value}")
    return f"wrong settings: {'; '.join(problems)}"


def _hint(key: Key) -> Any:
    """The annotation of a setting, of an item of it, or of a section."""
    hint: Any = Settings
    for part in key:
        hint = get_args(hint)[0] if isinstance(part, int) else fields_of(hint)[part].hint
    return hint


def _unknown(key: Key) -> str:
    """Says that there is no such key, and which there are."""
    known = list(fields_of(_hint(key[:-1])))
    close = difflib.get_close_matches(str(key[-1]), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(known)}"
    return f"no such key; {hint}"
