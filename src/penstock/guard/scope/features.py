"""What the scope head sees of a text: its vectors, pooled in three ways, and its letters in runs of three to five.

The pass of the encoder gives a text one vector, which says what it is about on the whole; the greatest and the least
of each dimension over its tokens say what single words add.  The letters tell apart what vectors take for the same.
Called by `fit` and `head`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.model import Encoded

Array = NDArray[np.float32]
Places = NDArray[np.int64]

POOLS: Final = 3
BUCKETS: Final = 1 << 14
_BITS: Final = np.uint64(64 - 14)
_RUNS: Final = (3, 4, 5)
_MOST_CHARS: Final = 2_000
"""Of the text's letters: questions are shorter, and of a document its beginning will do."""
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)
_STEP: Final = np.uint64(1_000_003)
_LEAST_NORM: Final = 1e-9


def pooled(encoded: Encoded) -> Array:
    """The sentence, and the greatest and the least of each dimension over the tokens: a row each."""
    tokens = encoded.tokens
    if not len(tokens):
        return np.zeros((POOLS, len(encoded.sentence)), np.float32)
    return np.stack([encoded.sentence, tokens.max(axis=0), tokens.min(axis=0)])


def joined(pools: Array, middle: Array) -> Array:
    """One row a text: its pools around the `middle` of all examples, each of unit length."""
    return units(pools - middle).reshape(len(pools), -1)


def runs(text: str) -> Places:
    """The places, each once, of the text's runs of letters in a table of `BUCKETS`.  Linear in the text."""
    plain = f" {' '.join(text[:_MOST_CHARS].casefold().split())} "
    letters = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    found: list[NDArray[np.uint64]] = []
    for length in _RUNS:
        number = len(letters) - length + 1
        if number < 1:
            break
        hashed = np.zeros(number, np.uint64)
        for at in range(length):
            hashed = hashed * _STEP + letters[at : at + number]
        found.append((hashed * _SPREAD) >> _BITS)
    if not found:
        return np.zeros(0, np.int64)
    return np.unique(np.concatenate(found)).astype(np.int64)


def units(rows: NDArray[np.floating[Any]]) -> Array:
    """Each at unit length; what is zero stays zero."""
    return (rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), _LEAST_NORM)).astype(np.float32)
