"""A small false 124M, and short ways to download it from a `Bucket`."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.gpt2.download.fetch import download
from gpt2bot.gpt2.download.registry import DATA_FILE, FILES
from gpt2bot.gpt2.download.transfer import RetryPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.bucket import Bucket

DATA = f"124M/{DATA_FILE}"
SIZE = 400_000
QUICK = RetryPolicy(tries=3, first_wait=0.001)

CHILD = """
import logging, resource, sys
from pathlib import Path
from gpt2bot.errors import GPT2BotError
from gpt2bot.gpt2.download.fetch import download
logging.basicConfig(level='INFO', format='%(message)s', stream=sys.stdout)
base_url, models_dir, largest_file = sys.argv[1:]
if largest_file:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), int(largest_file)))
try:
    download("124M", Path(models_dir), base_url=base_url, verify=lambda folder: None)
except KeyboardInterrupt as stop:
    print(stop)
    sys.exit(130)
except GPT2BotError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def contents(seed: int = 0) -> dict[str, bytes]:
    """The files of a `Bucket`; only the weights are larger than one chunk of a transfer."""
    random_bytes = random.Random(seed).randbytes
    sizes = {name: SIZE if name == DATA_FILE else 1000 for name in FILES}
    return {f"124M/{name}": random_bytes(size) for name, size in sizes.items()}


def trust(folder: Path) -> None:
    """Verifies nothing."""


def fetch(bucket: Bucket, models: Path, **changes: Any) -> None:
    """Downloads 124M."""
    settings = {"base_url": bucket.url, "verify": trust, "retry_policy": QUICK}
    assert download("124M", models, **(settings | changes)) == models / "124M"


def fail(error: type[Exception], bucket: Bucket, models: Path, **changes: Any) -> str:
    """Downloads in vain, and gives the message, which is one line."""
    with pytest.raises(error) as caught:
        fetch(bucket, models, **changes)
    assert not (models / "124M").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def child(
    bucket: Bucket, models: Path, *, largest_file: int | str = "", **options: Any
) -> subprocess.Popen[str]:
    """Downloads 124M in another process; no file of it can grow beyond `largest_file` bytes."""
    arguments = [sys.executable, "-c", CHILD, bucket.url, str(models), str(largest_file)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, **options)


def start(wanted: str | None) -> int:
    """The first byte that a `Range` asks for."""
    return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0


def assert_whole(bucket: Bucket, models: Path) -> None:
    """The model is in place with every byte, and nothing is left of its making."""
    for path, content in bucket.files.items():
        assert (models / path).read_bytes() == content
    assert not (models / ".124M.part").exists()
