"""The engine that runs a compiled model.

Shapes: b = batch, t = new positions, p = columns of the cache, e = n_embd, h = n_head, d = e / h,
v = n_vocab.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gpt2bot.gpt2.litert.runtime import Buffer, Graph
from gpt2bot.gpt2.litert.weight_cache import cache_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gpt2bot.gpt2.generate import Sampling
    from gpt2bot.gpt2.hparams import HParams
    from gpt2bot.gpt2.litert.artifacts import Artifacts

# The names of the graphs' inputs and outputs belong to the format (`artifacts.FORMAT`).

# The cache grows by so many columns: attention costs as much for empty ones as for full ones.
_GROWTH = 32
# Prompts are computed in chunks of so many positions, which bounds the memory that a layer takes.
# More would not be faster, as so many are bound by arithmetic; and it is the same number for any
# batch, as sums are rounded in another way where the chunks are others.
_PREFILL_CHUNK = 64


class LiteRTEngine:
    """Implements `generate.Engine` with LiteRT; imports no TensorFlow.

    Args:
        artifacts: The compiled model.
        cache: The folder of its weight cache, see `weight_cache`.
        hparams: The model's hyperparameters.
        threads: Threads to compute with.
    """

    def __init__(
        self, artifacts: Artifacts, cache: Path | None, hparams: HParams, threads: int
    ) -> None:
        def load(path: Path) -> Graph:
            file = cache_file(cache, path) if cache else None
            return Graph(path, threads=threads, weight_cache=file)

        self._hparams = hparams
        self._wte = np.load(artifacts.folder / "wte.npy", mmap_mode="r")  # [v, e]
        self._wpe = np.load(artifacts.folder / "wpe.npy", mmap_mode="r")  # [n_ctx, e]
        self._layers = Layers([partial(load, path) for path in artifacts.layers], hparams)
        self._output = Output([load(path) for path in artifacts.outputs], hparams)
        self._sampler = _Sampler(Graph(artifacts.sampler, threads=1), hparams)

    def prefill(self, prompts: Sequence[Sequence[int]]) -> np.ndarray:
        """See `generate.Engine`."""
        # Filled up on the right: a row's own positions come first, and see nothing of the rest.
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
        # Finished rows go on to the end of the batch; theirs may be more than the last position.
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
        """As `network.embed`: [b, t] or [b] -> [b, t, e] or [b, e]."""
        x: np.ndarray = np.float32(self._wte[tokens]) + np.float32(self._wpe[positions])
        return x


class Layers:
    """Some layers, with their cache of keys and values.

    A row's key and value at position i lie in its column i, whatever the other rows of the batch
    are, and columns that it does not have are hidden: its numbers do not depend on the batch.
    """

    def __init__(self, loaders: Sequence[Callable[[], Graph]], hparams: HParams) -> None:
        self._loaders, self._hparams = loaders, hparams
        self._graphs = [load() for load in loaders]
        self._cache: list[_KVCache] = []
        self._pass: _Pass | None = None

    def prefill(self, x: np.ndarray) -> np.ndarray:
        """Begins a new cache with whole sequences: [b, t, e] -> the last layer's [b, t, e]."""
        b, t, _ = x.shape
        self._cache = []
        self._rebuild(np.arange(b), _columns(t + 1))
        for load, cache in zip(self._loaders, self._cache, strict=True):
            # Loaded for this alone, since a graph keeps the memory of the most that it ever did.
            graph = load()
            done, run = [], None
            for start in range(0, t, _PREFILL_CHUNK):
                chunk = x[:, start : start + _PREFILL_CHUNK]
                if run is None or run.shape != chunk.shape:
                    run = _Pass([graph], [cache], chunk.shape)
                done.append(run(chunk, np.full(b, start)).copy())
            x = np.concatenate(done, axis=1)
        return x

    def step(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Goes on with a position a row: [b, e], and how many it has, [b] -> [b, e]."""
        if lengths.max() >= self._columns:
            self._rebuild(np.arange(len(x)), _columns(int(lengths.max()) + 1))
        shape = (len(x), 1, x.shape[1])
        if self._pass is None or self._pass.shape != shape:
            self._pass = _Pass(self._graphs, self._cache, shape)
        return self._pass(x[:, np.newaxis], lengths)[:, 0]

    def reorder(self, rows: np.ndarray) -> None:
        """Goes on with these rows of the batch, in this order."""
        self._rebuild(rows, self._columns)

    def _rebuild(self, rows: np.ndarray, columns: int) -> None:
        """Makes a cache of these rows of the present one, if any, with so many columns."""
        h, d = self._hparams.n_head, self._hparams.n_embd // self._hparams.n_head
        shape = (len(rows), h, columns, d)
        self._pass = None  # else it would keep the old cache
        for number, graph in enumerate(self._graphs):
            graph.resize({"past_k": shape, "past_v": shape})
            new = _KVCache(graph.input("past_k", shape), graph.input("past_v", shape))
            if number < len(self._cache):
                for target, source in zip(new, self._cache[number], strict=True):
                    target.array[:, :, : source.array.shape[2]] = source.array[rows]
            self._cache[number : number + 1] = [new]  # frees the old one before the next is made
        self._columns = columns


class _KVCache(NamedTuple):
    """Keys and values of a layer, [b, h, p, d] each."""

    k: Buffer
    v: Buffer


class _Pass:
    """The layers, bound to their cache and to the buffers of t new positions."""

    def __init__(
        self,
        graphs: Sequence[Graph],
        cache: Sequence[_KVCache],
        shape: tuple[int, int, int],
    ) -> None:
        self.shape = shape
        b, t, _ = shape
        _, h, p, d = past = cache[0].k.array.shape
        for graph in graphs:
            graph.resize({"x": shape, "hidden": (b, 1, t, p + t), "past_k": past, "past_v": past})
        # The layers hand the stream to and fro between two buffers.
        self._streams = [graphs[0].input("x", shape) for _ in range(2)]
        self._mask = graphs[0].input("hidden", (b, 1, t, p + t))
        self._mask.array[..., p:] = np.triu(np.ones([t, t]), k=1)
        self._new = _KVCache(Buffer.allocate((b, h, t, d)), Buffer.allocate((b, h, t, d)))
        self._cache = cache
        self._calls = [
            graph.bind(
                {
                    "x": self._streams[number % 2],
                    "hidden": self._mask,
                    "past_k": cache[number].k,
                    "past_v": cache[number].v,
                },
                {"x": self._streams[(number + 1) % 2], "k": self._new.k, "v": self._new.v},
            )
            for number, graph in enumerate(graphs)
        ]
        self._rows = np.arange(b)[:, np.newaxis]
        self._columns, self._places = np.arange(p), np.arange(t)

    def __call__(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Runs on a stream [b, t, e]; the result [b, t, e] is valid until the next run."""
        absent = self._columns >= lengths[:, np.newaxis]  # [b, p]
        self._mask.array[..., : len(self._columns)] = absent[:, np.newaxis, np.newaxis]
        columns = lengths[:, np.newaxis] + self._places  # [b, t]
        new_k, new_v = (new.array.transpose(0, 2, 1, 3) for new in self._new)  # [b, t, h, d]
        self._streams[0].array[...] = x
        for call, cache in zip(self._calls, self._cache, strict=True):
            call()
            cache.k.array[self._rows, :, columns] = new_k
            cache.v.array[self._rows, :, columns] = new_v
        return self._streams[len(self._calls) % 2].array


class Output:
    """Logits of streams, from graphs that each give a part of the vocabulary."""

    def __init__(self, graphs: Sequence[Graph], hparams: HParams) -> None:
        self._graphs, self._hparams = graphs, hparams
        self._rows = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Streams [rows, e] -> logits [rows, v], valid until the next call."""
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
        given = {
            "logits": logits,
            "uniform": uniform,
            "temperature": sampling.temperature,
            "top_k": sampling.top_k,
            "top_p": sampling.top_p,
        }
        for name, value in given.items():
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


def _columns(n: int) -> int:
    """Columns of a cache with room for at least n."""
    return -(-n // _GROWTH) * _GROWTH
