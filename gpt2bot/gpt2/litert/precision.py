"""The precisions that a model can be compiled to, one row each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpt2bot.errors import UsageError
from gpt2bot.gpt2.settings import PrecisionName  # noqa: TC001 - beside its table

__all__ = ["PRECISIONS", "Precision", "find_precision"]


@dataclass(frozen=True)
class Precision:
    """How the weights of a compiled model are stored.

    Attributes:
        name: Its name in the configuration and on the command line.
        bytes_per_weight: Bytes of a weight, in a graph and again in the weight cache.
        embedding: Type of the stored embeddings.
        quantized: Whether to apply dynamic range quantization: matrices have 8-bit weights with a
            scale per output, and their inputs are rounded to 8 bits row by row.
    """

    name: PrecisionName
    bytes_per_weight: int
    embedding: type[np.floating]
    quantized: bool

    def disk_space(self, n_params: int, n_embeddings: int) -> int:
        """Bytes of a compiled model: graphs, weight cache and embeddings."""
        itemsize = np.dtype(self.embedding).itemsize
        return 2 * self.bytes_per_weight * n_params + itemsize * n_embeddings


PRECISIONS: dict[str, Precision] = {
    row.name: row
    for row in (
        Precision("int8", 1, np.float16, quantized=True),
        Precision("float32", 4, np.float32, quantized=False),
    )
}


def find_precision(name: str) -> Precision:
    """The precision of this name.

    Raises:
        UsageError: The name is unknown.
    """
    if name not in PRECISIONS:
        raise UsageError(f"unknown precision {name!r}: choose {' or '.join(PRECISIONS)}")
    return PRECISIONS[name]
