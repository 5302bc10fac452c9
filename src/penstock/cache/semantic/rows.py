"""What a partition keeps of each question beside its vector: its entry's name, text, words and group, row by row.

A partition may hold a hundred thousand of them, so that a row is one run of bytes and twenty more in an array: as
objects of their own the same would take half as much again, and the cycle collector would look at each.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

_Array = TypeVar("_Array", NDArray[np.int32], NDArray[np.int64])

_FIRST_ROWS: Final = 8
_HEAD: Final = Struct("<HI")
_NEVER: Final = np.iinfo(np.int64).max
_ROW_BYTES: Final = 28
"""A row's place in the arrays and in the list."""
_KEPT_BYTES: Final = 33
"""What a run of bytes takes beside its length."""


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

    def put(self, row: int, entry: str, text: str, words: bytes, group: int) -> None:
        """Into a row that is free.  `entry` names the answer, and is not there yet."""
        name, said = entry.encode(), text.encode("utf-8", "surrogatepass")
        kept = self._kept
        while len(kept) <= row:
            kept.append(None)
        if row >= len(self._names):
            size = row + max(_FIRST_ROWS, row // 4)
            self._names, self._used = _grown(self._names, size), _grown(self._used, size)
            self._groups = _grown(self._groups, size)
        kept[row] = whole = b"".join((_HEAD.pack(len(name), len(said)), name, said, words))
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
        """The name of the answer to the question in `row`, which must be there: so for all that follow."""
        whole, name, _ = self._read(row)
        return whole[_HEAD.size : name].decode()

    def text(self, row: int) -> str:
        whole, name, said = self._read(row)
        return whole[name:said].decode("utf-8", "surrogatepass")

    def words(self, row: int) -> bytes:
        whole, _, said = self._read(row)
        return whole[said:]

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

    def _read(self, row: int) -> tuple[bytes, int, int]:
        """The run of bytes, and where in it the name and the text end."""
        whole = self._kept[row]
        if whole is None:
            raise LookupError(row)
        name, said = _HEAD.unpack_from(whole)
        return whole, _HEAD.size + name, _HEAD.size + name + said


def _grown(array: _Array, size: int) -> _Array:
    grown = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown  # type: ignore[return-value]  # of the same type, which the array's dtype does not say
