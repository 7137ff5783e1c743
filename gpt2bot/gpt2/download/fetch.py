"""Downloads a model that OpenAI published.

What is not yet a whole model lies in the hidden folder `.NAME.part`, with a record of what the
server told of each file. It survives any interruption, and the next run goes on with it. The folder
gets its name, in one step, once every file and the checkpoint as a whole are found to be right.
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
from gpt2bot.gpt2.download.registry import FILES, canonical_name, is_compiled
from gpt2bot.gpt2.download.transfer import RemoteFile, RetryPolicy, Server, size_of
from gpt2bot.gpt2.formats.layout import STATE_FILE
from gpt2bot.gpt2.settings import DownloadSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

DEFAULT_RETRY_POLICY = RetryPolicy()
RECORD = "download.json"


def verify_checkpoint(folder: Path) -> None:
    """Checks a whole model; loads TensorFlow."""
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
    """Makes a published model available in `models_dir`; where it is already, nothing is sent.

    Args:
        name: One of `registry.PUBLISHED`, or an old name.
        models_dir: The folder of models; it is made if need be.
        base_url: Where the folders of the models lie.
        verify: Raises `CheckpointError` if the folder that it is given is not a whole model.
        retry_policy: How long to wait for the server, and how often to try again.

    Returns:
        The model's folder.

    Raises:
        UsageError: There is no such model, or `base_url` is not a web address.
        CheckpointError: The model came damaged, or what lies in its place is no whole model.
        ModelMissingError: The server does not have it, or does not give it.
        ModelError: The disk is full, or `models_dir` cannot be written.
        NetworkError: The server cannot be reached; what came is kept, for the next run.
        LockedError: Another process makes a model of this name.
    """
    model = canonical_name(name)
    if model != name.upper():
        logger.info("%s is the old name of %s", name, model)
    folder = models_dir / model
    with _plain_ends(model, models_dir):
        if _is_in_place(folder):
            logger.info("%s is already here: %s", model, folder)
            return folder
        with (
            Server(f"{base_url.rstrip('/')}/{model}", retry_policy=retry_policy) as server,
            making(folder),
        ):
            if not _is_in_place(folder):  # another process may have come first
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
    """Decides how many bytes of each file can be kept from before.

    A file is gone on with if the server tells the same of it as when its bytes came, and if what
    it tells would show a change.

    Args:
        remote: What the server tells now.
        record: What it told when the bytes came.
        sizes: How many bytes of each file are here.

    Returns:
        The bytes to keep, by file name; 0 for a file that begins anew.
    """
    told = set(record)
    return {
        file.name: size
        if file in told and file.validator and (size := sizes[file.name]) <= file.length
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
    # Only now, with no byte here of another version than the one it tells of.
    _write_record(part, remote)
    total = sum(file.length for file in remote)
    missing, free = total - sum(kept.values()), shutil.disk_usage(part).free
    if missing > free:
        raise ModelError(
            f"{model} needs {tqdm.format_sizeof(missing, 'B')} more, but only "
            f"{tqdm.format_sizeof(free, 'B')} are free in {part.parent}; make room, then run "
            f"`gpt2bot download {model}` again"
        )
    logger.info(
        "fetching %s from %s: %s of %s",
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
            f"{model} came damaged and was deleted: {error}; run `gpt2bot download {model}` again, "
            "or try another base URL"
        ) from error


def _is_in_place(folder: Path) -> bool:
    """Whether the model is there, as far as the lengths of its files tell."""
    if not folder.exists():
        return False
    if is_compiled(folder) and not (folder / STATE_FILE).exists():
        return True  # its checkpoint was discarded
    told = {file.name: file.length for file in _read_record(folder)}
    sizes = {name: size_of(folder / name) for name in FILES}
    wrong = [name for name, size in sizes.items() if size == 0 or size != told.get(name, size)]
    if wrong:
        raise CheckpointError(
            f"{folder} is no whole model ({', '.join(wrong)} missing or cut short): move it away, "
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
    """Says in one line how to go on after an interruption, or what is wrong with the disk."""
    again = f"`gpt2bot download {model}`"
    try:
        with explain_stop(f"during the download: {again} resumes it"):
            yield
    except OSError as error:
        raise ModelError(
            f"cannot write to {models_dir}: {error}; when that is mended, {again} goes on"
        ) from error
