"""Trains a GPT-2 from scratch, or fine-tunes one."""

from __future__ import annotations

import json
import logging
import math
import platform
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt2bot.errors import TrainingError, explain_stop
from gpt2bot.files import making
from gpt2bot.gpt2.download.registry import TRAINING_REPORT
from gpt2bot.gpt2.formats.checkpoint import read_weights, write_model
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.training import corpus
from gpt2bot.gpt2.training.signals import deferred_signals
from gpt2bot.gpt2.training.state import TrainingState
from gpt2bot.gpt2.training.trainer import Trainer
from gpt2bot.gpt2.training.vocabulary import train_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gpt2bot.gpt2.tokenizer import Tokenizer
    from gpt2bot.gpt2.training.config import TrainConfig

logger = logging.getLogger(__name__)


def train(
    files: Sequence[Path],
    folder: Path,
    config: TrainConfig,
    *,
    base: Path | None = None,
    column: str | None = None,
) -> None:
    """Trains a model on text files and writes it in OpenAI's layout, with a `training.json`.

    The model is the best one by its loss on the items held out, and is in its place only when the
    training is finished. A training that was stopped in any way resumes from its last saved state
    when it is started again with the same files and settings; the same seed on the same machine
    gives the same model, stopped or not.

    Args:
        files: See `corpus.read_text_file`.
        folder: Of the new model; a training's state lies beside it until it is finished.
        config: How to train.
        base: Folder of a model to fine-tune; None trains from scratch.
        column: The column with the texts, see `corpus.read_text_file`.

    Raises:
        TrainingError: The files cannot be used, there is a model of this name already, or a
            training of this name was started with other files or settings; or the disk is full.
        CheckpointError: The base model is damaged.
        LockedError: Another process trains a model of this name.
    """
    texts = [corpus.read_text_file(path, column) for path in files]
    other = {"base": base.name if base else None} | ({"column": column} if column else {})
    identity: dict[str, Any] = {
        "settings": asdict(config) | other,
        "files": [{"name": t.name, "sha256": t.sha256, "items": len(t.items)} for t in texts],
    }
    state = TrainingState(folder, identity)
    try:
        with making(folder):
            items = corpus.split_items(texts, config.validation_share, config.seed)
            _train(items, folder, state, config, base=base)
    except OSError as error:
        raise TrainingError(f"{error}: when that is mended, the same command goes on") from error


def _train(
    items: corpus.Split,
    folder: Path,
    state: TrainingState,
    config: TrainConfig,
    *,
    base: Path | None,
) -> None:
    progress = state.load()
    if progress is not None:
        state.restore_best()
    if folder.exists():
        raise TrainingError(f"{folder} is there already: choose another name, or move it away")
    hparams, tokenizer, weights = _start(items, config, base)
    peak = config.learning_rate or (2e-3 if base is None else 1e-4)
    trainer = Trainer(config, hparams, tokenizer, weights, items, peak=peak)
    logger.info(
        "%s items to train on, %s held out; %s weights; %s steps",
        f"{len(items.training):,}",
        f"{len(items.validation):,}",
        f"{hparams.n_params:,}",
        f"{trainer.total:,}",
    )
    if progress is None:
        trainer.save(state)
    else:
        trainer.resume(state, progress)
        logger.info("resuming at step %d", trainer.step)

    def write_best(figures: dict[str, Any]) -> None:
        versions = {"python": platform.python_version(), "tensorflow": tf.__version__}
        report = json.dumps(state.identity | {"versions": versions} | figures, indent=1) + "\n"
        write_model(state.best, hparams, tokenizer, trainer.weights, {TRAINING_REPORT: report})

    with deferred_signals() as signals:
        trainer.run(state, write_best, is_stopped=lambda: bool(signals))
        if signals:
            trainer.save(state)
    if signals:
        where = f"at step {trainer.step} of {trainer.total}"
        with explain_stop(f"{where}: the same command resumes the training"):
            signal.raise_signal(signals[0])
    state.finish()


def _start(
    items: corpus.Split, config: TrainConfig, base: Path | None
) -> tuple[HParams, Tokenizer, dict[str, tf.Tensor]]:
    """The model to fine-tune; or a learned vocabulary, and random weights."""
    if base is not None:
        hparams, tokenizer = read_description(base)
        return hparams, tokenizer, read_weights(base, hparams)
    tokenizer = train_tokenizer(items.training, config.n_vocab)
    try:
        hparams = HParams(
            tokenizer.n_vocab, config.n_ctx, config.n_embd, config.n_head, config.n_layer
        )
    except ValueError as error:
        raise TrainingError(f"there is no such model: {error}") from error
    return hparams, tokenizer, initial_weights(hparams, config.seed)


def initial_weights(hparams: HParams, seed: int) -> dict[str, tf.Tensor]:
    """Random weights as GPT-2's training began with (Radford et al. 2019, section 2.3).

    Normal with a deviation of 0.02 (positions 0.01), and the projections that add to the residual
    stream scaled down by the square root of their number; gains are one and biases zero.
    """
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in hparams.shapes().items():
        if len(shape) == 1:
            value = np.full(shape, 1.0 if name.endswith("/g") else 0.0)
        else:
            deviation = 0.01 if name == "wpe" else 0.02
            if name.endswith("c_proj/w"):
                deviation /= math.sqrt(2 * hparams.n_layer)
            value = rng.normal(0.0, deviation, shape)
        weights[name] = tf.constant(value, dtype=tf.float32)
    return weights
