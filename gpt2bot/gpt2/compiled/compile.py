"""Makes the compiled model of a checkpoint, where it is missing, stale or damaged."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gpt2bot import __version__
from gpt2bot.errors import ModelError, UsageError
from gpt2bot.gpt2.compiled import sealed
from gpt2bot.gpt2.compiled.artifacts import (
    FORMAT,
    PRECISIONS,
    SAMPLER,
    Artifacts,
    find_artifacts,
    first_writable,
    places,
)
from gpt2bot.gpt2.compiled.engine import LiteRTEngine
from gpt2bot.gpt2.compiled.packed import find_packed
from gpt2bot.gpt2.compiled.runtime import Graph, default_threads, library_version
from gpt2bot.gpt2.folders import replaced_folder
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.layout import checkpoint_files, checkpoint_fingerprint, read_description
from gpt2bot.gpt2.lock import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Say = Callable[[str], None]


def load_engine(
    folder: Path,
    hparams: HParams,
    *,
    precision: str = "int8",
    threads: int | None = None,
    say: Say = lambda _: None,
) -> LiteRTEngine:
    """Loads the compiled model of a folder, and compiles it first if need be.

    Args:
        folder: Of the model.
        hparams: Its hyperparameters.
        precision: Of its weights: one of `artifacts.PRECISIONS`.
        threads: Threads to compute with; None takes what suits the machine.
        say: Told what is being done, a line at a time.

    Raises:
        CheckpointError: The checkpoint is damaged, or discarded and not to be done without.
        ModelError: It must be compiled, and there is no room or no place for it.
    """
    artifacts = compile_model(folder, precision=precision, say=say)
    elsewhere = places(folder, precision)[1]
    packed = find_packed(artifacts, elsewhere, say)
    return LiteRTEngine(artifacts, packed, hparams, threads or default_threads())


def compile_model(folder: Path, *, precision: str = "int8", say: Say = lambda _: None) -> Artifacts:
    """Gives the compiled model of a folder, which is made unless it is there and fits.

    Args:
        folder: Of the model.
        precision: Of the weights: one of `artifacts.PRECISIONS`.
        say: Told what is being done, a line at a time.

    Raises:
        UsageError: There is no such precision.
        CheckpointError: The checkpoint is damaged; or it was discarded, and what was compiled from
            it cannot be used.
        ModelError: There is no room or no place for it.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"there is no precision {precision!r}: choose {' or '.join(PRECISIONS)}")
    hparams = HParams.read(folder / "hparams.json")
    if found := find_artifacts(folder, hparams, precision, say):
        return found
    try:
        place = first_writable(places(folder, precision))
        with exclusive(place, wait=say):
            # Another process may have made it meanwhile.
            if found := find_artifacts(folder, hparams, precision, lambda _: None):
                return found
            _check_room(place, hparams, precision)
            say(f"compiling {folder.name} to {precision}: this is done once")
            with replaced_folder(place) as new:
                manifest = _make(folder, new, precision)
            artifacts = Artifacts(place, manifest)
            find_packed(artifacts, places(folder, precision)[1], say)
            say(_summary(folder.name, precision, manifest["accuracy"]))
            return artifacts
    except OSError as error:
        raise ModelError(f"cannot write the compiled {folder.name}: {error}") from error


def discard_checkpoint(folder: Path, precision: str) -> int:
    """Deletes the float32 weights of a model, from which it was compiled.

    Returns:
        The bytes that are free now.

    Raises:
        ModelError: The compiled model does not lie beside the checkpoint.
    """
    if not (places(folder, precision)[0] / sealed.MANIFEST).exists():
        raise ModelError(f"{folder} cannot be written, so its checkpoint stays")
    files = checkpoint_files(folder)
    size = sum(path.stat().st_size for path in files)
    for path in files:  # first the one that says that there is a checkpoint
        path.unlink()
    return size


def _make(folder: Path, new: Path, precision: str) -> dict[str, Any]:
    """Fills a folder with a compiled model, and returns its manifest."""
    import numpy as np
    from tqdm import tqdm

    from gpt2bot.gpt2.checkpoint import stream_weights
    from gpt2bot.gpt2.compiled.accuracy import Accuracy
    from gpt2bot.gpt2.compiled.convert import (
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
        lookup = np.float32 if precision == "float32" else np.float16
        np.save(new / f"{name}.npy", value.numpy().astype(lookup))
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
    return sealed.seal(
        new,
        {
            "format": FORMAT,
            "precision": precision,
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


def _check_room(place: Path, hparams: HParams, precision: str) -> None:
    """Raises ModelError if the disk has no room for graphs, packed weights and embeddings."""
    from tqdm import tqdm

    bytes_each, lookup = (4, 4) if precision == "float32" else (1, 2)
    n_embeddings = (hparams.n_vocab + hparams.n_ctx) * hparams.n_embd
    needed = 2 * bytes_each * hparams.n_params + lookup * n_embeddings
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
