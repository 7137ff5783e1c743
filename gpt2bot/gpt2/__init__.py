"""GPT-2: tokenizer, checkpoint, network, sampler, generation, training and download.

`GPT2` is the way in. It is imported when it is first asked for, since it loads TensorFlow, which
takes seconds that a command like `gpt2bot --help` does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpt2bot.gpt2.model import GPT2

__all__ = ["GPT2"]


def __getattr__(name: str) -> Any:
    if name != "GPT2":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gpt2bot.gpt2.model import GPT2

    return GPT2
