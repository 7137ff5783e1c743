"""Typed settings: from a TOML file and the environment, or the defaults.

The file is the one that `--config` names, else `$GPT2BOT_CONFIG`, else `./config.toml`, else
`config.toml` in the user's configuration folder. Any key can come from the environment instead, as
`GPT2BOT_` and its path joined by `__` (`GPT2BOT_X__CONSUMER_KEY`), and then wins over the file.

A relative path in the file is relative to the file, so that cron's working directory does not
matter; one from the environment is relative to the working directory, as in a shell.
"""

from __future__ import annotations

import difflib
import json
import os
import reprlib
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from platformdirs import user_config_path, user_data_path, user_state_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gpt2bot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Settings", "load_settings"]

PREFIX = "GPT2BOT_"
FILE_VARIABLE = "GPT2BOT_CONFIG"
CREDENTIALS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


def _one_line(text: str) -> str:
    """What stands on a line of its own: not blank, and no second line."""
    if len(text.splitlines()) != 1 or not text.strip():
        raise ValueError("must be one line and not blank")
    return text.strip()


def _list_from_text(value: object) -> object:
    """A list as the environment gives it: JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise ValueError('must be a list, in the environment as JSON: ["one", "two"]') from None


def _absent_if_blank(value: object) -> object:
    """A credential as it is pasted: no white space around it, and a blank one is none."""
    return value.strip() or None if isinstance(value, str) else value


Line = Annotated[str, AfterValidator(_one_line)]
Words = Annotated[tuple[Line, ...], BeforeValidator(_list_from_text)]
Credential = Annotated[SecretStr | None, BeforeValidator(_absent_if_blank)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]


class _Section(BaseModel):
    """What all sections share: they are frozen, know all their keys and keep their secrets."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_boolean_as_number(cls, value: object, info: ValidationInfo) -> object:
        """Python counts `true` as 1; an owner who writes it means something else."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and annotation is not bool:
            raise ValueError("must not be true or false")
        return value


class Sampling(_Section):
    """How the model draws its tokens."""

    temperature: Annotated[float, Field(gt=0)] = 0.9
    top_k: Annotated[int, Field(ge=0)] = 40
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    length: Annotated[int, Field(ge=1)] = 80
    candidates: Annotated[int, Field(ge=1, le=256)] = 8


class Tweets(_Section):
    """What a tweet begins and ends with, and how long one is looked for."""

    label: Line = "#GPT2 #AIgenerated"
    prompts: Words = ()  # those in the box
    prompts_file: Folder | None = None
    max_rounds: Annotated[int, Field(ge=1)] = 5


class Filter(_Section):
    """What the filter rejects."""

    disabled: Words = ()
    extra_words: Words = ()
    min_words: Annotated[int, Field(ge=1)] = 6
    min_characters: Annotated[int, Field(ge=1)] = 30
    min_distinct_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    max_similarity: Annotated[float, Field(gt=0, le=100)] = 80.0
    language: Annotated[str, Field(pattern="^[a-z]{2,3}$")] = "en"


class Download(_Section):
    """Where the published models come from."""

    base_url: Annotated[str, Field(pattern=r"^https?://[^/\s]\S*$")] = (
        "https://openaipublic.blob.core.windows.net/gpt-2/models"
    )


class X(_Section):
    """The account at X."""

    consumer_key: Credential = None
    consumer_secret: Credential = None
    access_token: Credential = None
    access_token_secret: Credential = None
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0

    def missing(self) -> tuple[str, ...]:
        """The names of the credentials that are not set."""
        return tuple(name for name in CREDENTIALS if getattr(self, name) is None)

    def credentials(self) -> dict[str, str]:
        """The credentials that are set, in plain text."""
        secrets = {name: getattr(self, name) for name in CREDENTIALS}
        return {name: secret.get_secret_value() for name, secret in secrets.items() if secret}


class Limits(_Section):
    """What keeps a slip in a cron line from doing harm."""

    max_posts_per_day: Annotated[int, Field(ge=1)] = 25
    min_minutes_between_posts: Annotated[float, Field(ge=0, le=525_600)] = 10.0  # a year
    monthly_budget_usd: Annotated[float, Field(ge=0)] = 5.0
    price_per_post_usd: Annotated[float, Field(ge=0)] = 0.015

    @model_validator(mode="after")
    def _budget_pays_for_a_post(self) -> Limits:
        if self.monthly_budget_usd < self.price_per_post_usd:
            raise ValueError("monthly_budget_usd must pay for at least one post")
        return self


class Settings(_Section):
    """All settings of one bot. `load_settings` makes them."""

    model: Annotated[str, Field(pattern=r"^\w[\w.-]{0,49}$")] | None = None
    engine: Literal["litert", "tensorflow"] = "litert"
    precision: Literal["int8", "float32"] = "int8"
    threads: Annotated[int, Field(ge=1)] | None = None  # what suits the machine
    models_dir: Folder = Path("models")
    state_dir: Folder = Path("state")
    sampling: Sampling = Sampling()
    tweets: Tweets = Tweets()
    filter: Filter = Filter()
    download: Download = Download()
    limits: Limits = Limits()
    x: X = X()

    _file: Path | None = PrivateAttr(None)
    _warnings: tuple[str, ...] = PrivateAttr(())

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
    values = _default_folders(file) | (_read_toml(file) if file else {})
    warnings = _exposed(file, values)
    variables = _overlay(values, environ)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, file, variables)) from None
    settings._file = file
    settings._warnings = warnings
    return settings


def _find_file(path: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read, made absolute. One that is named must be there, the usual ones may."""
    for origin, named in (("--config", path), (FILE_VARIABLE, environ.get(FILE_VARIABLE))):
        if named:
            file = Path(named).expanduser().absolute()
            if not file.is_file():
                raise ConfigurationError(f"{origin} names {file}, and there is no such file")
            return file
    usual = (Path("config.toml"), user_config_path("gpt2bot") / "config.toml")
    return next((file.absolute() for file in usual if file.is_file()), None)


def _default_folders(file: Path | None) -> dict[str, Any]:
    """Where models and state lie unless a setting says so: beside the file, if there is one."""
    if file:
        return {"models_dir": file.parent / "models", "state_dir": file.parent / "state"}
    here = Path("models").absolute()
    return {
        "models_dir": here if here.is_dir() else user_data_path("gpt2bot") / "models",
        "state_dir": user_state_path("gpt2bot"),
    }


def _read_toml(file: Path) -> dict[str, Any]:
    """The values of a file, its paths made absolute."""
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file} is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from None
    tweets = values.get("tweets")
    for table, key in ((values, "models_dir"), (values, "state_dir"), (tweets, "prompts_file")):
        if isinstance(table, dict) and isinstance(table.get(key), str):
            table[key] = file.parent / Path(table[key]).expanduser()
    return values


def _overlay(values: dict[str, Any], environ: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """Puts what the environment says over the values; returns which variable set which key."""
    variables: dict[tuple[str, ...], str] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name == FILE_VARIABLE:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().rpartition("__")
        table = values.setdefault(section, {}) if section else values
        if isinstance(table, dict):  # else it is wrong already, and said to be
            table[key] = text
        variables[(section, key) if section else (key,)] = name
    return variables


def _exposed(file: Path | None, values: dict[str, Any]) -> tuple[str, ...]:
    """A warning if the file holds credentials and is not its owner's alone."""
    x = values.get("x")
    if not file or not isinstance(x, dict) or not x.keys() & set(CREDENTIALS):
        return ()
    if os.name != "posix" or not stat.S_IMODE(file.stat().st_mode) & 0o077:
        return ()
    return (f"{file} holds the keys of the account, and others can read it: chmod 600 {file}",)


def _explain(
    error: ValidationError, file: Path | None, variables: Mapping[tuple[str, ...], str]
) -> str:
    """All errors in one line. A value that is or could be a secret is left out."""
    problems = []
    for detail in error.errors(include_url=False, include_context=False):
        key = detail["loc"]
        name = ".".join(map(str, key))
        origin = next((v for k, v in variables.items() if k[: len(key)] == key[: len(k)]), file)
        if detail["type"] == "extra_forbidden":
            problems.append(f"{name} ({origin}): {_unknown(key)}")
            continue
        wanted = detail["msg"].replace("Input should be", "must be").replace("Value error, ", "")
        secret = key[0] == "x" and key[1:] != ("timeout",)
        found = "" if secret else f"found {reprlib.repr(detail['input'])}, "
        problems.append(f"{name} ({origin}): {found}{wanted}")
    return f"wrong settings: {'; '.join(problems)}"


def _unknown(key: tuple[int | str, ...]) -> str:
    """Says that there is no such key, and which there are."""
    model: Any = Settings
    for section in key[:-1]:
        model = model.model_fields[section].annotation
    allowed = list(model.model_fields)
    close = difflib.get_close_matches(str(key[-1]), allowed, n=1)
    hint = f"did you mean {close[0]}?" if close else f"allowed are {', '.join(allowed)}"
    return f"no such key; {hint}"
