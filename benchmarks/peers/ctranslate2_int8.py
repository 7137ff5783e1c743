"""CTranslate2, with weights in int8."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.runner import PROMPT_IDS, TOP_K, main

if TYPE_CHECKING:
    from benchmarks.peers.runner import Generate


def load(model: str, threads: int) -> tuple[Generate, str]:
    """See `runner.Load`."""
    import ctranslate2

    generator = ctranslate2.Generator(
        model, device="cpu", compute_type="int8", inter_threads=1, intra_threads=threads
    )
    vocabulary = json.loads((Path(model) / "vocabulary.json").read_text(encoding="utf-8"))
    prompt = [vocabulary[i] for i in PROMPT_IDS]

    def generate(batch: int, length: int) -> object:
        return generator.generate_batch(
            [prompt] * batch,
            sampling_topk=TOP_K,
            min_length=length,
            max_length=length,
            include_prompt_in_result=False,
        )

    return generate, ctranslate2.__version__


if __name__ == "__main__":
    main(load)
