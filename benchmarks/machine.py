"""What the machine is that a run was made on."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# The instruction sets in /proc/cpuinfo that matter for int8 arithmetic.
_INSTRUCTIONS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8", "asimd", "i8mm")
_PACKAGES = ("tensorflow", "ai-edge-litert", "numpy")


def describe() -> dict[str, str]:
    """Processor, memory, system and the packages that this project computes with."""
    cpu = _read(Path("/proc/cpuinfo"))
    memory = re.search(r"^MemTotal:\s+(\d+) kB", _read(Path("/proc/meminfo")), re.MULTILINE)
    flags = _field(cpu, "flags") or _field(cpu, "Features")
    known = [name for name in _INSTRUCTIONS if name in flags.split()]
    facts = {
        "processor": _field(cpu, "model name") or platform.processor() or platform.machine(),
        "instructions": ", ".join(known),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }
    return {name: value for name, value in facts.items() if value}


def _field(text: str, name: str) -> str:
    match = re.search(rf"^{name}\s*: (.*)$", text, re.MULTILINE)
    return match[1] if match else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
