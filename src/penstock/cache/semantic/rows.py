"""What a partition keeps of each question beside its vector: its entry's name, text, words and group, row by row.

A partition may hold a hundred thousand of them, so that a row is one run of bytes and twenty more in an array: as
objects of their own the same would take half as much again, and the cycle collector would look at each.
"""

from collections.abc import Iterable, Sequence
from secrets import randbits
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.cache.semantic.question import Question, pack, unpack
from penstock.cache.semantic.reading import read
from penstock.encoder.model import Vector

_FIRST_ROWS: Final = 8
_HEAD: Final = Struct("<HII")
_NEVER: Final = np.iinfo(np.int64).max
_GROUP_BITS: Final = 63
"""Drawn by chance, so that no two processes mean another group by the same number."""
_MOST_JOINED: Final = 10_000
_ROW_BYTES: Final = 32
"""A row's place in the arrays and in the list."""
_KEPT_BYTES: Final = 64
"""What a run of bytes takes beside its length, and what the allocator adds."""


class Rows:
    """`size_bytes` is about what all of them take.  Rows are numbered by the index of vectors."""

    __slots__ = ("_clock", "_groups", "_joined", "_kept", "_names", "_used", "_used_before", "kept_bytes")

    def __init__(self) -> None:
        self._kept: list[bytes | None] = []
        self._names = np.zeros(_FIRST_ROWS, np.int64)
        self._used = np.zeros(_FIRST_ROWS, np.int64)
        self._groups = np.zeros(_FIRST_ROWS, np.int64)
        self._joined: dict[int, int] = {}
        self._clock = 0
        self._used_before = 0
        self.kept_bytes = 0

    @property
    def size_bytes(self) -> int:
        return len(self._kept) * _ROW_BYTES + self.kept_bytes

    def put(self, row: int, entry: str, question: Question, group: int) -> None:
        """Into a row that is free.  `entry` names the answer, and is not there yet."""
        parts = (entry, question.text, "\0".join(sorted(question.unread)))
        name, said, unread = (part.encode("utf-8", "surrogatepass") for part in parts)
        self._make_room(row + 1)
        head = _HEAD.pack(len(name), len(said), len(unread))
        self._kept[row] = whole = b"".join((head, name, said, unread, pack(question.words)))
        self.kept_bytes += len(whole) + _KEPT_BYTES
        self._names[row] = hash(entry)
        self._groups[row] = group
        self.touch(row)

    def extend(self, rows: range, kept: Sequence[bytes], groups: Sequence[int]) -> None:
        """As `put` does with each, of what `packed` gave.  They count as used before all others, the first one last."""
        self._make_room(rows.stop)
        self._kept[rows.start : rows.stop] = kept
        self.kept_bytes += sum(map(len, kept)) + _KEPT_BYTES * len(kept)
        self._names[rows.start : rows.stop] = [hash(entry_of(whole)) for whole in kept]
        self._groups[rows.start : rows.stop] = groups
        self._used[rows.start : rows.stop] = np.arange(self._used_before, self._used_before - len(rows), -1)
        self._used_before -= len(rows)

    def packed(self, row: int) -> bytes:
        """All of it but the group."""
        return self._whole(row)

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

    def hashes(self) -> set[int]:
        """Of the names of all entries that are there, for whoever adds many."""
        used = len(self._kept)
        return set(self._names[:used][self._used[:used] != _NEVER].tolist())

    def entry(self, row: int) -> str:
        """The name of the answer to the question in `row`, which must be there."""
        return entry_of(self._whole(row))

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

    def join(self, groups: Iterable[int]) -> int:
        """Their answers turned out to say the same; returns what all of them are now, and a new group for none.

        That is the lowest number, so that it does not depend on the order in which processes hear of them.
        """
        found = {self._group(each) for each in groups}
        one = min(found, default=0) or randbits(_GROUP_BITS) or 1
        for other in found - {one}:
            self._groups[self._groups == other] = one
            if len(self._joined) >= _MOST_JOINED:
                self._joined.clear()  # what comes late under another of its numbers is then a group of its own
            self._joined[other] = one
        return one

    def _group(self, group: int) -> int:
        while (one := self._joined.get(group)) is not None:
            group = one
        return group

    def touch(self, row: int) -> None:
        """It was used, now."""
        self._clock += 1
        self._used[row] = self._clock

    def oldest(self) -> int | None:
        """The row that was used longest ago."""
        used = self._used[: len(self._kept)]
        row = int(used.argmin()) if len(used) else 0
        return row if self.has(row) else None

    def _make_room(self, rows: int) -> None:
        kept = self._kept
        while len(kept) < rows:
            kept.append(None)
        if rows > len(self._names):
            size = rows + max(_FIRST_ROWS, rows // 4)
            self._names, self._used = _grown(self._names, size), _grown(self._used, size)
            self._groups = _grown(self._groups, size)

    def _whole(self, row: int) -> bytes:
        whole = self._kept[row]
        if whole is None:
            raise LookupError(row)
        return whole


def entry_of(kept: bytes) -> str:
    """The name in what `Rows.packed` gave."""
    return kept[_HEAD.size : _HEAD.size + _HEAD.unpack_from(kept)[0]].decode()


def _grown(array: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    grown = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown
