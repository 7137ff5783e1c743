"""Random weights in the true shapes of a GPT-2, the same for every system.

This module needs only NumPy, because the peers' converters run it in their own environments.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gpt2bot.gpt2.hparams import HParams

SCALE = 0.02  # from GPT-2's own initialization


def random_tensors(hparams: HParams) -> Iterator[tuple[str, np.ndarray]]:
    """Draws each float32 tensor, with the names and shapes of `hparams.shapes()`.

    No row ends early. `<|endoftext|>`, the last token of OpenAI's vocabulary, has an embedding near
    zero and so a logit near zero. Tens of thousands of logits are spread around zero, so it is
    never among the top 40.
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
