"""This project: int8 weights, compiled for LiteRT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.runner import PROMPT, TOP_K, main

if TYPE_CHECKING:
    from benchmarks.peers.runner import Generate


def load(model: str, threads: int) -> tuple[Generate, str]:
    """See `runner.Load`."""
    from gpt2bot import __version__
    from gpt2bot.gpt2 import GPT2

    lm = GPT2.load(model, threads=threads)
    return (
        lambda batch, length: lm.generate([PROMPT] * batch, length=length, top_k=TOP_K, seed=1),
        __version__,
    )


if __name__ == "__main__":
    main(load)
