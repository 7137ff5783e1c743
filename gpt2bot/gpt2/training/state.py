"""What a training keeps on disk until it is finished, so that it can go on after any stop."""

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

    `progress.json` is replaced only once the tensors are complete, and older tensors are deleted
    only after that: whenever the process dies, one whole state is there.

    Args:
        folder: Where to keep it.
        identity: What must be the same for a training to go on: its settings and data.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder = folder
        self.identity = dict(identity)
        self._progress = folder / "progress.json"

    def load(self) -> dict[str, Any] | None:
        """The progress that was saved last, or None if none was.

        Raises:
            TrainingError: It belongs to a training with other settings or data.
        """
        try:
            saved = json.loads(self._progress.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        other = [key for key, value in self.identity.items() if saved["identity"].get(key) != value]
        if other:
            raise TrainingError(
                f"a training of this name was started with other {' and '.join(other)}: repeat its "
                f"command to go on with it, or delete {self.folder} to start anew"
            )
        return dict(saved["progress"])

    def save(self, progress: Mapping[str, Any], variables: Mapping[str, tf.Variable]) -> None:
        """Saves the progress, which holds its `step`, and the variables."""
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
        """Deletes all of it, and first what says that there is something to go on from."""
        self._progress.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _prefix(self, step: int) -> Path:
        return self.folder / f"step-{step}"
