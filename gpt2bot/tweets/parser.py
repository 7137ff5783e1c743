"""twitter-text-parser, loaded on first use: X's own rules for length and links, ported to Python.

Source of the rules: https://github.com/twitter/twitter-text, configuration version 3.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any


@cache
def twitter_text() -> Any:
    """Imports the package `twitter_text`.

    It reads its table of emoji with `pkg_resources`, which setuptools dropped in version 82 (and
    which, where it still exists, costs 0.1 s and a warning). So during the import it finds a
    module of that name with the one function that it calls.
    """
    stand_in = ModuleType("pkg_resources")
    stand_in.resource_string = _resource_string  # type: ignore[attr-defined]
    original = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        import twitter_text
    finally:
        del sys.modules["pkg_resources"]
        if original is not None:
            sys.modules["pkg_resources"] = original
    return twitter_text


def _resource_string(module: str, name: str) -> bytes:
    return Path(str(sys.modules[module].__file__)).with_name(name).read_bytes()
