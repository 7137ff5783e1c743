"""The precisions that a model can be compiled to: a row each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gpt2bot.errors import UsageError

__all__ = ["DEFAULT_PRECISION", "PRECISIONS", "Precision", "find_precision"]


@dataclass(frozen=True)
class Precision:
    """How the weights of a compiled model are stored.

    Attributes:
        name: What configuration and command line call it.
        bytes_per_weight: Bytes of a weight in a graph, and again in the weight cache.
        embedding: The type of the embeddings that are looked up.
        quantized: Whether matrices get 8-bit weights with a scale for each output, and what is
            multiplied with them is rounded to 8 bits row by row (dynamic range quantization).
    """

    name: str
    bytes_per_weight: int
    embedding: type[np.floating]
    quantized: bool

    def disk_space(self, n_params: int, n_embeddings: int) -> int:
        """Bytes of a compiled model: graphs, weight cache and embeddings."""
        itemsize = np.dtype(self.embedding).itemsize
        return 2 * self.bytes_per_weight * n_params + itemsize * n_embeddings


PRECISIONS = {
    row.name: row
    for row in (
        Precision("int8", 1, np.float16, quantized=True),
        Precision("float32", 4, np.float32, quantized=False),
    )
}
DEFAULT_PRECISION = "int8"


def find_precision(name: str) -> Precision:
    """The precision of this name.

    Raises:
        UsageError: There is none.
    """
    if name not in PRECISIONS:
        raise UsageError(f"unknown precision {name!r}: choose {' or '.join(PRECISIONS)}")
    return PRECISIONS[name]
