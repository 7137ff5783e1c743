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

    The result is the model with the lowest loss on the held-out items. It appears in `folder` only
    when the training is finished. A training that was stopped in any way resumes from its last
    saved state when it is started again with the same files and settings. The same seed on the same
    machine gives the same model, whether the training was stopped or not.

    Args:
        files: See `corpus.read_text_file`.
        folder: The folder of the new model. The training's state is beside it until it is finished.
        config: How to train.
        base: The folder of a model to fine-tune; None trains from scratch.
        column: The column with the texts, see `corpus.read_text_file`.

    Raises:
        TrainingError: The files cannot be used, a model of this name already exists, a training of
            this name was started with other files or settings, or the disk is full.
        CheckpointError: The base model is damaged.
        LockedError: Another process is training a model of this name.
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
        raise TrainingError(f"{error}; fix this, then run the same command to resume") from error


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
        raise TrainingError(f"{folder} already exists: choose another name, or move it away")
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
    """The model to fine-tune; or a newly learned vocabulary with random weights."""
    if base is not None:
        hparams, tokenizer = read_description(base)
        return hparams, tokenizer, read_weights(base, hparams)
    tokenizer = train_tokenizer(items.training, config.n_vocab)
    try:
        hparams = HParams(
            tokenizer.n_vocab, config.n_ctx, config.n_embd, config.n_head, config.n_layer
        )
    except ValueError as error:
        raise TrainingError(f"invalid model settings: {error}") from error
    return hparams, tokenizer, initial_weights(hparams, config.seed)


def initial_weights(hparams: HParams, seed: int) -> dict[str, tf.Tensor]:
    """Random initial weights like those of GPT-2 (Radford et al. 2019, section 2.3).

    They are normal with a standard deviation of 0.02 (positions: 0.01). Projections that add to the
    residual stream are divided by the square root of their number. Gains are one, biases zero.
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
