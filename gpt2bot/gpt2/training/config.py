"""The settings of a training, and the command that it is started with."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        n_vocab: Tokens to learn, from scratch.
        n_ctx: Positions of a model from scratch.
        n_embd: Width of a model from scratch.
        n_head: Heads of a model from scratch.
        n_layer: Layers of a model from scratch.
        epochs: Passes over the training items.
        batch_size: Sequences a step.
        block_size: Tokens a sequence, at most the model's context.
        learning_rate: At its peak; 0 stands for 2e-3 from scratch and 1e-4 for fine-tuning.
        warmup: Steps until the learning rate is at its peak; at most a tenth of all.
        weight_decay: Of matrices, see `AdamW`.
        dropout: Share of activations that is dropped.
        validation_share: Share of the items that is measured and not trained on.
        evaluate_every: Steps from one measurement to the next; at most a tenth of all.
        patience: Measurements in a row without a better loss after which training stops.
        seed: Of the split, the order, the initial weights and dropout.
    """

    n_vocab: int = 6144
    n_ctx: int = 128
    n_embd: int = 192
    n_head: int = 4
    n_layer: int = 6
    epochs: float = 10.0
    batch_size: int = 32
    block_size: int = 256
    learning_rate: float = 0.0
    warmup: int = 200
    weight_decay: float = 0.1
    dropout: float = 0.1
    validation_share: float = 0.02
    evaluate_every: int = 250
    patience: int = 4
    seed: int = 0


def train_command(identity: Mapping[str, Any], name: str) -> str:
    """The command of a training; its files stand there without their folders.

    Args:
        identity: What `train` keeps of it: its `settings` and `files`.
        name: Of the model.
    """
    usual = asdict(TrainConfig()) | {"base": None}
    changed = {key: x for key, x in identity["settings"].items() if x != usual.get(key)}
    options = [f"--{key.replace('_', '-')}={x}" for key, x in {"name": name, **changed}.items()]
    return shlex.join(["gpt2bot", "train", *(file["name"] for file in identity["files"]), *options])
