"""The nearest questions of one partition.

Vectors are kept with 8 bits a number.  A search first compares signs alone (48 bytes a question, in the order of the
processor's words), takes the few hundred that differ least, and compares those whole.  Rows that are removed are used
again.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.encoder.model import Matrix, Vector

_SCALE: Final = 127.0
_FIRST_ROWS: Final = 8
_COMPARED: Final = 512
"""Questions that are compared whole.  With fewer than this in a partition all are."""
_WORD_BITS: Final = 64


@cache
def _rotation(width: int) -> Matrix:
    """The same for all: the signs of the vectors' own dimensions would mostly be those of their common mean."""
    return np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))[0].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Near:
    """Rows and their cosine similarities, the most similar first."""

    rows: NDArray[np.int64]
    similarities: Vector


class VectorIndex:
    """Of vectors of unit length.  Searched by several threads at once, changed by one that searches do not meet.

    A search sees a row whole or not at all: rows are written before they are counted, and grown arrays are new ones.
    """

    __slots__ = ("_free", "_rotation", "_rows", "_scales", "_signs", "_used", "_vectors", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        words = -(-width // _WORD_BITS)
        self._rotation = _rotation(width)
        self._vectors = np.zeros((_FIRST_ROWS, width), np.int8)
        self._scales = np.zeros(_FIRST_ROWS, np.float32)
        self._signs = np.zeros((words, _FIRST_ROWS), np.uint64)
        self._used = 0
        self._free: list[int] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def size_bytes(self) -> int:
        """What its rows take.  Those that were never used are not in memory yet, but for a few."""
        return self._used * (self.width + self._signs.itemsize * len(self._signs) + self._scales.itemsize)

    def add(self, vector: Vector) -> int:
        """The row that it has now."""
        row = self._free.pop() if self._free else self._used
        if row >= len(self._vectors):
            self._grow()
        peak = max(float(np.abs(vector).max(initial=0.0)), 1e-9)
        self._vectors[row] = np.rint(vector * (_SCALE / peak)).astype(np.int8)
        self._signs[:, row] = self._sign_words(vector)
        self._scales[row] = peak / _SCALE
        self._used = max(self._used, row + 1)
        self._rows += 1
        return row

    def extend(self, vectors: NDArray[np.int8], scales: Vector) -> range:
        """As `add` does with each, of vectors that were kept before: with 8 bits, and what they are times."""
        begin, end = self._used, self._used + len(vectors)
        self.reserve(len(vectors))
        bits = np.packbits(vectors.astype(np.float32) @ self._rotation.T > 0, axis=1)
        padded = np.zeros((len(vectors), len(self._signs) * 8), np.uint8)
        padded[:, : bits.shape[1]] = bits
        self._vectors[begin:end] = vectors
        self._signs[:, begin:end] = padded.view(np.uint64).T
        self._scales[begin:end] = scales
        self._used = end
        self._rows += end - begin
        return range(begin, end)

    def reserve(self, count: int) -> None:
        """Have room for so many more behind all others: to make it step by step copies all of it again and again."""
        missing = self._used + count - len(self._vectors)
        if missing > 0:
            self._grow(missing)

    def remove(self, row: int) -> None:
        """It is found no more; the row is given to another one later."""
        self._scales[row] = 0.0
        self._free.append(row)
        self._rows -= 1

    def vector(self, row: int) -> Vector:
        """What was added, within 8 bits."""
        return self._vectors[row].astype(np.float32) * self._scales[row]

    def packed(self, row: int) -> tuple[bytes, float]:
        """The same as it is kept: 8 bits a number, and what they are times."""
        return self._vectors[row].tobytes(), float(self._scales[row])

    def nearest(self, vector: Vector, count: int) -> Near:
        """At most `count` rows."""
        used = self._used
        signs, vectors, scales = self._signs, self._vectors, self._scales
        if used == 0:
            return Near(np.zeros(0, np.int64), np.zeros(0, np.float32))
        rows: NDArray[np.int64] = (
            np.arange(used) if used <= _COMPARED else self._candidates(signs, self._sign_words(vector), used)
        )
        rows = rows[scales[rows] > 0]
        found = (vectors[rows].astype(np.float32) @ vector) * scales[rows]
        if len(rows) > count:
            best = np.argpartition(-found, count - 1)[:count]
            rows, found = rows[best], found[best]
        order = np.argsort(-found, kind="stable")
        return Near(rows[order], found[order])

    def _candidates(self, signs: NDArray[np.uint64], ours: NDArray[np.uint64], used: int) -> NDArray[np.int64]:
        # Word by word: each step gives up the interpreter, and what it leaves behind stays in the processor's cache.
        apart = np.zeros(used, np.uint16)
        for word, own in zip(signs, ours, strict=True):
            apart += np.bitwise_count(word[:used] ^ own)
        most = np.partition(apart, _COMPARED)[_COMPARED]
        return np.flatnonzero(apart <= most)[: 4 * _COMPARED]

    def _sign_words(self, vector: Vector) -> NDArray[np.uint64]:
        bits = np.packbits(self._rotation @ vector > 0)
        padded = np.zeros(len(self._signs) * 8, np.uint8)
        padded[: len(bits)] = bits
        return padded.view(np.uint64)

    def _grow(self, least: int = _FIRST_ROWS) -> None:
        rows = len(self._vectors) + max(least, len(self._vectors) // 4)
        vectors = np.zeros((rows, self.width), np.int8)
        vectors[: self._used] = self._vectors[: self._used]
        scales = np.zeros(rows, np.float32)
        scales[: self._used] = self._scales[: self._used]
        signs = np.zeros((len(self._signs), rows), np.uint64)
        signs[:, : self._used] = self._signs[:, : self._used]
        self._vectors, self._scales, self._signs = vectors, scales, signs
