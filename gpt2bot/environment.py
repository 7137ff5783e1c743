"""Which variables of the environment are settings, and which are nearly.

A setting's variable is `GPT2BOT_` and its path joined by two underscores. Whatever else begins so
belongs to somebody else and is ignored: Kubernetes and Docker, for example, describe a service or a
container of the name `gpt2bot` in such variables.
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

# What Kubernetes says of a service (gpt2bot, gpt2bot-x), and Docker of a linked container, together
# with that container's own environment.
ORCHESTRATOR = re.compile(
    r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)|ENV_\w+"
)
LINKED = "ENV_"
NEAR = 0.8  # of 1, as difflib measures likeness: a slip in a word of five letters

Key = tuple[int | str, ...]  # the path of a setting, as ("sampling", "top_k")


def read_environment(
    environ: Mapping[str, str], settings: type
) -> tuple[dict[Key, str], dict[str, Any]]:
    """Reads what the environment says of settings; warns of what is nearly the name of one.

    Args:
        environ: The variables.
        settings: The class of all settings.

    Returns:
        Which variable sets which key, and the values as a file would have them.
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
                logger.warning("%s is no setting and is ignored: did you mean %s?", variable, meant)
            continue
        section, _, key = name.lower().rpartition("__")
        table = values.setdefault(section, {}) if section else values
        if isinstance(table, dict):  # else it is wrong already, and said to be
            table[key] = text
        variables[(section, key) if section else (key,)] = variable
    return variables, values


def _meant(name: str, settings: type) -> str | None:
    """The variable that was probably meant; None if the name is not like that of any setting."""
    known = {"config": FILE_VARIABLE}
    for first, field in fields_of(settings).items():
        if not is_settings(field.kind):
            known[_plain(first)] = f"{PREFIX}{first}".upper()
            continue
        section = {_plain(key): f"{PREFIX}{first}__{key}".upper() for key in fields_of(field.kind)}
        if name.lower().startswith(f"{first}_"):  # then it can only be one of this section
            return _closest(name[len(first) :], section, near=0)
        known |= section | {f"{_plain(first)}{key}": text for key, text in section.items()}
    return _closest(name, known, near=NEAR)


def _closest(name: str, known: Mapping[str, str], *, near: float) -> str | None:
    close = difflib.get_close_matches(_plain(name), known, n=1, cutoff=near)
    return known[close[0]] if close else None


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
