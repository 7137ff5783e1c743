"""The hyperparameters of a GPT-2, and the tensors that follow from them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from gpt2bot.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class HParams:
    """The contents of `hparams.json` in OpenAI's release.

    Attributes:
        n_vocab: Number of tokens, including `<|endoftext|>`.
        n_ctx: Number of positions: the longest sequence, in tokens.
        n_embd: Width of the residual stream.
        n_head: Attention heads per layer; divides `n_embd`.
        n_layer: Number of layers.

    Raises:
        ValueError: A value is not a whole number of at least 1, or `n_head` does not divide
            `n_embd`.
    """

    n_vocab: int
    n_ctx: int
    n_embd: int
    n_head: int
    n_layer: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise ValueError(
                    f"{field.name} must be a whole number of at least 1, not {value!r}"
                )
        if self.n_embd % self.n_head:
            raise ValueError(
                "n_embd must be a multiple of n_head, "
                f"but {self.n_embd} is not divisible by {self.n_head}"
            )

    @property
    def n_params(self) -> int:
        """Number of weights in all tensors."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every tensor in the network's order, without the prefix `model/`.

        Dense kernels are [in, out]; OpenAI's files store them as [1, in, out], see `checkpoint.py`.
        """
        e = self.n_embd
        shapes: dict[str, tuple[int, ...]] = {"wte": (self.n_vocab, e), "wpe": (self.n_ctx, e)}
        for layer in range(self.n_layer):
            shapes |= {
                f"h{layer}/{name}": shape
                for name, shape in {
                    "ln_1/g": (e,),
                    "ln_1/b": (e,),
                    "attn/c_attn/w": (e, 3 * e),
                    "attn/c_attn/b": (3 * e,),
                    "attn/c_proj/w": (e, e),
                    "attn/c_proj/b": (e,),
                    "ln_2/g": (e,),
                    "ln_2/b": (e,),
                    "mlp/c_fc/w": (e, 4 * e),
                    "mlp/c_fc/b": (4 * e,),
                    "mlp/c_proj/w": (4 * e, e),
                    "mlp/c_proj/b": (e,),
                }.items()
            }
        return shapes | {"ln_f/g": (e,), "ln_f/b": (e,)}

    def to_json(self) -> str:
        """The contents of `hparams.json`."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, path: Path) -> HParams:
        """Reads an `hparams.json`.

        Raises:
            CheckpointError: The file is missing or not JSON, or a value is missing or out of range.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
        except KeyError as error:
            raise CheckpointError(f"{path}: the value {error} is missing") from error
        except (ValueError, TypeError) as error:
            raise CheckpointError(f"{path}: {error}") from error
