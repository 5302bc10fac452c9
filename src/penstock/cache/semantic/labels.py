"""What was seen of matches lately, from whichever process: a set, so that a fleet learns as one.

Each match has a name of its own, the process that saw it and its moment there.  Two sets are merged by their names: in
any order, any number of times, the result is the same.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

_FIRST_ROWS: Final = 8
_STEP_S: Final = 1e-6
"""What a double still tells apart of Unix times, several times over."""


def _at_once() -> float:
    return 0.0


class Ticks:
    """The moments of one process, in Unix seconds as `now` gives them, each later than the one before.

    `origin` is the process's number, below 2**32.  Without a clock moments are in their order and nothing else.
    """

    __slots__ = ("_last", "_now", "origin")

    def __init__(self, now: Callable[[], float] = _at_once, *, origin: int = 0) -> None:
        self._now = now
        self._last = 0.0
        self.origin = origin

    def next(self) -> float:
        self._last = max(self._now(), self._last + _STEP_S)
        return self._last


class Recent:
    """The latest `most` rows of (moment, origin, score, and what else there is), whatever the order they came in."""

    __slots__ = ("_most", "_rows", "_used")

    def __init__(self, columns: int, most: int) -> None:
        self._most = most
        self._rows: Floats = np.zeros((_FIRST_ROWS, columns))
        self._used = 0

    def __len__(self) -> int:
        return min(self._used, self._most)

    @property
    def size_bytes(self) -> int:
        return self._rows.nbytes

    def add(self, *row: float) -> None:
        """One that is not there yet."""
        if self._used == len(self._rows):
            if self._used > self._most:
                self._keep(self.latest())
            self._grow()
        self._rows[self._used] = row
        self._used += 1

    def merge(self, rows: Floats) -> bool:
        """Whether any of them was not there yet."""
        before = self.latest()
        self._keep(_latest(np.concatenate((before, rows)), self._most))
        return not np.array_equal(before, self._rows[: self._used])

    def latest(self) -> Floats:
        """All of them, by their moments."""
        return _latest(self._rows[: self._used], self._most)

    def _keep(self, rows: Floats) -> None:
        self._rows, self._used = rows, len(rows)

    def _grow(self) -> None:
        grown = np.zeros((self._used + max(_FIRST_ROWS, self._used // 4), self._rows.shape[1]))
        grown[: self._used] = self._rows[: self._used]
        self._rows = grown


def _latest(rows: Floats, most: int) -> Floats:
    """Sorted by name, each name once."""
    if not len(rows):
        return rows
    ordered = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = (np.diff(ordered[:, :2], axis=0) != 0.0).any(axis=1)
    return ordered[is_first][-most:]
