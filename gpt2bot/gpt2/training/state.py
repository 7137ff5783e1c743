"""The state that a training run keeps on disk until it is finished, to resume after any stop."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

from gpt2bot.errors import TrainingError
from gpt2bot.files import write_atomically
from gpt2bot.gpt2.formats.checkpoint import write_tensors
from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class TrainingState:
    """A folder with the tensors of the last saved step, and a `progress.json` that names the step.

    `progress.json` is replaced only once the new tensors are complete, and the old tensors are
    deleted only after that. So a complete state exists whenever the process dies.

    Args:
        folder: The folder of the state.
        identity: The settings and data of the run; they must be the same when it resumes.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        self.identity = dict(identity)
        self._progress = folder / "progress.json"

    def load(self) -> dict[str, Any] | None:
        """The last saved progress, or None if there is none.

        Raises:
            TrainingError: It belongs to a run with different settings or data.
        """
        try:
            saved = json.loads(self._progress.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        changed = [
            key for key, value in self.identity.items() if saved["identity"].get(key) != value
        ]
        if changed:
            raise TrainingError(
                f"a training of this name was started with different {' and '.join(changed)}: "
                f"repeat its command to resume it, or move {self.folder} away to start over"
            )
        return dict(saved["progress"])

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

    def discard(self) -> None:
        """Deletes the state, `progress.json` first, so that no run resumes from half of it."""
        self._progress.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _prefix(self, step: int) -> Path:
        return self.folder / f"step-{step}"
