"""The settings of a training."""

from __future__ import annotations

from dataclasses import dataclass


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
