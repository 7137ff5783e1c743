"""The training loop."""

from __future__ import annotations

import itertools
import logging
import time
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from gpt2bot.gpt2 import network
from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.training import corpus
from gpt2bot.gpt2.training.optimizer import AdamW, learning_rate
from gpt2bot.gpt2.training.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer
    from gpt2bot.gpt2.training.config import TrainConfig
    from gpt2bot.gpt2.training.state import TrainingState

logger = logging.getLogger(__name__)

MAX_GRADIENT_NORM = 1.0
SECONDS_BETWEEN_SAVES = 300
BAR = "{percentage:3.0f}%|{bar:10}| {elapsed}<{remaining} {rate_fmt}{postfix}"  # for 80 columns


class Trainer:
    """One training: its weights, data and progress."""

    def __init__(
        self,
        config: TrainConfig,
        hparams: HParams,
        tokenizer: Tokenizer,
        weights: Mapping[str, tf.Tensor],
        items: corpus.Split,
        *,
        peak: float,
    ) -> None:
        self._config, self._hparams, self._tokenizer, self._peak = config, hparams, tokenizer, peak
        self.weights = {name: tf.Variable(value) for name, value in weights.items()}
        self._optimizer = AdamW(self.weights, weight_decay=config.weight_decay)
        self._items = [tokenizer.encode(item) for item in items.training]
        self._validation = Validation(items.validation, tokenizer, hparams, self.weights)
        self._block_size = min(config.block_size, hparams.n_ctx)
        per_epoch = corpus.batches_per_epoch(
            self._items, block_size=self._block_size, size=config.batch_size
        )
        self.total = max(1, round(config.epochs * per_epoch))
        # Even a short training, such as one on a few hundred lines, warms up and is evaluated.
        self._warmup = min(config.warmup, self.total // 10)
        self._evaluate_every = max(1, min(config.evaluate_every, self.total // 10))
        self._progress: dict[str, Any] = {"step": 0, "seconds": 0.0, "losses": [], "curve": []}

    @property
    def step(self) -> int:
        """The number of updates so far."""
        return int(self._optimizer.step)

    @property
    def _variables(self) -> dict[str, tf.Variable]:
        return self._optimizer.variables | {
            f"weight/{name}": value for name, value in self.weights.items()
        }

    def resume(self, state: TrainingState, progress: dict[str, Any]) -> None:
        """Restores a saved state."""
        self._progress = progress
        state.restore(progress["step"], self._variables)

    def save(self, state: TrainingState) -> None:
        """Saves everything that `resume` needs."""
        state.save(self._progress | {"step": self.step}, self._variables)

    def run(
        self,
        state: TrainingState,
        write_best: Callable[[dict[str, Any]], None],
        *,
        is_stopped: Callable[[], bool],
    ) -> None:
        """Trains until all steps are done or the held-out loss no longer improves.

        Args:
            state: Where to save the progress at intervals.
            write_best: Writes the model. Called with its figures whenever it is the best so far.
            is_stopped: Called before each step; returns whether to stop.
        """
        progress, curve = self._progress, self._progress["curve"]
        tokens = self._block_size * self._config.batch_size
        saved = began = time.monotonic()
        with tqdm(
            total=self.total * tokens,
            initial=self.step * tokens,
            unit="tok",
            unit_scale=True,
            disable=None,
            dynamic_ncols=True,
            bar_format=BAR,
        ) as bar:
            for batch in self._batches():
                if self.step >= self.total or self._is_stalled() or is_stopped():
                    break
                progress["losses"].append(float(self._train_step(batch, self._learning_rate())))
                bar.set_postfix_str(self._losses(), refresh=False)
                bar.update(tokens)
                if self.step % self._evaluate_every == 0 or self.step == self.total:
                    self._measure()
                    if bar.disable:
                        logger.info(", ".join(f"{key} {value}" for key, value in curve[-1].items()))
                    if curve[-1] is self._best():
                        write_best(self.figures())
                now = time.monotonic()
                progress["seconds"] += now - began
                began = now
                if now - saved > SECONDS_BETWEEN_SAVES:
                    self.save(state)
                    saved = now
        if self.step < self.total and self._is_stalled():
            best = self._best()
            logger.info(
                "stopped early, at step %d of %d: the held-out loss has not improved in %d"
                " measurements since step %d, where it was %s",
                self.step,
                self.total,
                self._config.patience,
                best["step"],
                best["held_out_loss"],
            )

    def figures(self) -> dict[str, Any]:
        """The figures of the training so far, for `training.json`."""
        tokens = self.step * self._block_size * self._config.batch_size
        seconds = self._progress["seconds"]
        return {
            "steps": self.step,
            "tokens": tokens,
            "seconds": round(seconds),
            "tokens_per_second": round(tokens / seconds) if seconds else None,
            "best": self._best(),
            "curve": self._progress["curve"],
        }

    def _batches(self) -> tf.data.Dataset:
        def generate() -> Iterator[np.ndarray]:
            return corpus.batches(
                self._items,
                self._tokenizer.end_of_text,
                block_size=self._block_size,
                size=self._config.batch_size,
                seed=self._config.seed,
                start=self.step,
            )

        signature = tf.TensorSpec([self._config.batch_size, self._block_size + 1], tf.int32)
        return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)

    def _learning_rate(self) -> tf.Tensor:
        rate = learning_rate(self.step, peak=self._peak, warmup=self._warmup, total=self.total)
        return tf.constant(rate, tf.float32)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def _train_step(self, batch: tf.Tensor, rate: tf.Tensor) -> tf.Tensor:
        """One update on a batch [size, block_size + 1]; returns the loss in nats per token."""
        places = itertools.count()

        def dropout(x: tf.Tensor) -> tf.Tensor:
            # Stateless: masks depend only on seed, step and place, so a resumed run repeats them.
            seed = tf.stack([tf.constant(self._config.seed, tf.int64), self._optimizer.step])
            seed = tf.random.experimental.stateless_fold_in(seed, next(places))
            return tf.nn.experimental.stateless_dropout(x, self._config.dropout, seed=seed)

        with tf.GradientTape() as tape:
            logits = network.forward(
                self.weights,
                self._hparams,
                batch[:, :-1],
                dropout=dropout if self._config.dropout else network.identity,
            )
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels=batch[:, 1:], logits=logits)
            )
        gradients = tape.gradient(loss, list(self.weights.values()))
        gradients, _ = tf.clip_by_global_norm(gradients, MAX_GRADIENT_NORM)
        self._optimizer.apply([tf.convert_to_tensor(g) for g in gradients], rate)
        return loss

    def _measure(self) -> None:
        losses = self._progress["losses"]
        loss, bits = self._validation.measure()
        self._progress["curve"].append(
            {
                "step": self.step,
                "loss": round(sum(losses) / len(losses), 4),
                "held_out_loss": round(loss, 4),
                "bits_per_character": round(bits, 4),
            }
        )
        losses.clear()

    def _losses(self) -> str:
        """The training loss since the last measurement, and the held-out loss in that."""
        losses, curve = self._progress["losses"], self._progress["curve"]
        held_out = f", held out {curve[-1]['held_out_loss']:.3f}" if curve else ""
        return f"loss {sum(losses) / len(losses):.3f}{held_out}"

    def _best(self) -> dict[str, float]:
        best: dict[str, float] = min(self._progress["curve"], key=lambda m: m["held_out_loss"])
        return best

    def _is_stalled(self) -> bool:
        curve = self._progress["curve"]
        return bool(curve) and len(curve) - 1 - curve.index(self._best()) >= self._config.patience
