"""Makes transformers.npz: what Hugging Face's GPT-2 says to a few tokens, in a tiny configuration.

Run once, in an environment of its own: pip install torch transformers numpy
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

torch.manual_seed(1234)
config = GPT2Config(vocab_size=97, n_positions=20, n_embd=24, n_head=3, n_layer=2)
model = GPT2LMHeadModel(config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        # As it comes, gains are one and biases zero, which would hide mistakes.
        parameter.add_(torch.randn_like(parameter) * 0.3)
    ids = torch.randint(0, config.vocab_size, [3, config.n_positions])
    logits = model(ids).logits

arrays = {
    name.removeprefix("transformer.")
    .replace("h.", "h", 1)
    .replace(".weight", "/g" if "ln_" in name else "/w")
    .replace(".bias", "/b")
    .replace(".", "/"): parameter.detach().numpy()
    for name, parameter in model.named_parameters()
}
arrays = {name.replace("wte/w", "wte").replace("wpe/w", "wpe"): a for name, a in arrays.items()}
hparams = [config.vocab_size, config.n_positions, config.n_embd, config.n_head, config.n_layer]
np.savez_compressed(
    Path(__file__).with_name("transformers.npz"),
    hparams=hparams,
    ids=ids.numpy(),
    logits=logits.numpy(),
    **arrays,
)
