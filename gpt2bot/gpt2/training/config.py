"""The settings of a training, and the command that starts it."""

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
        n_vocab: Vocabulary size of a model trained from scratch.
        n_ctx: Context length in tokens of a model trained from scratch.
        n_embd: Embedding width of a model trained from scratch.
        n_head: Attention heads of a model trained from scratch.
        n_layer: Layers of a model trained from scratch.
        epochs: Passes over the training items.
        batch_size: Sequences per step.
        block_size: Tokens per sequence; at most the model's context.
        learning_rate: Peak learning rate; 0 means 2e-3 from scratch and 1e-4 for fine-tuning.
        warmup: Steps until the learning rate reaches its peak; at most a tenth of all steps.
        weight_decay: Weight decay of the matrices; see `AdamW`.
        dropout: Share of activations that are dropped.
        validation_share: Share of the items that are held out for validation.
        evaluate_every: Steps between two validations; at most a tenth of all steps.
        patience: Validations in a row without a better loss after which training stops.
        seed: Seed of the split, the order, the initial weights and dropout.
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
    """The command that starts a training, with file names that lack their folders.

    Args:
        identity: The `settings` and `files` of the training, as `train` stores them.
        name: The name of the model.
    """
    usual = asdict(TrainConfig()) | {"base": None}
    changed = {key: x for key, x in identity["settings"].items() if x != usual.get(key)}
    options = [f"--{key.replace('_', '-')}={x}" for key, x in {"name": name, **changed}.items()]
    return shlex.join(["gpt2bot", "train", *(file["name"] for file in identity["files"]), *options])
