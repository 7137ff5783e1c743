"""Reads and writes checkpoints in the layout of OpenAI's release.

The weights are a TensorFlow checkpoint of format V2 (tensorflow/core/util/tensor_bundle): an index
of names, shapes and CRC-32C checksums, and a data file. The text file `checkpoint` names both. In
the files, tensors are called `model/...`, and the kernels of OpenAI's `conv1d` have a leading axis
of size one. In memory, names and shapes are those of `HParams.shapes`.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from gpt2bot.errors import CheckpointError
from gpt2bot.files import replaced_folder
from gpt2bot.gpt2.formats.layout import (
    ONE_MODEL,
    PREFIX,
    STATE_FILE,
    advise,
    checkpoint_files,
    checkpoint_prefix,
    read_description,
)
from gpt2bot.gpt2.tensorflow import tf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.tokenizer import Tokenizer

    Weights = Mapping[str, tf.Tensor]

SCOPE = "model/"

# What TensorFlow's reader raises if files are damaged, truncated or not a checkpoint at all.
_READER_ERRORS = (tf.errors.OpError, IndexError, ValueError, RuntimeError)


def read_weights(folder: Path, hparams: HParams) -> dict[str, tf.Tensor]:
    """Reads all tensors of a model, one at a time, so that no weight is in memory twice.

    Returns:
        The float32 tensors, with the names and shapes of `hparams.shapes()`.

    Raises:
        CheckpointError: A file or tensor is missing, a tensor does not have the shape that
            `hparams.json` implies, or its bytes do not match the CRC in the index.
    """
    return dict(stream_weights(folder, hparams))


def verify(folder: Path) -> None:
    """Checks a whole model: hyperparameters, vocabulary, and each tensor's presence, shape and CRC.

    Raises:
        ModelMissingError: The folder does not exist.
        CheckpointError: A file or tensor is damaged or does not match; the message names it.
    """
    hparams, _ = read_description(folder)
    for _ in stream_weights(folder, hparams):
        pass


def write_model(
    folder: Path,
    hparams: HParams,
    tokenizer: Tokenizer,
    weights: Weights,
    texts: Mapping[str, str] | None = None,
) -> None:
    """Writes a model. An existing one is replaced once the new one is complete.

    Args:
        folder: The model's folder.
        hparams: The model's hyperparameters.
        tokenizer: Its tokenizer.
        weights: Its tensors, with the names and shapes of `hparams.shapes()`.
        texts: Additional text files for the folder, by name.
    """
    with replaced_folder(folder) as new:
        for name, text in (texts or {}).items():
            (new / name).write_text(text, encoding="utf-8")
        (new / "hparams.json").write_text(hparams.to_json(), encoding="utf-8")
        tokenizer.write(new)
        write_tensors(new / PREFIX, _openai_tensors(hparams, weights))
        _write_meta_graph(new / f"{PREFIX}.meta", hparams)
        state = f'model_checkpoint_path: "{PREFIX}"\nall_model_checkpoint_paths: "{PREFIX}"\n'
        (new / STATE_FILE).write_text(state, encoding="utf-8")


def write_tensors(prefix: Path, tensors: Weights) -> None:
    """Writes tensors as a TensorFlow checkpoint: `prefix`.index and `prefix`.data-...

    Raises:
        OSError: They cannot be written, for example because the disk is full.
    """
    try:
        tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=list(tensors.values()),
        )
    except tf.errors.OpError as error:
        raise OSError(f"cannot write {prefix}: {_reason(error)}") from error


def stream_weights(folder: Path, hparams: HParams) -> Iterator[tuple[str, tf.Tensor]]:
    """Reads a model's tensors one at a time, in the network's order; see `read_weights`."""
    prefix = checkpoint_prefix(folder)
    for path in checkpoint_files(folder):
        if not os.access(path, os.R_OK):
            raise CheckpointError(
                f"cannot read {path}: make it readable for the user who runs the bot"
            )
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        stored: dict[str, list[int]] = reader.get_variable_to_shape_map()
        dtypes: dict[str, Any] = reader.get_variable_to_dtype_map()
    except _READER_ERRORS as error:
        problem = f"{prefix}.index is damaged: {_reason(error)}"
        raise CheckpointError(advise(problem, folder)) from error
    for name, shape in hparams.shapes().items():
        full_name = SCOPE + name
        if full_name not in stored:
            raise CheckpointError(f"{prefix}: the tensor {full_name} is missing: {ONE_MODEL}")
        found = tuple(stored[full_name])
        if found not in (shape, (1, *shape)):
            raise CheckpointError(
                f"{prefix}: the tensor {full_name} has shape {list(found)}, but hparams.json "
                f"implies {list(shape)}: {ONE_MODEL}"
            )
        if not dtypes[full_name].is_floating:
            kind = dtypes[full_name].name
            raise CheckpointError(f"{prefix}: the tensor {full_name} is {kind}, not float32")
        try:
            (tensor,) = tf.raw_ops.RestoreV2(
                prefix=str(prefix),
                tensor_names=[full_name],
                shape_and_slices=[""],
                dtypes=[dtypes[full_name]],
            )
        except _READER_ERRORS as error:
            problem = f"the tensor {full_name} is damaged: {_reason(error)}"
            raise CheckpointError(
                advise(f"{prefix}.data-00000-of-00001: {problem}", folder)
            ) from error
        yield name, tf.cast(tf.reshape(tensor, shape), tf.float32)


def _openai_tensors(hparams: HParams, weights: Weights) -> dict[str, tf.Tensor]:
    return {
        SCOPE + name: tf.reshape(weights[name], _openai_shape(name, shape))
        for name, shape in hparams.shapes().items()
    }


def _openai_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1, *shape) if name.endswith("/w") else shape


def _write_meta_graph(path: Path, hparams: HParams) -> None:
    """Writes the graph of the variables, for tools that restore it with `import_meta_graph`."""
    with tf.Graph().as_default():
        for name, shape in hparams.shapes().items():
            tf.compat.v1.get_variable(
                SCOPE + name, _openai_shape(name, shape), tf.float32, use_resource=False
            )
        saver = tf.compat.v1.train.Saver()
        tf.compat.v1.train.export_meta_graph(str(path), saver_def=saver.saver_def)


def _reason(error: Exception) -> str:
    """What TensorFlow says, without the names of its operations."""
    message = re.sub(r"\{\{.*?\}\}|\[Op:\w+\]", "", str(getattr(error, "message", error)))
    return " ".join(message.split())
