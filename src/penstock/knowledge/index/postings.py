"""What BM25 keeps of a chunk: for each word how often it stands there, those of its titles counted with less weight."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Final

from penstock.knowledge.document import BaseId, Chunk, Document
from penstock.knowledge.index.words import WORDS_VERSION, words_of

TENTHS: Final = 10
"""Weights are kept in tenths of a word."""
_TITLE_TENTHS: Final = 10
_HEADING_TENTHS: Final = 10
_MOST: Final = 32_767


@dataclass(frozen=True, slots=True)
class Counted:
    """A chunk's words by their keys, in the order of the keys; `words` is its length."""

    weights: dict[int, int]
    words: int


def counted(base: BaseId, document: Document, chunk: Chunk) -> Counted:
    """The postings of one chunk of the document, with its title and the headings above it."""
    weights: Counter[str] = Counter()
    for text, tenths in (
        (chunk.text, TENTHS),
        (" ".join(chunk.heading), _HEADING_TENTHS),
        (document.title, _TITLE_TENTHS),
    ):
        for word in words_of(text):
            weights[word] += tenths
    keyed = {key_of(base, word): min(weight, _MOST) for word, weight in weights.items()}
    return Counted(dict(sorted(keyed.items())), min(weights.total() // TENTHS, _MOST))


def key_of(base: BaseId, word: str) -> int:
    """Of a word's postings in one base, in 64 bits."""
    named = f"{WORDS_VERSION}\0{base}\0{word}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big", signed=True)
