"""Makes a random int8 model in CTranslate2's format. Arguments: two folders, `SOURCE TARGET`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctranslate2.specs import Activation, TransformerDecoderModelSpec

from benchmarks.random_weights import random_tensors
from gpt2bot.gpt2.hparams import HParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


def convert(source: Path, target: Path) -> None:
    """Writes random weights in the shapes of the model in `source`, with its vocabulary."""
    hparams = HParams.read(source / "hparams.json")
    weights = dict(random_tensors(hparams))
    spec = TransformerDecoderModelSpec.from_config(
        hparams.n_layer, hparams.n_head, pre_norm=True, activation=Activation.GELUTanh
    )
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights["wte"]
    decoder.projection.weight = weights["wte"]
    decoder.position_encodings.encodings = weights["wpe"]
    _set_norm(decoder.layer_norm, weights, "ln_f")
    for number, layer in enumerate(decoder.layer):
        attention, mlp = layer.self_attention, layer.ffn
        _set_norm(attention.layer_norm, weights, f"h{number}/ln_1")
        _set_dense(attention.linear[0], weights, f"h{number}/attn/c_attn")
        _set_dense(attention.linear[1], weights, f"h{number}/attn/c_proj")
        _set_norm(mlp.layer_norm, weights, f"h{number}/ln_2")
        _set_dense(mlp.linear_0, weights, f"h{number}/mlp/c_fc")
        _set_dense(mlp.linear_1, weights, f"h{number}/mlp/c_proj")
    encoder = json.loads((source / "encoder.json").read_text(encoding="utf-8"))
    tokens = sorted(encoder, key=encoder.__getitem__)
    spec.register_vocabulary(tokens)
    for role in ("bos_token", "eos_token", "unk_token"):
        setattr(spec.config, role, tokens[-1])
    spec.validate()
    spec.optimize(quantization="int8")
    target.mkdir(parents=True)
    spec.save(str(target))


def _set_norm(spec: Any, weights: Mapping[str, np.ndarray], name: str) -> None:
    spec.gamma, spec.beta = weights[f"{name}/g"], weights[f"{name}/b"]


def _set_dense(spec: Any, weights: Mapping[str, np.ndarray], name: str) -> None:
    spec.weight, spec.bias = weights[f"{name}/w"].T.copy(), weights[f"{name}/b"]


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
