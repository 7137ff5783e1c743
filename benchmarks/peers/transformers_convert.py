"""Makes a random model in transformers' format. Arguments: two folders, `SOURCE TARGET`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks.random_weights import random_tensors
from gpt2bot.gpt2.hparams import HParams

# Our names of a layer's parts. Dense kernels are [in, out] in both formats.
_KINDS = {"g": "weight", "w": "weight", "b": "bias"}


def convert(source: Path, target: Path) -> None:
    """Writes random weights in the shapes of the model in `source`."""
    hparams = HParams.read(source / "hparams.json")
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=hparams.n_vocab,
            n_positions=hparams.n_ctx,
            n_embd=hparams.n_embd,
            n_head=hparams.n_head,
            n_layer=hparams.n_layer,
        )
    )
    tensors = {_name(name): torch.from_numpy(tensor) for name, tensor in random_tensors(hparams)}
    model.transformer.load_state_dict(tensors)
    model.save_pretrained(target)


def _name(name: str) -> str:
    *path, kind = name.split("/")
    if not path:
        return f"{kind}.weight"
    if path[0].startswith("h"):
        path[:1] = ["h", path[0][1:]]
    return ".".join([*path, _KINDS[kind]])


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
