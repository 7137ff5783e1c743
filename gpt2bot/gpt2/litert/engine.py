"""The engine that runs a compiled model.

Shapes: b = batch, t = new positions, p = columns of the KV cache, e = n_embd, h = n_head,
d = e / h, v = n_vocab.

The names of the graphs' inputs and outputs (`hidden` is the attention mask, `past_k` and `past_v`
are the KV cache) belong to the format of compiled models, see `artifacts.FORMAT`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt2bot.gpt2.litert.runtime import Buffer, Graph
from gpt2bot.gpt2.litert.weight_cache import cache_file
from gpt2bot.gpt2.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.litert.artifacts import Artifacts
    from gpt2bot.gpt2.settings import Sampling

# The KV cache grows by this many columns. Few, because attention takes as long for an unused column
# as for a used one.
_CACHE_GROWTH = 32
# Prompts are computed in chunks of this many positions, which bounds the memory of a layer. Larger
# chunks are not faster, because these are already limited by arithmetic. The size is the same for
# any batch, because other chunks would round sums differently.
_PREFILL_CHUNK = 64


class LiteRTEngine:
    """Implements `generate.Engine` with LiteRT, without importing TensorFlow.

    Args:
        artifacts: The compiled model.
        weight_cache: The folder of its weight cache, see `weight_cache`; None for no cache.
        hparams: The model's hyperparameters.
        threads: Number of threads.
    """

    def __init__(
        self, artifacts: Artifacts, weight_cache: Path | None, hparams: HParams, threads: int
    ) -> None:
        self._hparams = hparams
        self._wte = np.load(artifacts.folder / "wte.npy", mmap_mode="r")  # [v, e]
        self._wpe = np.load(artifacts.folder / "wpe.npy", mmap_mode="r")  # [n_ctx, e]
        layers, outputs = artifacts.layers, artifacts.outputs
        with progress(len(layers) + len(outputs), "loading the model", "graph") as advance:

            def load(path: Path) -> Graph:
                file = cache_file(weight_cache, path) if weight_cache else None
                graph = Graph(path, threads=threads, weight_cache=file)
                advance()
                return graph

            self._layers = Layers([partial(load, path) for path in layers], hparams)
            self._output = Output([load(path) for path in outputs], hparams)
        self._sampler = _Sampler(Graph(artifacts.sampler, threads=1), hparams)

    def prefill(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """See `generate.Engine`."""
        # Padding on the right has no effect: no position attends to a later one.
        self._lengths = np.array([len(prompt) for prompt in prompts])
        tokens = np.zeros([len(prompts), self._lengths.max()], np.int32)
        for row, prompt in zip(tokens, prompts, strict=True):
            row[: len(prompt)] = prompt
        x = self._layers.prefill(self._embed(tokens, np.arange(tokens.shape[1])))
        return self._output(x[np.arange(len(x)), self._lengths - 1])

    def step(self, tokens: np.ndarray) -> np.ndarray:
        """See `generate.Engine`."""
        x = self._embed(tokens, self._lengths)
        x = self._layers.step(x, self._lengths)
        # Finished rows run on until they leave the batch, possibly past the last position.
        self._lengths = np.minimum(self._lengths + 1, self._hparams.n_ctx - 1)
        return self._output(x)

    def reorder(self, rows: np.ndarray) -> None:
        """See `generate.Engine`."""
        self._lengths = self._lengths[rows]
        self._layers.reorder(rows)

    def sample(self, logits: np.ndarray, uniform: np.ndarray, sampling: Sampling) -> np.ndarray:
        """See `generate.Engine`."""
        return self._sampler(logits, uniform, sampling)

    def _embed(self, tokens: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Like `network.embed`: [b, t] or [b] -> [b, t, e] or [b, e]."""
        x: np.ndarray = np.float32(self._wte[tokens]) + np.float32(self._wpe[positions])
        return x


class Layers:
    """A sequence of layers with their KV caches.

    A row's keys and values at position i are in its column i, whatever the other rows of the batch
    are, and its unused columns are masked. So its results do not depend on the batch.

    Args:
        loaders: For each layer, a function that loads its graph.
        hparams: The model's hyperparameters.
    """

    def __init__(self, loaders: Sequence[Callable[[], Graph]], hparams: HParams) -> None:
        self._loaders, self._hparams = loaders, hparams
        self._graphs = [load() for load in loaders]
        self._caches: list[_KVCache] = []
        self._pass: _Pass | None = None

    def prefill(self, x: np.ndarray) -> np.ndarray:
        """Fills a new cache with whole sequences: [b, t, e] -> the last layer's [b, t, e]."""
        b, t, _ = x.shape
        self._caches = []
        self._rebuild(np.arange(b), _cache_columns(t + 1))
        for load, cache in zip(self._loaders, self._caches, strict=True):
            # A graph keeps the memory of its largest run, so prefill loads its own and drops it.
            graph = load()
            outputs, chunk_pass = [], None
            for start in range(0, t, _PREFILL_CHUNK):
                chunk = x[:, start : start + _PREFILL_CHUNK]
                if chunk_pass is None or chunk_pass.shape != chunk.shape:
                    chunk_pass = _Pass([graph], [cache], chunk.shape)
                outputs.append(chunk_pass(chunk, np.full(b, start)).copy())
            x = np.concatenate(outputs, axis=1)
        return x

    def step(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Adds one position per row: x [b, e] and the rows' lengths so far [b] -> [b, e]."""
        if lengths.max() >= self._n_columns:
            self._rebuild(np.arange(len(x)), _cache_columns(int(lengths.max()) + 1))
        shape = (len(x), 1, x.shape[1])
        if self._pass is None or self._pass.shape != shape:
            self._pass = _Pass(self._graphs, self._caches, shape)
        return self._pass(x[:, np.newaxis], lengths)[:, 0]

    def reorder(self, rows: np.ndarray) -> None:
        """Keeps these rows of the batch, in this order."""
        self._rebuild(rows, self._n_columns)

    def _rebuild(self, rows: np.ndarray, n_columns: int) -> None:
        """Replaces the caches by new ones of this width, with these rows of the old, if any."""
        h, d = self._hparams.n_head, self._hparams.n_embd // self._hparams.n_head
        shape = (len(rows), h, n_columns, d)
        self._pass = None  # it would keep the old caches in memory
        for number, graph in enumerate(self._graphs):
            graph.resize({"past_k": shape, "past_v": shape})
            new = _KVCache(graph.input("past_k", shape), graph.input("past_v", shape))
            if number < len(self._caches):
                for target, source in zip(new, self._caches[number], strict=True):
                    target.array[:, :, : source.array.shape[2]] = source.array[rows]
            self._caches[number : number + 1] = [new]  # frees the old one before the next is made
        self._n_columns = n_columns


class _KVCache(NamedTuple):
    """Keys and values of a layer, [b, h, p, d] each."""

    k: Buffer
    v: Buffer


class _Pass:
    """A forward pass: the layers, bound to their KV caches and to buffers for t new positions."""

    def __init__(
        self,
        graphs: Sequence[Graph],
        caches: Sequence[_KVCache],
        shape: tuple[int, int, int],
    ) -> None:
        self.shape = shape
        b, t, _ = shape
        _, h, p, d = kv_shape = caches[0].k.array.shape
        mask_shape = (b, 1, t, p + t)
        for graph in graphs:
            graph.resize({"x": shape, "hidden": mask_shape, "past_k": kv_shape, "past_v": kv_shape})
        # The residual stream alternates between two buffers from layer to layer.
        self._streams = [graphs[0].input("x", shape) for _ in range(2)]
        self._mask = graphs[0].input("hidden", mask_shape)
        self._mask.array[..., p:] = np.triu(np.ones([t, t]), k=1)
        self._new = _KVCache(Buffer.allocate((b, h, t, d)), Buffer.allocate((b, h, t, d)))
        self._caches = caches
        self._calls = [
            graph.bind(
                {
                    "x": self._streams[number % 2],
                    "hidden": self._mask,
                    "past_k": caches[number].k,
                    "past_v": caches[number].v,
                },
                {"x": self._streams[(number + 1) % 2], "k": self._new.k, "v": self._new.v},
            )
            for number, graph in enumerate(graphs)
        ]
        self._rows = np.arange(b)[:, np.newaxis]
        self._columns, self._offsets = np.arange(p), np.arange(t)

    def __call__(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Runs on a residual stream [b, t, e]; the result [b, t, e] is valid until the next run."""
        unused = self._columns >= lengths[:, np.newaxis]  # [b, p]
        self._mask.array[..., : len(self._columns)] = unused[:, np.newaxis, np.newaxis]
        columns = lengths[:, np.newaxis] + self._offsets  # [b, t]
        new_k, new_v = (new.array.transpose(0, 2, 1, 3) for new in self._new)  # [b, t, h, d]
        self._streams[0].array[...] = x
        for call, cache in zip(self._calls, self._caches, strict=True):
            call()
            cache.k.array[self._rows, :, columns] = new_k
            cache.v.array[self._rows, :, columns] = new_v
        return self._streams[len(self._calls) % 2].array


class Output:
    """Computes logits with graphs that each cover a part of the vocabulary."""

    def __init__(self, graphs: Sequence[Graph], hparams: HParams) -> None:
        self._graphs, self._hparams = graphs, hparams
        self._rows = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The residual stream [rows, e] -> logits [rows, v], valid until the next call."""
        if len(x) != self._rows:
            self._bind(len(x))
        self._x.array[...] = x
        for call in self._calls:
            call()
        parts = [part.array for part in self._parts]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def _bind(self, rows: int) -> None:
        shape = (rows, self._hparams.n_embd)
        for graph in self._graphs:
            graph.resize({"x": shape})
        self._x = self._graphs[0].input("x", shape)
        sizes = [graph.output_shape("logits")[-1] for graph in self._graphs]
        self._parts = [Buffer.allocate((rows, size)) for size in sizes]
        self._calls = [
            graph.bind({"x": self._x}, {"logits": part})
            for graph, part in zip(self._graphs, self._parts, strict=True)
        ]
        self._rows = rows


class _Sampler:
    """The compiled `sampler.sample`."""

    def __init__(self, graph: Graph, hparams: HParams) -> None:
        self._graph, self._hparams = graph, hparams
        self._rows = 0

    def __call__(self, logits: np.ndarray, uniform: np.ndarray, sampling: Sampling) -> np.ndarray:
        if len(logits) != self._rows:
            self._bind(len(logits))
        values = {
            "logits": logits,
            "uniform": uniform,
            "temperature": sampling.temperature,
            "top_k": min(sampling.top_k, self._hparams.n_vocab),
            "top_p": sampling.top_p,
        }
        for name, value in values.items():
            self._inputs[name].array[...] = value
        self._call()
        tokens: np.ndarray = self._tokens.array.copy()
        return tokens

    def _bind(self, rows: int) -> None:
        shapes: dict[str, tuple[int, ...]] = {
            "logits": (rows, self._hparams.n_vocab),
            "uniform": (rows,),
        }
        self._graph.resize(shapes)
        shapes |= {"temperature": (), "top_k": (), "top_p": ()}
        self._inputs = {name: self._graph.input(name, shape) for name, shape in shapes.items()}
        self._tokens = Buffer.allocate((rows,), np.int32)
        self._call = self._graph.bind(self._inputs, {"tokens": self._tokens})
        self._rows = rows


def _cache_columns(n: int) -> int:
    """The number of columns of a KV cache for at least n positions."""
    return -(-n // _CACHE_GROWTH) * _CACHE_GROWTH
