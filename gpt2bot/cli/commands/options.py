"""Types of the options of commands, with their limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

from gpt2bot.cli.signature import Configured, Known, Setting, Short
from gpt2bot.gpt2.download.registry import PUBLISHED, ModelName
from gpt2bot.gpt2.settings import DEFAULT_PRECISION, DownloadSettings, PrecisionName, Sampling
from gpt2bot.gpt2.training.config import TrainConfig

__all__ = [
    "BaseUrl",
    "BatchSize",
    "ConfiguredModel",
    "Epochs",
    "Length",
    "NContext",
    "NEmbedding",
    "NHead",
    "NLayer",
    "NSamples",
    "NVocabulary",
    "Outcome",
    "Precision",
    "PublishedModel",
    "Rate",
    "Rows",
    "Seed",
    "Temperature",
    "TopK",
    "TopP",
    "TweetNumber",
    "given",
]

Rows = Annotated[int, Ge(1), Le(1_000_000)]  # SQLite limits the size of numbers
NSamples = Annotated[Rows, Short("n")]
Seed = Annotated[int, Ge(0), Le(2**53 - 1)]  # exact in JSON numbers

TweetNumber = Annotated[int, Ge(1)]
Outcome = Literal["posted", "absent"]  # as in `posting/reconcile.py`

Temperature = Annotated[float, Setting(Sampling, "temperature"), Configured()]
TopK = Annotated[int, Setting(Sampling, "top_k"), Configured()]
TopP = Annotated[float, Setting(Sampling, "top_p"), Configured()]
Length = Annotated[int, Setting(Sampling, "length"), Configured()]

ConfiguredModel = Annotated[ModelName, Configured()]
Precision = Annotated[PrecisionName, Configured(DEFAULT_PRECISION)]
PublishedModel = Annotated[str, Known(tuple(PUBLISHED))]  # the command also accepts old names
BaseUrl = Annotated[str, Setting(DownloadSettings, "base_url"), Configured()]

Epochs = Annotated[float, Gt(0), Setting(TrainConfig, "epochs")]
BatchSize = Annotated[int, Ge(1), Setting(TrainConfig, "batch_size")]
Rate = Annotated[float, Gt(0)]
NVocabulary = Annotated[int, Ge(1), Setting(TrainConfig, "n_vocab")]
NContext = Annotated[int, Ge(1), Setting(TrainConfig, "n_ctx")]
NEmbedding = Annotated[int, Ge(1), Setting(TrainConfig, "n_embd")]
NHead = Annotated[int, Ge(1), Setting(TrainConfig, "n_head")]
NLayer = Annotated[int, Ge(1), Setting(TrainConfig, "n_layer")]


def given(**options: Any) -> dict[str, Any]:
    """The options that are given on the line."""
    return {name: value for name, value in options.items() if value is not None}
