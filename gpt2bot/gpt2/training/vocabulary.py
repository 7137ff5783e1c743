"""Trains a byte-level BPE tokenizer on text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gpt2bot.errors import TrainingError
from gpt2bot.gpt2.tokenizer import END_OF_TEXT, Tokenizer, byte_to_unicode

if TYPE_CHECKING:
    from collections.abc import Sequence

# Every vocabulary contains the 256 bytes and `<|endoftext|>`.
SMALLEST_VOCABULARY = len(byte_to_unicode()) + 1


def train_tokenizer(items: Sequence[str], n_vocab: int) -> Tokenizer:
    """Learns merges from items like GPT-2's tokenizer, the most frequent pair first.

    Returns:
        A tokenizer of at most `n_vocab` tokens (fewer if the text has too few pairs), with
        `<|endoftext|>` last, as in GPT-2.

    Raises:
        TrainingError: `n_vocab` is too small, or the package `tokenizers` is not installed.
    """
    if n_vocab < SMALLEST_VOCABULARY:
        raise TrainingError(f"a vocabulary needs at least {SMALLEST_VOCABULARY} tokens")
    try:
        from tokenizers import Tokenizer as Learner
        from tokenizers import models, pre_tokenizers, trainers
    except ImportError as error:
        raise TrainingError(
            "training from scratch needs one more package: pip install 'gpt2bot[train]'"
        ) from error
    learner = Learner(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab - 1,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learner.train_from_iterator(items, trainer=trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    tokens = [*byte_to_unicode().values(), *("".join(pair) for pair in merges)]
    encoder = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return Tokenizer(encoder | {END_OF_TEXT: len(encoder)}, merges)
