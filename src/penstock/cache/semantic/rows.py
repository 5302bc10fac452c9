"""What a partition keeps of each question beside its vector: its entry's name, text, words and group, row by row.

A partition may hold a hundred thousand of them, so that a row is one run of bytes and twenty more in an array: as
objects of their own the same would take half as much again, and the cycle collector would look at each.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from penstock.cache.semantic.question import Question, pack, unpack
from penstock.cache.semantic.reading import read
from penstock.encoder.model import Vector

_Array = TypeVar("_Array", NDArray[np.int32], NDArray[np.int64])

_FIRST_ROWS: Final = 8
_HEAD: Final = Struct("<HII")
_NEVER: Final = np.iinfo(np.int64).max
_ROW_BYTES: Final = 28
"""A row's place in the arrays and in the list."""
_KEPT_BYTES: Final = 64
"""What a run of bytes takes beside its length, and what the allocator adds."""


class Rows:
    """`size_bytes` is about what all of them take.  Rows are numbered by the index of vectors."""

    __slots__ = ("_clock", "_groups", "_kept", "_names", "_next_group", "_used", "kept_bytes")

    def __init__(self) -> None:
        self._kept: list[bytes | None] = []
        self._names = np.zeros(_FIRST_ROWS, np.int64)
        self._used = np.zeros(_FIRST_ROWS, np.int64)
        self._groups = np.zeros(_FIRST_ROWS, np.int32)
        self._clock = 0
        self._next_group = 0
        self.kept_bytes = 0

    @property
    def size_bytes(self) -> int:
        return len(self._kept) * _ROW_BYTES + self.kept_bytes

    def put(self, row: int, entry: str, question: Question, group: int) -> None:
        """Into a row that is free.  `entry` names the answer, and is not there yet."""
        parts = (entry, question.text, "\0".join(sorted(question.unread)))
        name, said, unread = (part.encode("utf-8", "surrogatepass") for part in parts)
        kept = self._kept
        while len(kept) <= row:
            kept.append(None)
        if row >= len(self._names):
            size = row + max(_FIRST_ROWS, row // 4)
            self._names, self._used = _grown(self._names, size), _grown(self._used, size)
            self._groups = _grown(self._groups, size)
        head = _HEAD.pack(len(name), len(said), len(unread))
        kept[row] = whole = b"".join((head, name, said, unread, pack(question.words)))
        self.kept_bytes += len(whole) + _KEPT_BYTES
        self._names[row] = hash(entry)
        self._groups[row] = group
        self.touch(row)

    def clear(self, row: int) -> None:
        """Nothing is there any more."""
        whole = self._kept[row]
        if whole is not None:
            self._kept[row] = None
            self._used[row] = _NEVER
            self.kept_bytes -= len(whole) + _KEPT_BYTES

    def has(self, row: int) -> bool:
        return row < len(self._kept) and self._kept[row] is not None

    def find(self, entry: str) -> int | None:
        """The row of an entry.  It looks through all: cheap beside what adds or drops one, and needs no table."""
        used = len(self._kept)
        for row in np.flatnonzero(self._names[:used] == hash(entry)):
            if self.has(int(row)) and self.entry(int(row)) == entry:
                return int(row)
        return None

    def entry(self, row: int) -> str:
        """The name of the answer to the question in `row`, which must be there."""
        whole = self._whole(row)
        return whole[_HEAD.size : _HEAD.size + _HEAD.unpack_from(whole)[0]].decode()

    def question(self, row: int, vector: Vector, width: int) -> Question:
        """The same; its reading is made anew: kept, it would take ten times the place of the text.

        `vector` is the row's, `width` how many dimensions its words have.
        """
        whole = self._whole(row)
        name, said, unread = _HEAD.unpack_from(whole)
        said += (name := name + _HEAD.size)
        unread += said
        text = whole[name:said].decode("utf-8", "surrogatepass")
        reading = read(text)
        if reading is None:
            raise ValueError("a question without words is never kept")
        pieces = whole[said:unread].decode("utf-8", "surrogatepass")
        return Question(text, reading, vector, unpack(whole[unread:], width), frozenset(pieces.split("\0")) - {""})

    def groups(self, rows: Sequence[int]) -> list[int]:
        """Questions whose answers say the same are of one group."""
        found: list[int] = self._groups[list(rows)].tolist()
        return found

    def new_group(self) -> int:
        self._next_group += 1
        return self._next_group

    def join(self, one: int, other: int) -> None:
        """Their answers turned out to say the same."""
        self._groups[self._groups == other] = one

    def touch(self, row: int) -> None:
        """It was used, now."""
        self._clock += 1
        self._used[row] = self._clock

    def oldest(self) -> int | None:
        """The row that was used longest ago."""
        used = self._used[: len(self._kept)]
        row = int(used.argmin()) if len(used) else 0
        return row if self.has(row) else None

    def _whole(self, row: int) -> bytes:
        whole = self._kept[row]
        if whole is None:
            raise LookupError(row)
        return whole


def _grown(array: _Array, size: int) -> _Array:
    grown = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown  # type: ignore[return-value]  # of the same type, which the array's dtype does not say
