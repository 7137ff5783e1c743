from __future__ import annotations

import pytest

from gpt2bot.errors import TrainingError
from gpt2bot.gpt2.tokenizer import END_OF_TEXT
from gpt2bot.gpt2.training.vocabulary import train_tokenizer


def test_a_learned_vocabulary_merges_what_is_frequent():
    tokenizer = train_tokenizer(["the cat the dog the cow"] * 5, 265)
    assert tokenizer.n_vocab == 265
    assert tokenizer.decode([tokenizer.end_of_text]) == END_OF_TEXT
    assert tokenizer.end_of_text == 264
    assert len(tokenizer.encode(" the")) == 1
    assert tokenizer.decode(tokenizer.encode("Ünseen 日本")) == "Ünseen 日本"
    with pytest.raises(TrainingError, match="at least 257 tokens"):
        train_tokenizer(["a"], 256)
