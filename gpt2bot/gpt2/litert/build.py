"""Makes the compiled model of a checkpoint, where it is missing, stale or damaged."""

from __future__ import annotations

import itertools
import logging
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gpt2bot import __version__
from gpt2bot.errors import CheckpointError, ModelError
from gpt2bot.files import making, replaced_folder
from gpt2bot.gpt2.formats.layout import checkpoint_files, checkpoint_fingerprint, read_description
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.litert.artifacts import (
    FORMAT,
    SAMPLER,
    Artifacts,
    find_artifacts,
    first_writable,
    places,
)
from gpt2bot.gpt2.litert.engine import LiteRTEngine
from gpt2bot.gpt2.litert.manifest import MANIFEST, damaged_files, write_manifest
from gpt2bot.gpt2.litert.precision import DEFAULT_PRECISION, Precision, find_precision
from gpt2bot.gpt2.litert.runtime import Graph, default_threads, library_version
from gpt2bot.gpt2.litert.weight_cache import find_weight_cache, intact_weight_cache

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)


def load_engine(
    folder: Path,
    hparams: HParams,
    *,
    precision: str = DEFAULT_PRECISION,
    threads: int | None = None,
) -> LiteRTEngine:
    """Loads the compiled model of a folder, and compiles it first if need be.

    Args:
        folder: Of the model.
        hparams: Its hyperparameters.
        precision: Of its weights: one of `precision.PRECISIONS`.
        threads: Threads to compute with; None takes what suits the machine.

    Raises:
        CheckpointError: The checkpoint is damaged, or discarded and not to be done without.
        ModelError: It must be compiled, and there is no room or no place for it.
    """
    artifacts = compile_model(folder, precision=precision)
    elsewhere = places(folder, precision)[1]
    cache = find_weight_cache(artifacts, elsewhere)
    return LiteRTEngine(artifacts, cache, hparams, threads or default_threads())


def compile_model(folder: Path, *, precision: str = DEFAULT_PRECISION) -> Artifacts:
    """Gives the compiled model of a folder, which is made unless it is there and fits.

    Args:
        folder: Of the model.
        precision: Of the weights: one of `precision.PRECISIONS`.

    Raises:
        UsageError: There is no such precision.
        CheckpointError: The checkpoint is damaged; or it was discarded, and what was compiled from
            it cannot be used.
        ModelError: There is no room or no place for it.
    """
    row = find_precision(precision)
    hparams = HParams.read(folder / "hparams.json")
    if found := find_artifacts(folder, hparams, precision):
        return found
    try:
        place = first_writable(places(folder, precision))
        with making(place, wait=True):
            # Another process may have made it meanwhile.
            if found := find_artifacts(folder, hparams, precision, level=logging.DEBUG):
                return found
            _check_room(place, hparams, row)
            logger.info("compiling %s to %s: this is done once", folder.name, precision)
            with replaced_folder(place) as new:
                manifest = _make(folder, new, row)
            artifacts = Artifacts(place, manifest)
            find_weight_cache(artifacts, places(folder, precision)[1])
            logger.info(_summary(folder.name, precision, manifest["accuracy"]))
            return artifacts
    except OSError as error:
        raise ModelError(f"cannot write the compiled {folder.name}: {error}") from error


def verify_compiled(folder: Path, precision: str) -> Path | None:
    """Compares every byte of a compiled model with its manifests.

    Loading does less: it trusts the size and modification time of a file.

    Args:
        folder: Of the model.
        precision: Of the weights.

    Returns:
        Where the compiled model lies; None if it is to be made when it is first used.

    Raises:
        CheckpointError: It is damaged; or it cannot be made, since the checkpoint is.
    """
    hparams = HParams.read(folder / "hparams.json")
    here = [place for place in places(folder, precision) if place.is_dir()]
    try:
        artifacts = find_artifacts(folder, hparams, precision, strict=True)
        if artifacts is None:
            return None
        parts = [(artifacts.folder, artifacts.manifest)]
        if cache := intact_weight_cache(artifacts, places(folder, precision)[1], strict=True):
            parts.append(cache)
        for part in parts:
            for path in damaged_files(*part):
                raise CheckpointError(f"{path} is damaged")
    except CheckpointError as error:
        if not here:
            raise
        where = " and ".join(map(str, here))
        raise CheckpointError(
            f"{error}: delete {where}, then run `gpt2bot compile {folder.name}`"
        ) from error
    return artifacts.folder


def discard_checkpoint(folder: Path, precision: str) -> int:
    """Deletes the float32 weights of a model, from which it was compiled.

    Returns:
        The bytes that are free now.

    Raises:
        ModelError: The compiled model does not lie beside the checkpoint.
    """
    if not (places(folder, precision)[0] / MANIFEST).exists():
        raise ModelError(f"{folder} cannot be written, so its checkpoint stays")
    files = checkpoint_files(folder)
    size = sum(path.stat().st_size for path in files)
    for path in files:  # first the one that says that there is a checkpoint
        path.unlink()
    return size


def _make(folder: Path, new: Path, precision: Precision) -> dict[str, Any]:
    """Fills a folder with a compiled model, and returns its manifest."""
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
    accuracy = Accuracy(tokenizer, hparams)
    weights = stream_weights(folder, hparams)
    embeddings = dict(next(weights) for _ in ("wte", "wpe"))
    accuracy.embed(embeddings)
    for name, value in embeddings.items():
        np.save(new / f"{name}.npy", value.numpy().astype(precision.embedding))
    parts = output_parts(hparams)
    in_layer = sum(name.startswith("h0/") for name in hparams.shapes())
    total = hparams.n_layer + len(parts) + 1
    with tqdm(total=total, desc=f"compiling {folder.name}", leave=False, disable=None) as bar:
        write(SAMPLER, convert_sampler(hparams))
        for number in range(hparams.n_layer):
            layer = layer_weights(dict(itertools.islice(weights, in_layer)), number)
            graph = convert_layer(layer, hparams, precision)
            accuracy.layer(layer, write(f"h{number}", graph))
        last = dict(weights)
        graphs = []
        for number, part in enumerate(parts):
            graph = convert_output({**last, "wte": embeddings["wte"][part]}, precision)
            graphs.append(write(f"output{number}", graph))
        compared = accuracy.output({**last, **embeddings}, graphs)
    return write_manifest(
        new,
        {
            "format": FORMAT,
            "precision": precision.name,
            "hparams": asdict(hparams),
            "checkpoint": checkpoint_fingerprint(folder),
            "versions": {
                "gpt2bot": __version__,
                "tensorflow": tf.__version__,
                "ai-edge-litert": library_version(),
            },
            "accuracy": compared,
        },
    )


def _check_room(place: Path, hparams: HParams, precision: Precision) -> None:
    """Raises ModelError if the disk has no room for graphs, weight cache and embeddings."""
    from tqdm import tqdm

    n_embeddings = (hparams.n_vocab + hparams.n_ctx) * hparams.n_embd
    needed = precision.disk_space(hparams.n_params, n_embeddings)
    free = shutil.disk_usage(place.parent).free
    if needed > free:
        raise ModelError(
            f"the compiled model needs {tqdm.format_sizeof(needed, 'B')}, but only "
            f"{tqdm.format_sizeof(free, 'B')} are free in {place.parent}"
        )


def _summary(name: str, precision: str, accuracy: dict[str, Any]) -> str:
    return (
        f"{name} is compiled; against float32, {precision} has the same most probable token in "
        f"{accuracy['top1_agreement']:.1%} of positions, and "
        f"{accuracy['bits_per_character']:.3f} for {accuracy['bits_per_character_float32']:.3f} "
        "bits a character"
    )
