"""GPT-2's byte-level byte-pair encoding.

Sources: Radford et al. 2019, section 2.2, and `encoder.py` of OpenAI's release. This module reads
and writes the release's two vocabulary files: `encoder.json` maps tokens to ids, and `vocab.bpe`
lists the merges by rank.
"""

from __future__ import annotations

import heapq
import json
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

from gpt2bot.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

END_OF_TEXT = "<|endoftext|>"

# Text is split into these pieces first; no merge crosses a boundary between two of them.
PIECE = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")

# Longer pieces rarely repeat, so they are not cached.
CACHED_PIECE_LENGTH = 64


@lru_cache(maxsize=1)
def byte_to_unicode() -> dict[int, str]:
    """Maps each of the 256 bytes to the printable character that stands for it in the files.

    Bytes that are printable in Latin-1 stand for themselves. The others get the characters from
    U+0100 on, so no token contains whitespace or a control character.
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = (byte for byte in range(256) if byte not in printable)
    return {byte: chr(byte) for byte in sorted(printable)} | {
        byte: chr(0x100 + i) for i, byte in enumerate(others)
    }


class Tokenizer:
    """Turns text into token ids and back.

    Args:
        encoder: Token to id; the tokens are written in the characters of `byte_to_unicode`.
        merges: Pairs of tokens, by rank: the first pair is merged first.

    Raises:
        ValueError: A byte or the result of a merge has no id, an id is missing or used twice, a
            token has a character that stands for no byte, or `<|endoftext|>` is missing.
    """

    def __init__(self, encoder: dict[str, int], merges: Iterable[tuple[str, str]]) -> None:
        self._encoder = encoder
        self._decoder = {i: token for token, i in encoder.items()}
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._byte_to_unicode = byte_to_unicode()
        self._unicode_to_byte = {char: byte for byte, char in self._byte_to_unicode.items()}
        self._check()
        self.end_of_text: int = encoder[END_OF_TEXT]
        # Natural text repeats its words, so most pieces are found in the cache.
        self._encode_piece = lru_cache(maxsize=1 << 16)(self._merge)

    @property
    def n_vocab(self) -> int:
        """Number of tokens, including `<|endoftext|>`."""
        return len(self._encoder)

    @property
    def merges(self) -> list[tuple[str, str]]:
        """The merges by rank."""
        return list(self._ranks)

    @classmethod
    def read(cls, folder: Path) -> Tokenizer:
        """Reads `encoder.json` and `vocab.bpe`.

        Raises:
            CheckpointError: A file is missing or damaged; the message names it.
        """
        encoder_path, merges_path = folder / "encoder.json", folder / "vocab.bpe"
        try:
            encoder = json.loads(encoder_path.read_text(encoding="utf-8"))
            merges = _parse_merges(merges_path.read_text(encoding="utf-8"))
        except OSError as error:
            raise CheckpointError(f"cannot read {error.filename}: {error.strerror}") from error
        except ValueError as error:
            raise CheckpointError(f"the vocabulary in {folder} is damaged: {error}") from error
        if not isinstance(encoder, dict) or not all(type(i) is int for i in encoder.values()):
            raise CheckpointError(f"{encoder_path} is damaged: it must map each token to its id")
        try:
            return cls(encoder, merges)
        except ValueError as error:
            raise CheckpointError(f"the vocabulary in {folder} is damaged: {error}") from error

    def write(self, folder: Path) -> None:
        """Writes `encoder.json` and `vocab.bpe` in the format of OpenAI's release."""
        (folder / "encoder.json").write_text(json.dumps(self._encoder), encoding="utf-8")
        lines = ["#version: 0.2", *(f"{left} {right}" for left, right in self._ranks)]
        (folder / "vocab.bpe").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """The token ids of a text.

        A lone surrogate, which UTF-8 cannot represent, is encoded as U+FFFD.

        Args:
            text: Any text.
            allow_special: Whether `<|endoftext|>` stands for the special token. By default it is
                ordinary text, so no input can end a sequence by quoting it.
        """
        if allow_special:
            first, *others = text.split(END_OF_TEXT)
            ids = self.encode(first)
            for other in others:
                ids.append(self.end_of_text)
                ids += self.encode(other)
            return ids
        if not text.isascii():
            text = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
        ids = []
        for piece in PIECE.findall(text):
            encode = self._encode_piece if len(piece) <= CACHED_PIECE_LENGTH else self._merge
            ids += encode(piece)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids; bytes that are not valid UTF-8 become U+FFFD.

        Raises:
            ValueError: An id is not in the vocabulary.
        """
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of token ids; one character may span several tokens.

        Raises:
            ValueError: An id is not in the vocabulary.
        """
        out = bytearray()
        for i in ids:
            if i == self.end_of_text:
                out += END_OF_TEXT.encode()
            elif (token := self._decoder.get(int(i))) is not None:
                out += bytes(self._unicode_to_byte[char] for char in token)
            else:
                raise ValueError(f"no token has id {i}: ids range from 0 to {self.n_vocab - 1}")
        return bytes(out)

    def _merge(self, piece: str) -> Sequence[int]:
        """Merges a piece's bytes to token ids, lowest rank first and from the left, in O(n log n).

        The symbols form a linked list, and a heap holds the pairs that can be merged. A popped pair
        is skipped if one of its symbols has changed since it was pushed.
        """
        symbols: list[str | None] = [self._byte_to_unicode[byte] for byte in piece.encode()]
        following = list(range(1, len(symbols) + 1))
        previous = list(range(-1, len(symbols) - 1))
        heap: list[tuple[int, int, str, str]] = []

        def push(left: int) -> None:
            right = following[left]
            if left >= 0 and right < len(symbols):
                a, b = symbols[left], symbols[right]
                if a is not None and b is not None and (a, b) in self._ranks:
                    heapq.heappush(heap, (self._ranks[a, b], left, a, b))

        for i in range(len(symbols) - 1):
            push(i)
        while heap:
            _, left, a, b = heapq.heappop(heap)
            right = following[left]
            if symbols[left] != a or right == len(symbols) or symbols[right] != b:
                continue
            symbols[left], symbols[right] = a + b, None
            following[left] = following[right]
            if following[right] < len(symbols):
                previous[following[right]] = left
            push(left)
            if previous[left] >= 0:
                push(previous[left])
        return [self._encoder[symbol] for symbol in symbols if symbol is not None]

    def _check(self) -> None:
        if END_OF_TEXT not in self._encoder:
            raise ValueError(f"{END_OF_TEXT} is missing")
        if sorted(self._decoder) != list(range(len(self._encoder))):
            raise ValueError(f"the ids must be 0 to {len(self._encoder) - 1}, each once")
        needed = [*self._unicode_to_byte, *(left + right for left, right in self._ranks)]
        if missing := next((token for token in needed if token not in self._encoder), None):
            raise ValueError(f"the token {missing!r} has no id")
        tokens = self._encoder.keys() - {END_OF_TEXT}
        if unknown := set("".join(tokens)) - self._unicode_to_byte.keys():
            token = min(token for token in tokens if unknown & set(token))
            raise ValueError(f"the token {token!r} has a character that stands for no byte")


def _parse_merges(text: str) -> list[tuple[str, str]]:
    merges = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        if not left or not right or " " in right:
            raise ValueError(f"line {number} of vocab.bpe is not a pair of tokens")
        merges.append((left, right))
    return merges
