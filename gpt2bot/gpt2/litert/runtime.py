"""Runs a compiled graph with LiteRT, on arrays that share its memory.

This module uses `CompiledModel` because `Interpreter` does not support a weight cache (see
`weight_cache`).

LiteRT's Python interface copies data into and out of a buffer. This module gets the buffer's memory
through the C interface (litert/c/litert_tensor_buffer.h), so that a KV cache is updated in place.
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

_M_MMAP_THRESHOLD = -3  # malloc.h: blocks above this many bytes return to the system when freed
_ALIGNMENT = 64  # bytes; LiteRT uses memory with this alignment without copying it

# More threads do not help: they compete for the same memory bandwidth.
_MAX_THREADS = 4


def default_threads() -> int:
    """The number of processors that this process may use, at most 4."""
    affinity = getattr(os, "sched_getaffinity", None)
    return min(_MAX_THREADS, len(affinity(0)) if affinity else os.cpu_count() or 1)


def library_version() -> str:
    """The version of LiteRT."""
    from importlib.metadata import version

    return version("ai-edge-litert")


@dataclass(frozen=True)
class Buffer:
    """Memory that graphs read and write: LiteRT's handle, and an array over the same memory."""

    handle: Any
    array: np.ndarray

    @classmethod
    def allocate(cls, shape: Sequence[int], dtype: Any = np.float32) -> Buffer:
        """A new zeroed buffer for an output of this shape."""
        n, itemsize = math.prod(shape), np.dtype(dtype).itemsize
        raw = np.zeros(n * itemsize + _ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % _ALIGNMENT
        flat = raw[start : start + n * itemsize].view(dtype)
        return cls(_litert().TensorBuffer.create_from_host_memory(flat), flat.reshape(shape))


class Graph:
    """A loaded graph.

    Args:
        path: The LiteRT file; it has one signature.
        threads: Number of threads.
        weight_cache: The file that caches the packed weights. It is mapped if it exists and matches
            the graph, the library and the processor; otherwise it is written. None packs the
            weights in memory.
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
        """Sets the shapes of inputs. The graph can no longer use buffers made before."""
        for name, shape in shapes.items():
            self._model.resize_input_tensor(self._inputs.index(name), list(shape))

    def input(self, name: str, shape: Sequence[int]) -> Buffer:
        """A new zeroed buffer for an input.

        It fits inputs and outputs of the same shape and type, also those of other graphs.

        Args:
            name: The name of the input.
            shape: The current shape of the input.
        """
        handle = self._model.create_input_buffer_by_name(self._signature, name)
        dtype = self._dtypes[name]
        size = math.prod(shape) * dtype.itemsize
        memory = (ctypes.c_byte * size).from_address(_address(handle))
        memory.owner = handle  # keeps the memory alive as long as any view of the array
        array: np.ndarray = np.frombuffer(memory, dtype).reshape(shape)
        array[...] = 0
        return Buffer(handle, array)

    def output_shape(self, name: str) -> tuple[int, ...]:
        """The shape of an output as compiled, where an open dimension is 1."""
        details = self._model.get_output_tensor_details(self._signature)
        return tuple(details[name]["shape"])

    def bind(self, inputs: Mapping[str, Buffer], outputs: Mapping[str, Buffer]) -> Call:
        """Returns a callable that runs the graph on these buffers."""
        run = functools.partial(
            self._model.run_by_index,
            0,
            [inputs[name].handle for name in self._inputs],
            [outputs[name].handle for name in self._outputs],
        )
        return Call(run)


class Call:
    """Runs a graph on the buffers to which it is bound.

    The first run is silenced, because LiteRT writes to stderr when a graph first meets buffers of
    new shapes, and when it creates a second environment in the first run of a process.
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
    """LiteRT's environment, shared by all graphs until the process ends."""
    c = ctypes.CDLL(None)
    if hasattr(c, "mallopt"):  # GNU libc
        # By default, malloc would keep the memory of each KV cache that a larger one replaces.
        c.mallopt(_M_MMAP_THRESHOLD, 128 << 10)
    with quiet_stderr():
        environment = _litert().Environment.create()
    # This reference is never released: destroying the environment at exit would write to stderr.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(environment.capsule))
    return environment


@functools.lru_cache(maxsize=1)
def _be_quiet_at_exit() -> None:
    """Keeps LiteRT off stderr while C++ destroys the environment that LiteRT created itself.

    It registers a call of C's `close(2)`, which closes stderr. Exit handlers run in reverse order,
    so this one runs just before that destructor.
    """
    c = ctypes.CDLL(None)
    if hasattr(c, "__cxa_atexit"):  # not on Windows
        c.__cxa_atexit(c.close, ctypes.c_void_p(2), None)


@functools.lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    """LiteRT's C interface, in the library that its Python interface has already loaded."""
    folder = Path(str(_litert().__file__)).parent
    (path,) = (p for p in folder.iterdir() if p.name in _LIBRARY_NAMES)
    return ctypes.CDLL(str(path))


_LIBRARY_NAMES = ("libLiteRt.so", "libLiteRt.dylib", "libLiteRt.dll", "LiteRt.dll")


def _address(handle: Any) -> int:
    """The address of a buffer's memory."""
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
