"""Compiles a model if its compiled form is missing, outdated or damaged."""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
from typing import TYPE_CHECKING, Any

from gpt2bot import __version__
from gpt2bot.errors import CheckpointError, ModelError
from gpt2bot.files import check_writable, is_being_made, making, replaced_folder
from gpt2bot.gpt2.formats.layout import (
    checkpoint_files,
    checkpoint_fingerprint,
    how_to_restore,
    is_discarded,
    read_description,
)
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.litert.artifacts import (
    SAMPLER,
    Artifacts,
    find_artifacts,
    first_writable,
    manifest_facts,
    places,
)
from gpt2bot.gpt2.litert.engine import LiteRTEngine
from gpt2bot.gpt2.litert.manifest import MANIFEST, damaged_files, write_manifest
from gpt2bot.gpt2.litert.precision import Precision, find_precision
from gpt2bot.gpt2.litert.runtime import Graph, default_threads, library_version
from gpt2bot.gpt2.litert.weight_cache import ensure_weight_cache, find_weight_cache
from gpt2bot.gpt2.settings import DEFAULT_PRECISION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)


def load_engine(
    folder: Path,
    hparams: HParams,
    *,
    precision: str = DEFAULT_PRECISION,
    threads: int | None = None,
) -> LiteRTEngine:
    """Loads the compiled model of a folder, and compiles it first if necessary.

    Args:
        folder: The model's folder.
        hparams: The model's hyperparameters.
        precision: Precision of the weights, one of `precision.PRECISIONS`.
        threads: Number of threads; None chooses by the machine, see `default_threads`.

    Raises:
        UsageError: The precision is unknown.
        CheckpointError: As from `compile_model`.
        ModelError: As from `compile_model`.
    """
    artifacts = compile_model(folder, precision=precision)
    _, fallback = places(folder, precision)
    weight_cache = ensure_weight_cache(artifacts, fallback)
    return LiteRTEngine(artifacts, weight_cache, hparams, threads or default_threads())


def compile_model(folder: Path, *, precision: str = DEFAULT_PRECISION) -> Artifacts:
    """Returns the compiled model of a folder, and compiles it first if none is usable.

    Args:
        folder: The model's folder.
        precision: Precision of the weights, one of `precision.PRECISIONS`.

    Raises:
        UsageError: The precision is unknown.
        CheckpointError: The checkpoint is damaged; or it was discarded and no compiled model is
            usable.
        ModelError: No folder is writable, or the disk is full.
    """
    row = find_precision(precision)
    hparams = HParams.read(folder / "hparams.json")
    if found := find_artifacts(folder, hparams, precision):
        return found
    candidates = places(folder, precision)
    try:
        place = first_writable(candidates)
        with making(place, wait=True):
            # Another process may have compiled it in the meantime.
            if found := find_artifacts(folder, hparams, precision, level=logging.DEBUG):
                return found
            _check_disk_space(place, hparams, row)
            logger.info("compiling %s to %s: this is done once", folder.name, precision)
            with replaced_folder(place) as new:
                manifest = _compile(folder, new, row)
            artifacts = Artifacts(place, manifest)
            ensure_weight_cache(artifacts, candidates[1])
            logger.info(_summary(folder.name, precision, manifest["accuracy"]))
            return artifacts
    except OSError as error:
        raise _no_place(folder, precision, error) from error


def verify_compiled(folder: Path, precision: str) -> Path | None:
    """Checks every byte of a compiled model and its weight cache against their manifests.

    Loading checks less: it trusts a file whose size and modification time are unchanged.

    Args:
        folder: The model's folder.
        precision: Precision of the weights.

    Returns:
        The folder of the compiled model; None if there is none yet, but the first use can make it.

    Raises:
        CheckpointError: The compiled model or its weight cache is damaged; or there is no compiled
            model and the checkpoint is damaged.
        ModelError: There is no compiled model, and no place, no disk space or no TensorFlow to
            make it.
    """
    hparams = HParams.read(folder / "hparams.json")
    beside, elsewhere = places(folder, precision)
    existing = [place for place in (beside, elsewhere) if place.is_dir()]
    if is_discarded(folder):
        advice = how_to_restore(folder)
    else:
        checkpoint_fingerprint(folder)  # a damaged checkpoint must not cost the compiled model
        compiled = " and ".join(map(str, existing))
        advice = f"move {compiled} away, then run `gpt2bot compile {folder.name}`"
    with _advising(advice) if existing else contextlib.nullcontext():
        artifacts = find_artifacts(folder, hparams, precision, strict=True)
        if artifacts is None:
            _check_compilable(folder, hparams, precision)
            return None
        _read_through(artifacts.folder, artifacts.manifest)
    with _advising("delete that folder, and the next run makes it again"):
        if cache := find_weight_cache(artifacts, elsewhere, strict=True):
            _read_through(*cache)
    return artifacts.folder


@contextlib.contextmanager
def _advising(advice: str) -> Iterator[None]:
    """Says what to do about damage."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{error}: {advice}") from error


def _read_through(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Raises CheckpointError if a file is not what its manifest says."""
    for path in damaged_files(folder, manifest):
        raise CheckpointError(f"{path} is damaged")


def discard_checkpoint(folder: Path, precision: str) -> int:
    """Deletes the float32 weights from which a model was compiled.

    Returns:
        The number of bytes freed.

    Raises:
        ModelError: The compiled model is not in the model's folder.
    """
    beside, _ = places(folder, precision)
    if not (beside / MANIFEST).exists():
        raise ModelError(f"{folder} is not writable, so its checkpoint stays")
    files = checkpoint_files(folder)
    size = sum(path.stat().st_size for path in files)
    for path in files:  # the first is the state file, without which there is no checkpoint
        path.unlink()
    return size


def _check_compilable(folder: Path, hparams: HParams, precision: str) -> None:
    """Finds out whether `compile_model` can compile a model, and writes nothing.

    Raises:
        CheckpointError: The checkpoint is damaged.
        ModelError: No folder is writable, the disk is full, or TensorFlow is not installed.
    """
    try:
        place = first_writable(places(folder, precision))
        is_being_made(place)
        _check_disk_space(place, hparams, find_precision(precision))
    except OSError as error:
        raise _no_place(folder, precision, error) from error
    from gpt2bot.gpt2.formats.checkpoint import verify

    verify(folder)


def _no_place(folder: Path, precision: str, error: OSError) -> ModelError:
    candidates = dict.fromkeys(str(place.parent) for place in places(folder, precision))
    return ModelError(
        f"cannot write the compiled {folder.name} to {' or to '.join(candidates)}"
        f" ({error.strerror or error}): make one of them a writable folder on a local disk with"
        " free space"
    )


def _check_disk_space(place: Path, hparams: HParams, precision: Precision) -> None:
    """Raises ModelError if the disk has no room for graphs, weight cache and embeddings."""
    from tqdm import tqdm

    n_embeddings = (hparams.n_vocab + hparams.n_ctx) * hparams.n_embd
    needed = precision.disk_space(hparams.n_params, n_embeddings)
    where = check_writable(place.parent)
    free = shutil.disk_usage(where).free
    if needed > free:
        raise ModelError(
            f"the compiled model needs {tqdm.format_sizeof(needed, 'B')}, but only "
            f"{tqdm.format_sizeof(free, 'B')} are free in {where}: free some space there"
        )


def _compile(folder: Path, new: Path, precision: Precision) -> dict[str, Any]:
    """Fills the folder `new` with the compiled model of `folder`, and returns its manifest."""
    import numpy as np
    from tqdm import tqdm

    from gpt2bot.gpt2.formats.checkpoint import stream_weights
    from gpt2bot.gpt2.litert.accuracy import Accuracy
    from gpt2bot.gpt2.litert.convert import (
        convert_layer,
        convert_output,
        convert_sampler,
        output_parts,
    )
    from gpt2bot.gpt2.network import layer_weights
    from gpt2bot.gpt2.tensorflow import tf

    def write(name: str, graph: bytes) -> Graph:
        path = new / f"{name}.tflite"
        path.write_bytes(graph)
        bar.update()
        return Graph(path, threads=default_threads())

    hparams, tokenizer = read_description(folder)
    facts = manifest_facts(folder, hparams, precision.name)
    versions = {
        "gpt2bot": __version__,
        "tensorflow": tf.__version__,
        "ai-edge-litert": library_version(),
    }
    accuracy = Accuracy(tokenizer, hparams)
    weights = stream_weights(folder, hparams)
    embeddings = dict(next(weights) for _ in ("wte", "wpe"))
    accuracy.embed(embeddings)
    for name, value in embeddings.items():
        np.save(new / f"{name}.npy", value.numpy().astype(precision.embedding))
    parts = output_parts(hparams)
    tensors_per_layer = sum(name.startswith("h0/") for name in hparams.shapes())
    total = hparams.n_layer + len(parts) + 1
    with tqdm(total=total, desc=f"compiling {folder.name}", leave=False, disable=None) as bar:
        write(SAMPLER, convert_sampler(hparams))
        for number in range(hparams.n_layer):
            layer = layer_weights(dict(itertools.islice(weights, tensors_per_layer)), number)
            graph = convert_layer(layer, hparams, precision)
            accuracy.layer(layer, write(f"h{number}", graph))
        last_norm = dict(weights)
        outputs = []
        for number, part in enumerate(parts):
            graph = convert_output({**last_norm, "wte": embeddings["wte"][part]}, precision)
            outputs.append(write(f"output{number}", graph))
        measured = accuracy.output({**last_norm, **embeddings}, outputs)
    return write_manifest(new, {**facts, "versions": versions, "accuracy": measured})


def _summary(name: str, precision: str, accuracy: dict[str, Any]) -> str:
    return (
        f"compiled {name}: {precision} picks the same most probable token as float32 at "
        f"{accuracy['top1_agreement']:.1%} of positions, and takes "
        f"{accuracy['bits_per_character']:.3f} bits per character instead of "
        f"{accuracy['bits_per_character_float32']:.3f}"
    )
