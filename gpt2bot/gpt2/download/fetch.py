"""Downloads a model that OpenAI published.

An incomplete model is in the hidden folder `.NAME.part`, with a record of what the server said
about each file. The folder survives any interruption, and the next run resumes with it. Once every
file and the checkpoint as a whole are verified, the folder is renamed to the model's name.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING

from gpt2bot.errors import CheckpointError, ModelError, explain_stop
from gpt2bot.files import making, write_atomically
from gpt2bot.gpt2.download.registry import (
    FILES,
    TRAINING_REPORT,
    canonical_name,
    is_compiled,
)
from gpt2bot.gpt2.download.remote_file import RemoteFile, size_of
from gpt2bot.gpt2.download.transfer import RetryPolicy, Server
from gpt2bot.gpt2.formats.layout import STATE_FILE
from gpt2bot.gpt2.settings import DownloadSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

DEFAULT_RETRY_POLICY = RetryPolicy()
RECORD = "download.json"


def verify_checkpoint(folder: Path) -> None:
    """Checks a complete model. Loads TensorFlow."""
    from gpt2bot.gpt2.formats.checkpoint import verify

    verify(folder)


def download(
    name: str,
    models_dir: Path,
    *,
    base_url: str = DownloadSettings.base_url,
    verify: Callable[[Path], None] = verify_checkpoint,
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
) -> Path:
    """Downloads a published model to `models_dir`, unless it is already there.

    Args:
        name: One of `registry.PUBLISHED`, or an old name.
        models_dir: The folder of models; it is created if it does not exist.
        base_url: The URL of the folder that contains the models' folders.
        verify: Checks a folder, and raises `CheckpointError` if it is not a complete model.
        retry_policy: How long to wait for the server, and how often to try again.

    Returns:
        The model's folder.

    Raises:
        UsageError: There is no such model, or `base_url` is not a web address.
        CheckpointError: The model arrived damaged, or its folder exists but is incomplete.
        ModelMissingError: The server does not have it, or refuses to send it.
        ModelError: The disk is full, or `models_dir` cannot be written.
        NetworkError: The server cannot be reached. The next run resumes.
        LockedError: Another process is making a model of this name.
    """
    model = canonical_name(name)
    if model != name.upper():
        logger.info("%s is the old name of %s", name, model)
    folder = models_dir / model
    with _plain_ends(model, models_dir):
        if _is_in_place(folder):
            logger.info("%s is already downloaded: %s", model, folder)
            return folder
        with (
            Server(f"{base_url.rstrip('/')}/{model}", retry_policy=retry_policy) as server,
            making(folder),
        ):
            if not _is_in_place(folder):  # another process may have been faster
                part = models_dir / f".{model}.part"
                part.mkdir(exist_ok=True)
                _fetch_files(server, part, model)
                logger.info("checking %s", model)
                _verify(verify, part, model)
                part.rename(folder)
    logger.info("%s is complete: %s", model, folder)
    return folder


def plan(
    remote: Iterable[RemoteFile], record: Iterable[RemoteFile], sizes: Mapping[str, int]
) -> dict[str, int]:
    """Decides how many bytes of each file to keep from an earlier run.

    A file is resumed if the server still says the same about it as when its bytes arrived, and if
    it sends a validator, which would show a change.

    Args:
        remote: What the server says now.
        record: What it said when the bytes arrived.
        sizes: How many bytes of each file have arrived.

    Returns:
        The number of bytes to keep, by file name; 0 to start the file again.
    """
    recorded = set(record)
    return {
        file.name: size
        if file in recorded and file.validator and (size := sizes[file.name]) <= file.length
        else 0
        for file in remote
    }


def _fetch_files(server: Server, part: Path, model: str) -> None:
    from tqdm import tqdm

    remote = [server.describe(name) for name in FILES]
    kept = plan(remote, _read_record(part), {name: size_of(part / name) for name in FILES})
    for name, size in kept.items():
        if size == 0:
            (part / name).unlink(missing_ok=True)
    # Not earlier: the record must never describe another version than the bytes on disk.
    _write_record(part, remote)
    total = sum(file.length for file in remote)
    missing, free = total - sum(kept.values()), shutil.disk_usage(part).free
    if missing > free:
        raise ModelError(
            f"{model} needs another {tqdm.format_sizeof(missing, 'B')}, but only "
            f"{tqdm.format_sizeof(free, 'B')} are free in {part.parent}; free some space, then run "
            f"`gpt2bot download {model}` again"
        )
    logger.info(
        "downloading %s from %s: %s of %s",
        model,
        server.host,
        tqdm.format_sizeof(missing, "B"),
        tqdm.format_sizeof(total, "B"),
    )
    _write_record(part, [server.fetch(file, part / file.name) for file in remote])


def _verify(verify: Callable[[Path], None], part: Path, model: str) -> None:
    try:
        verify(part)
    except CheckpointError as error:
        shutil.rmtree(part)
        raise CheckpointError(
            f"{model} arrived damaged and was deleted: {error}; run `gpt2bot download {model}` "
            "again, or try another base URL"
        ) from error


def _is_in_place(folder: Path) -> bool:
    """Whether the model is there, judged by the sizes of its files."""
    if not folder.exists():
        return False
    if (folder / TRAINING_REPORT).exists():
        raise CheckpointError(
            f"{folder} holds a model that was trained, not OpenAI's: give it another name, then"
            " download again"
        )
    if is_compiled(folder) and not (folder / STATE_FILE).exists():
        return True  # its checkpoint was discarded
    lengths = {file.name: file.length for file in _read_record(folder)}
    sizes = {name: size_of(folder / name) for name in FILES}
    wrong = [name for name, size in sizes.items() if size == 0 or size != lengths.get(name, size)]
    if wrong:
        raise CheckpointError(
            f"{folder} is incomplete ({', '.join(wrong)} missing or truncated): move it away, "
            "then download again"
        )
    return True


def _read_record(folder: Path) -> list[RemoteFile]:
    try:
        entries = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return [RemoteFile(**entry) for entry in entries]
    except (FileNotFoundError, ValueError, TypeError):
        return []


def _write_record(folder: Path, files: Iterable[RemoteFile]) -> None:
    write_atomically(folder / RECORD, json.dumps([asdict(file) for file in files], indent=1))


@contextlib.contextmanager
def _plain_ends(model: str, models_dir: Path) -> Iterator[None]:
    """Turns an interruption or a disk error into one line that says how to resume."""
    again = f"`gpt2bot download {model}`"
    try:
        with explain_stop(f"during the download: {again} resumes it"):
            yield
    except OSError as error:
        raise ModelError(
            f"cannot write to {models_dir}: {error}; fix this, then run {again} to resume"
        ) from error
