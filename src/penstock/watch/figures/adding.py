"""Histograms of many rows added up, read as the database sends them: no object is made for each of their numbers.

The database itself takes longer by far: it would make a row of each bucket of each histogram.
"""

from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

_HEAD: Final = 20
"""Bytes before the elements of an array of one dimension; an empty array has none, and 12."""
_MOST: Final = 8_192
"""Entries that wait to be added up: three times as many as there are buckets."""


class _Numbers(Loader):
    """An array without NULLs, as `array_send` writes it: each element with its length before it, high bytes first."""

    format = Format.BINARY
    element: ClassVar[np.dtype[Any]]

    def load(self, data: Buffer) -> NDArray[np.int64]:
        """A copy: `data` is the connection's."""
        if len(data) < _HEAD:
            return np.empty(0, np.int64)
        return np.frombuffer(data, self.element, offset=_HEAD)["value"].astype(np.int64)


class _Small(_Numbers):
    element = np.dtype([("length", ">i4"), ("value", ">i2")])


class _Whole(_Numbers):
    element = np.dtype([("length", ">i4"), ("value", ">i4")])


def read_arrays(context: AdaptContext) -> None:
    """Have arrays of `smallint` and `integer` read by a cursor in binary format as arrays of numpy."""
    for name, loader in (("int2", _Small), ("int4", _Whole)):
        context.adapters.register_loader(context.adapters.types[name].array_oid, loader)


class Histogram:
    """Buckets and how many are in each, of any number of rows; what is taken off is negative."""

    __slots__ = ("_buckets", "_counts", "_waiting")

    def __init__(self) -> None:
        self._buckets = [np.empty(0, np.int64)]
        self._counts = [np.empty(0, np.int64)]
        self._waiting = 0

    def add(self, buckets: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        self._buckets.append(buckets)
        self._counts.append(counts)
        self._waiting += len(buckets)
        if self._waiting > _MOST:
            self._add_up()

    def counts(self) -> dict[int, int]:
        """By bucket, in their order; none that has nothing in it."""
        self._add_up()
        return dict(zip(self._buckets[0].tolist(), self._counts[0].tolist(), strict=True))

    def _add_up(self) -> None:
        # In floating point, which is exact for whole numbers up to 2^53.
        sums = np.bincount(np.concatenate(self._buckets), np.concatenate(self._counts)).astype(np.int64)
        filled = np.flatnonzero(sums)
        self._buckets, self._counts, self._waiting = [filled], [sums[filled]], 0
