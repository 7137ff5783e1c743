"""The state that a training keeps on disk, so that it can resume after any interruption."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from gpt2bot.errors import TrainingError
from gpt2bot.files import restore_folder, write_atomically
from gpt2bot.gpt2.download.registry import PROGRESS, TRAINING_REPORT, training_folder
from gpt2bot.gpt2.formats.checkpoint import write_tensors
from gpt2bot.gpt2.tensorflow import tf
from gpt2bot.gpt2.training.config import train_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


RENAMED = {"block": "block_size", "held_out": "validation_share"}
"""Settings by the names that version 0.1.0 wrote, so that its unfinished trainings resume."""


class TrainingState:
    """A folder with the tensors of the last saved step, and a `progress.json` that names the step.

    `progress.json` is replaced only once the new tensors are complete, and the old tensors are
    deleted only after that. So a complete state exists whenever the process dies. As long as
    `progress.json` exists, the model is not finished, and `registry.find_model` does not find it.

    Attributes:
        folder: The folder of the state, a hidden folder beside the model.
        identity: The settings and data of the run; they must be the same when it resumes.
        best: The best model so far, which is moved into place when the training is finished.
    """

    def __init__(self, model: Path, identity: Mapping[str, Any]) -> None:
        """Takes the model's folder and the identity of its training. Reads and writes nothing."""
        self.folder = training_folder(model)
        self.identity = dict(identity)
        self.best = self.folder / "model"
        self._model = model
        self._progress = self.folder / PROGRESS

    def load(self) -> dict[str, Any] | None:
        """The last saved progress, or None if there is none.

        Raises:
            TrainingError: It belongs to a run with different settings or data.
        """
        try:
            saved = json.loads(self._progress.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        identity = _present(saved["identity"])
        changed = [key for key, value in self.identity.items() if identity.get(key) != value]
        if changed:
            command = train_command(identity, self._model.name)
            raise TrainingError(
                f"a training of this name was started with different {' and '.join(changed)}: "
                f"resume it with `{command}`, or choose another name"
            )
        return dict(saved["progress"])

    def restore_best(self) -> None:
        """Moves the best model so far to `best`, wherever an interruption has left it.

        It is in the model's folder if the process died while finishing the training, or if an
        earlier version of this program started the training.
        """
        for folder in (self._model, self.best):
            restore_folder(folder)
        if not self.best.exists() and self._has_made_model():
            self._model.rename(self.best)

    def save(self, progress: Mapping[str, Any], variables: Mapping[str, tf.Variable]) -> None:
        """Saves the progress, which includes its `step`, and the variables."""
        self.folder.mkdir(parents=True, exist_ok=True)
        prefix = self._prefix(progress["step"])
        write_tensors(prefix, variables)
        text = json.dumps({"identity": self.identity, "progress": progress})
        write_atomically(self._progress, text)
        for path in self.folder.glob("step-*"):
            if path.stem != prefix.name:
                path.unlink()

    def restore(self, step: int, variables: Mapping[str, tf.Variable]) -> None:
        """Assigns the saved tensors of a step to the variables."""
        reader = tf.train.load_checkpoint(str(self._prefix(step)))
        for name, variable in variables.items():
            variable.assign(reader.get_tensor(name))

    def finish(self) -> None:
        """Moves the best model into place, and deletes the rest, `progress.json` first.

        The model counts as finished once `progress.json` is gone. If the process dies before that,
        the next one finds the model in place, see `restore_best`.
        """
        self.best.rename(self._model)
        self._progress.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _has_made_model(self) -> bool:
        """Whether the model in the model's folder comes from this training."""
        try:
            report = json.loads((self._model / TRAINING_REPORT).read_text(encoding="utf-8"))
            identity = _present(report)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return False
        return all(identity.get(key) == value for key, value in self.identity.items())

    def _prefix(self, step: int) -> Path:
        return self.folder / f"step-{step}"


def _present(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of a training under the present names of its settings."""
    settings = {RENAMED.get(key, key): value for key, value in identity["settings"].items()}
    return {**identity, "settings": settings}
