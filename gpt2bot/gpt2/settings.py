"""What an owner can choose of the language model. Importing it loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Predicate, doc

from gpt2bot.fields import check_limits

__all__ = [
    "DEFAULT_ENGINE",
    "DEFAULT_PRECISION",
    "DownloadSettings",
    "EngineName",
    "PrecisionName",
    "Sampling",
]

EngineName = Literal["litert", "tensorflow"]
DEFAULT_ENGINE: EngineName = "litert"

PrecisionName = Literal["int8", "float32"]
DEFAULT_PRECISION: PrecisionName = "int8"


def _is_web_address(text: str) -> bool:
    scheme, _, rest = text.partition("://")
    return scheme in ("http", "https") and not rest.startswith("/") and len(rest.split()) == 1


WebAddress = Annotated[
    str, Predicate(_is_web_address), doc("an address that begins with https:// or http://")
]


@dataclass(frozen=True)
class Sampling:
    """How the model draws its tokens; see `sampler.sample`.

    Attributes:
        temperature: Values below 1 make likely tokens likelier; values above 1 make them less
            likely.
        top_k: Each token is drawn from this many of the likeliest tokens; 0 draws from all.
        top_p: Each token is drawn from the likeliest tokens that together have this probability.
        length: The maximum number of tokens that the model adds to the prompt. A tweet needs about
            70.
        candidates: The number of candidates generated at once.

    Raises:
        ValueError: A value is out of its range.
    """

    temperature: Annotated[float, Gt(0), Le(100)] = 0.9
    top_k: Annotated[int, Ge(0)] = 40
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0
    length: Annotated[int, Ge(1)] = 80
    candidates: Annotated[int, Ge(1), Le(256)] = 8

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True)
class DownloadSettings:
    """Where the published models come from.

    Attributes:
        base_url: The address to download published models from. Each model has a folder below it.
    """

    base_url: WebAddress = "https://openaipublic.blob.core.windows.net/gpt-2/models"
