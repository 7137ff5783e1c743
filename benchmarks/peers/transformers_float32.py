"""The library transformers with PyTorch, in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.runner import END_OF_TEXT, PROMPT_IDS, TOP_K, main

if TYPE_CHECKING:
    from benchmarks.peers.runner import Generate


def load(model: str, threads: int) -> tuple[Generate, str]:
    """See `runner.Load`."""
    import torch
    import transformers

    torch.set_num_threads(threads)
    lm = transformers.GPT2LMHeadModel.from_pretrained(model).eval()

    def generate(batch: int, length: int) -> object:
        prompts = torch.tensor([PROMPT_IDS] * batch)
        return lm.generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            do_sample=True,
            top_k=TOP_K,
            min_new_tokens=length,
            max_new_tokens=length,
            pad_token_id=END_OF_TEXT,
        )

    return generate, f"{transformers.__version__}, torch {torch.__version__}"


if __name__ == "__main__":
    main(load)
