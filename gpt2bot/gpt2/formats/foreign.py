"""Recognizes folders whose model is not in OpenAI's layout, as other programs write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = ("hparams.json", "encoder.json", "vocab.bpe")
HUGGING_FACE = ("*.safetensors", "pytorch_model*.bin", "tf_model*.h5")


def explain_folder(folder: Path) -> str | None:
    """Says what a folder contains and why it is not a usable model; None if that is unknown."""
    if (folder / "config.json").is_file():
        weights = [path.name for pattern in HUGGING_FACE for path in sorted(folder.glob(pattern))]
        if weights:
            return (
                f"it is in Hugging Face's format (config.json, {weights[0]}), which is not"
                " supported yet: use a model in OpenAI's layout"
            )
    checkpoints = sorted(path.stem for path in folder.glob("*.index"))
    missing = [name for name in DESCRIPTION if not (folder / name).is_file()]
    if checkpoints and missing:
        return (
            f"it has the weights {checkpoints[-1]}, but not {', '.join(missing)}: copy the missing"
            " files from the model that it was trained from"
        )
    return None
