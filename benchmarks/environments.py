"""Scratch environments of the peers, created once and reused by later runs."""

from __future__ import annotations

import platform
import shutil
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import MeasureError, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MARKER = "installed.txt"
_NODE_ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


def python_environment(folder: Path, requirements: Sequence[str]) -> Path:
    """Creates a virtual environment and returns its interpreter.

    Raises:
        MeasureError: The requirements cannot be installed.
    """
    python = folder / "bin" / "python"
    if not _is_made(folder, requirements):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run([sys.executable, "-m", "venv", folder], {}, folder)
        run([python, "-m", "pip", "install", "-q", *requirements], {}, folder)
        _mark(folder, requirements)
    return python


def node_environment(folder: Path, version: str) -> Path:
    """Installs node-llama-cpp with its prebuilt binary for this processor, and returns the folder.

    Raises:
        MeasureError: Node or the binary is not available, or the installation fails.
    """
    architecture = _NODE_ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or architecture is None:
        raise MeasureError("no prebuilt binary of llama.cpp is known for this machine")
    # By default, npm would also install the binaries for GPUs, which are twenty times as large.
    packages = [
        f"node-llama-cpp@{version}",
        f"@node-llama-cpp/linux-{architecture}@{version}",
    ]
    if not _is_made(folder, packages):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
        # Its install script would build llama.cpp from source if no binary fits.
        options = ["--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(["npm", "install", *options, *packages], {}, folder)
        _mark(folder, packages)
    return folder


def _is_made(folder: Path, packages: Sequence[str]) -> bool:
    marker = folder / _MARKER
    return marker.exists() and marker.read_text(encoding="utf-8").splitlines() == list(packages)


def _mark(folder: Path, packages: Sequence[str]) -> None:
    (folder / _MARKER).write_text("\n".join(packages) + "\n", encoding="utf-8")
