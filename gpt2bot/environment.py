"""Reads settings from environment variables, and warns of names that look misspelled.

The name of a setting's variable is `GPT2BOT_` and the setting's path joined by two underscores.
Other variables that begin with `GPT2BOT_` are ignored: Kubernetes and Docker, for example, use such
variables to describe a service or a container named `gpt2bot`.
"""

from __future__ import annotations

import difflib
import logging
import re
from typing import TYPE_CHECKING, Any

from gpt2bot.fields import fields_of, is_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FILE_VARIABLE", "Key", "read_environment"]

logger = logging.getLogger(__name__)

PREFIX = "GPT2BOT_"
FILE_VARIABLE = "GPT2BOT_CONFIG"

# Set by Kubernetes for a service (gpt2bot, gpt2bot-x), and by Docker for a linked container,
# including that container's own environment.
ORCHESTRATOR = re.compile(
    r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)|ENV_\w+"
)
LINKED = "ENV_"
NEAR = 0.8  # similarity ratio of difflib: one typing error in a word of five letters

Key = tuple[int | str, ...]  # the path of a setting, such as ("sampling", "top_k")


def read_environment(
    environ: Mapping[str, str], settings: type
) -> tuple[dict[Key, str], dict[str, Any]]:
    """Reads the settings in the environment, and warns of names that are close to a setting's.

    Args:
        environ: The environment variables.
        settings: The class of all settings.

    Returns:
        The variable that sets each key, and the values in the structure of a file.
    """
    variables: dict[Key, str] = {}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE:
            continue
        name = variable.removeprefix(PREFIX)
        has_path = "__" in variable and not name.startswith(LINKED)
        if not has_path and name.lower() not in fields_of(settings):
            if not ORCHESTRATOR.fullmatch(name) and (meant := _meant(name, settings)):
                logger.warning(
                    "%s is not a setting and is ignored: did you mean %s?", variable, meant
                )
            continue
        section, _, key = name.lower().rpartition("__")
        table = values.setdefault(section, {}) if section else values
        if isinstance(table, dict):  # otherwise it is invalid, and reported later
            table[key] = text
        variables[(section, key) if section else (key,)] = variable
    return variables, values


def _meant(name: str, settings: type) -> str | None:
    """The variable that was probably meant; None if no setting has a similar name."""
    known = {"config": FILE_VARIABLE}
    for first, field in fields_of(settings).items():
        if not is_settings(field.kind):
            known[_plain(first)] = f"{PREFIX}{first}".upper()
            continue
        section = {_plain(key): f"{PREFIX}{first}__{key}".upper() for key in fields_of(field.kind)}
        if name.lower().startswith(f"{first}_"):  # only a key of this section can be meant
            return _closest(name[len(first) :], section, near=0)
        known |= section | {f"{_plain(first)}{key}": text for key, text in section.items()}
    return _closest(name, known, near=NEAR)


def _closest(name: str, known: Mapping[str, str], *, near: float) -> str | None:
    close = difflib.get_close_matches(_plain(name), known, n=1, cutoff=near)
    return known[close[0]] if close else None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
