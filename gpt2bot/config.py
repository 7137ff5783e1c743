"""Typed settings, read from a TOML file and the environment, with defaults.

The file is the first of these: the one named by `--config`, the one named by `$GPT2BOT_CONFIG`,
`./config.toml`, and `config.toml` in the user's configuration folder. An environment variable
overrides any key of the file. Its name is `GPT2BOT_` and the key's path joined by `__`, for example
`GPT2BOT_X__CONSUMER_KEY`.

A relative path in the file is relative to the file, so that cron's working directory does not
matter. A relative path in the environment is relative to the working directory, as in a shell.

Each section is a settings class of the package that uses it. The class has the defaults, limits and
help, which `fields` reads. A field of type `SecretStr` is never shown, wherever it is.
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
    """All settings of one bot. `load_settings` creates them.

    Attributes:
        model: The model that writes the tweets: the name of a folder in models_dir. By default, the
            largest published model found there. The small bundled model posts only if you name it:
            "demo".
        models_dir: The folder that holds the models. If you set it, it must exist. By default, it
            is `models` beside the configuration file and is created when needed.
        state_dir: The folder where the bot remembers what it posted. Each bot needs its own. By
            default, it is `state` beside the configuration file.
        engine: The engine that runs the model. "litert" uses weights compiled once for this
            machine. "tensorflow" can use a GPU, but takes seconds longer to start and four times
            the memory.
        precision: The precision of the compiled weights: "int8", or "float32", which takes four
            times the memory and time and hardly changes the text.
        threads: The number of threads to compute with. By default, the number of processors, at
            most 4.
        sampling: How the model draws its tokens.
        tweets: What tweets begin and end with.
        filter: What the filter rejects.
        download: Where the published models come from.
        limits: Limits that protect the account from a mistake in a cron line.
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
        """Refuses a blank path, which would mean the working directory."""
        if isinstance(folder, str) and not folder.strip():
            raise ValueError("must name a folder")
        if "\0" in str(folder):
            raise ValueError("must not contain the character U+0000")
        return folder

    @field_validator("models_dir")
    @classmethod
    def _is_there(cls, folder: Path) -> Path:
        """Refuses a missing folder, so that a disk that is not mounted does not go unnoticed."""
        try:
            next(folder.iterdir(), None)
        except FileNotFoundError:
            advice = f"mount its disk, or create it with `mkdir -p {shlex.quote(str(folder))}`"
            raise ValueError(f"folder {folder}{_target(folder)} not found: {advice}") from None
        except NotADirectoryError:
            raise ValueError(
                f"{folder} is not a folder: set a folder that contains models"
            ) from None
        except OSError as error:
            advice = "make it readable for the user who runs the bot"
            raise ValueError(f"cannot read {folder} ({error.strerror}): {advice}") from None
        return folder

    @property
    def file(self) -> Path | None:
        """The file that the settings come from; None if there is no file."""
        return self._file

    @property
    def warnings(self) -> tuple[str, ...]:
        """Problems that are no errors but deserve a line on stderr."""
        return self._warnings


def load_settings(
    path: str | Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Reads the settings.

    Args:
        path: The value of `--config`, or None.
        environ: The environment variables.

    Raises:
        ConfigurationError: The file cannot be read, or keys are unknown or invalid. The message
            lists all of them.
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
    """The absolute path of the file to read. A named file must exist, a default file need not."""
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
    """A folder of the user who runs the bot, found by a function of platformdirs."""
    try:
        return folder("gpt2bot")
    except RuntimeError:
        raise ConfigurationError(
            "the user who runs the bot has no home folder: set HOME, or name a configuration file"
            f" with --config or {FILE_VARIABLE}"
        ) from None


def _named_file(origin: str, path: Path) -> Path:
    """The named file, or the `config.toml` in the named folder."""
    file = path / "config.toml" if path.is_dir() else path
    if file.is_file():
        return file
    if path.is_dir():
        raise ConfigurationError(f"{origin} names the folder {path}, which contains no config.toml")
    raise ConfigurationError(f"{origin} names the file {path}{_target(path)}, which does not exist")


def _target(path: Path) -> str:
    """The target of a symbolic link, for a message."""
    return f" (a link to {path.readlink()})" if path.is_symlink() else ""


def _expanded(path: Path) -> Path:
    """A path with `~` replaced by the home folder."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"cannot resolve {path}, because the home folder is not known: write the full path"
        ) from None


def _default_folders(file: Path | None) -> dict[str, Any]:
    """The default folders of models and state: beside the configuration file, if there is one."""
    if file:
        return {"models_dir": file.parent / "models", "state_dir": file.parent / "state"}
    here = Path("models").absolute()
    return {
        "models_dir": here if here.is_dir() else _of_user(user_data_path) / "models",
        "state_dir": _of_user(user_state_path),
    }


def _read_toml(file: Path) -> dict[str, Any]:
    """The values in a file."""
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
    """Converts values to the types of their settings, as far as TOML has no such type.

    A path is relative to `base`, and a list may be JSON. A boolean given for a number becomes text,
    so that it is refused: Python would accept `true` as 1.
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
        return text  # refused later, because it is not a list


def _exposed(file: Path | None, values: dict[str, Any]) -> tuple[str, ...]:
    """A warning if the file contains secrets and others can read it."""
    found = ", ".join(_secrets(values, Settings))
    if not file or not found:
        return ()
    if os.name != "posix" or not stat.S_IMODE(file.stat().st_mode) & 0o077:
        return ()
    return (f"{file} contains {found}, and others can read it: chmod 600 {file}",)


def _secrets(values: dict[str, Any], settings: type) -> Iterator[str]:
    """The names of the secrets that have values."""
    for name, field in fields_of(settings).items():
        value = values.get(name)
        if is_settings(field.kind):
            nested = _secrets(value, field.kind) if isinstance(value, dict) else ()
            yield from (f"{name}.{key}" for key in nested)
        elif value and is_secret(field.hint):
            yield name


def _explain(error: ValidationError, file: Path | None, variables: Mapping[Key, str]) -> str:
    """All errors on one line, without the value of any secret."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        key, found = detail["loc"], detail["input"]
        name = ".".join(map(str, key))
        origin = next((v for k, v in variables.items() if k[: len(key)] == key[: len(k)]), file)
        if detail["type"] == "value_error":
            said = str(detail["msg"]).removeprefix("Value error, ")
            if is_settings(_hint(key)):  # the message of `__post_init__` starts with a field name
                problems.append(f"{name}.{said} ({origin})")
            else:
                problems.append(f"{name} ({origin}): {said}")
        elif detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            problems.append(f"{name} ({origin}): {_unknown(key)}")
        else:
            hint = _hint(key)
            hidden = is_secret(hint) or isinstance(found, dict)  # a table may contain anything
            value = "" if hidden else f", not {shown(found)}"
            problems.append(f"{name} ({origin}): must be {allowed(hint)}{value}")
    return f"wrong settings: {'; '.join(problems)}"


def _hint(key: Key) -> Any:
    """The annotation of a setting, of one of its items, or of a section."""
    hint: Any = Settings
    for part in key:
        hint = get_args(hint)[0] if isinstance(part, int) else fields_of(hint)[part].hint
    return hint


def _unknown(key: Key) -> str:
    """Says that a key is unknown, and suggests known ones."""
    known = list(fields_of(_hint(key[:-1])))
    close = difflib.get_close_matches(str(key[-1]), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
    return f"unknown key; {hint}"
