"""LiteRT: runs a compiled graph on arrays that share its memory.

`CompiledModel` is used rather than `Interpreter`, since it alone takes a weight cache.
XNNPACK, which does the arithmetic, lays the weights out for the processor. A cache of that is
mapped from disk; without one, each process packs the weights anew, in its own memory.

The Python interface copies what goes into and out of a buffer. Here, the memory is asked for
through the C interface (litert/c/litert_tensor_buffer.h), so that a cache of keys and values can be
written in place.
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpt2bot.gpt2.quiet import quiet_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Buffer", "Graph", "default_threads", "library_version"]

_M_MMAP_THRESHOLD = -3  # malloc.h: from so many bytes on, memory goes back to the system at once
_ALIGNMENT = 64  # bytes, of memory that LiteRT uses without copying it

# More threads than this share the memory's bandwidth, not the work.
_MOST_THREADS = 4


def default_threads() -> int:
    """Threads for this machine: its processors, as far as this process may use them; at most 4."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(_MOST_THREADS, len(affinity(0)) if affinity else os.cpu_count() or 1)


def library_version() -> str:
    """The version of LiteRT."""
    from importlib.metadata import version

    return version("ai-edge-litert")


@dataclass(frozen=True)
class Buffer:
    """Memory that graphs read and write: LiteRT's handle of it, and the array that shows it."""

    handle: Any
    array: np.ndarray

    @classmethod
    def allocate(cls, shape: Sequence[int], dtype: Any = np.float32) -> Buffer:
        """New memory, zeroed, to take an output of this shape."""
        n, itemsize = math.prod(shape), np.dtype(dtype).itemsize
        raw = np.zeros(n * itemsize + _ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % _ALIGNMENT
        flat = raw[start : start + n * itemsize].view(dtype)
        return cls(_litert().TensorBuffer.create_from_host_memory(flat), flat.reshape(shape))


class Graph:
    """A compiled graph, loaded.

    Args:
        path: The LiteRT file; it has one signature.
        threads: Threads to compute with.
        weight_cache: The file that caches the weights. It is mapped if it exists and fits the
            graph, the library and the processor; else it is written. None packs them in memory.
    """

    def __init__(self, path: Path, *, threads: int, weight_cache: Path | None = None) -> None:
        litert = _litert()
        cpu = litert.CpuOptions(
            num_threads=threads, xnnpack_weight_cache_path=str(weight_cache) if weight_cache else ""
        )
        with quiet_stderr():
            self._model = litert.CompiledModel.from_file(
                str(path), environment=_environment(), options=litert.Options(cpu_options=cpu)
            )
        ((self._signature, names),) = self._model.get_signature_list().items()
        self._inputs: list[str] = names["inputs"]
        self._outputs: list[str] = names["outputs"]
        details = self._model.get_input_tensor_details(self._signature)
        self._dtypes = {name: np.dtype(details[name]["dtype"]) for name in self._inputs}

    def resize(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Sets the shapes of inputs; buffers made before are of no use to this graph any more."""
        for name, shape in shapes.items():
            self._model.resize_input_tensor(self._inputs.index(name), list(shape))

    def input(self, name: str, shape: Sequence[int]) -> Buffer:
        """New memory, zeroed, for an input, whose present shape must be given.

        It also serves any graph that has an input of this shape, and to take an output of it.
        """
        handle = self._model.create_input_buffer_by_name(self._signature, name)
        dtype = self._dtypes[name]
        size = math.prod(shape) * dtype.itemsize
        memory = (ctypes.c_byte * size).from_address(_address(handle))
        memory.owner = handle  # any view of the array now keeps the memory
        array: np.ndarray = np.frombuffer(memory, dtype).reshape(shape)
        array[...] = 0
        return Buffer(handle, array)

    def output_shape(self, name: str) -> tuple[int, ...]:
        """The shape of an output, as the graph was compiled; an open dimension is 1 there."""
        details = self._model.get_output_tensor_details(self._signature)
        return tuple(details[name]["shape"])

    def bind(self, inputs: Mapping[str, Buffer], outputs: Mapping[str, Buffer]) -> Call:
        """What runs the graph on these buffers, as often as it is called."""
        run = functools.partial(
            self._model.run_by_index,
            0,
            [inputs[name].handle for name in self._inputs],
            [outputs[name].handle for name in self._outputs],
        )
        return Call(run)


class Call:
    """Runs a graph on the buffers that it was bound to.

    LiteRT writes to stderr when a graph first meets buffers of other shapes than before, and, in a
    process's first run, that it makes an environment besides the one that it was given.
    """

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self._is_first = True

    def __call__(self) -> None:
        if not self._is_first:
            self._run()
            return
        with quiet_stderr():
            self._run()
        _be_quiet_at_exit()
        self._is_first = False


@functools.lru_cache(maxsize=1)
def _litert() -> Any:
    with quiet_stderr():
        from ai_edge_litert import compiled_model
    return compiled_model


@functools.lru_cache(maxsize=1)
def _environment() -> Any:
    """LiteRT's environment, one for all graphs, kept to the end of the process."""
    c = ctypes.CDLL(None)
    if hasattr(c, "mallopt"):  # the GNU C library's
        # It would keep the memory of a cache that has grown, for whatever may come.
        c.mallopt(_M_MMAP_THRESHOLD, 128 << 10)
    with quiet_stderr():
        environment = _litert().Environment.create()
    # Never destroyed, since it would write to stderr about it when the process ends.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(environment.capsule))
    return environment


@functools.lru_cache(maxsize=1)
def _be_quiet_at_exit() -> None:
    """Keeps LiteRT from writing to stderr as C++ destroys the environment that it made itself.

    What is registered later is done earlier: just before that, the C function close(2).
    """
    c = ctypes.CDLL(None)
    if hasattr(c, "__cxa_atexit"):  # not on Windows
        c.__cxa_atexit(c.close, ctypes.c_void_p(2), None)


@functools.lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    """LiteRT's C interface, in the library that its Python interface has loaded already."""
    folder = Path(str(_litert().__file__)).parent
    (path,) = (p for p in folder.iterdir() if p.name in _LIBRARY_NAMES)
    return ctypes.CDLL(str(path))


_LIBRARY_NAMES = ("libLiteRt.so", "libLiteRt.dylib", "libLiteRt.dll", "LiteRt.dll")


def _address(handle: Any) -> int:
    """Where the memory of a buffer begins."""
    capsule = handle.capsule
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    pointer = api.PyCapsule_GetPointer(capsule, api.PyCapsule_GetName(capsule))
    memory = ctypes.c_void_p()
    status = _library().LiteRtGetTensorBufferHostMemory(
        ctypes.c_void_p(pointer), ctypes.byref(memory)
    )
    if status != 0 or not memory.value:
        raise RuntimeError(f"LiteRT gives no access to a buffer's memory (status {status})")
    return memory.value
