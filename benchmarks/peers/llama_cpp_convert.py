"""Makes a random Q8_0 model for llama.cpp. Arguments: `SOURCE TARGET`, a folder and a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gguf

from benchmarks.random_weights import random_tensors
from gpt2bot.gpt2.hparams import HParams

Q8_0 = gguf.GGMLQuantizationType.Q8_0
NAMES = {
    "wte": "token_embd",  # also the output matrix, because the file has no other
    "wpe": "position_embd",
    "ln_f": "output_norm",
    "ln_1": "attn_norm",
    "attn/c_attn": "attn_qkv",
    "attn/c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp/c_fc": "ffn_up",
    "mlp/c_proj": "ffn_down",
}
_LAYER_NORM_EPSILON = 1e-5


def convert(source: Path, target: Path) -> None:
    """Writes random weights in the shapes of the model in `source`, with its vocabulary."""
    hparams = HParams.read(source / "hparams.json")
    writer = gguf.GGUFWriter(target, "gpt2")
    writer.add_name(f"random GPT-2 of {hparams.n_params} parameters")
    writer.add_context_length(hparams.n_ctx)
    writer.add_embedding_length(hparams.n_embd)
    writer.add_feed_forward_length(4 * hparams.n_embd)
    writer.add_block_count(hparams.n_layer)
    writer.add_head_count(hparams.n_head)
    writer.add_layer_norm_eps(_LAYER_NORM_EPSILON)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    _add_vocabulary(writer, source)
    for name, tensor in random_tensors(hparams):
        dense = name.endswith("/w")
        if dense or name == "wte":
            quantized = gguf.quants.quantize(tensor.T.copy() if dense else tensor, Q8_0)
            writer.add_tensor(_name(name), quantized, raw_dtype=Q8_0)
        else:
            writer.add_tensor(_name(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, source: Path) -> None:
    encoder = json.loads((source / "encoder.json").read_text(encoding="utf-8"))
    tokens = sorted(encoder, key=encoder.__getitem__)
    end = len(tokens) - 1
    kinds = [gguf.TokenType.NORMAL] * end + [gguf.TokenType.CONTROL]
    _, *merges = (source / "vocab.bpe").read_text(encoding="utf-8").splitlines()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(end)
    writer.add_eos_token_id(end)


def _name(name: str) -> str:
    if name in ("wte", "wpe"):
        return f"{NAMES[name]}.weight"
    path, kind = name.rsplit("/", 1)
    layer, _, part = path.partition("/")
    suffix = "bias" if kind == "b" else "weight"
    return f"blk.{layer[1:]}.{NAMES[part]}.{suffix}" if part else f"{NAMES[layer]}.{suffix}"


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
