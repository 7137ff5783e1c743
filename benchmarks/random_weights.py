"""Random weights in the true shapes of a GPT-2: the same for every system, and kept nowhere.

It needs NumPy alone, since the peers' converters run it in their own environments.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpt2bot.gpt2.hparams import HParams

SCALE = 0.02  # of GPT-2's own initialization


def random_tensors(hparams: HParams) -> Iterator[tuple[str, np.ndarray]]:
    """Draws each tensor, float32, named and shaped as `hparams.shapes()` has them.

    No row ever ends before its time: `<|endoftext|>`, which is the last token of OpenAI's
    vocabulary, has an embedding near zero and so a logit near zero, which is far from the top 40
    of tens of thousands that lie on both sides of it.
    """
    for name, shape in hparams.shapes().items():
        generator = np.random.default_rng(zlib.crc32(name.encode()))
        tensor = generator.standard_normal(shape, dtype=np.float32)
        tensor *= SCALE
        if name.endswith("/g"):
            tensor += 1
        if name == "wte":
            tensor[-1] *= 1e-3
        yield name, tensor
