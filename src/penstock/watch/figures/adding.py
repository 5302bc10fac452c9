"""Histograms of many rows added up: the database puts them one behind the other, and no number becomes an object.

The database itself would take longer by far to add them up: it would make a row of each bucket of each histogram.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

_HEAD: Final = 20
"""Bytes before the elements of an array of one dimension, as `array_send` writes it; an empty one has 12 in all."""
_BUCKET: Final = np.dtype([("length", ">i4"), ("value", ">i2")])
_COUNT: Final = np.dtype([("length", ">i4"), ("value", ">i4")])
"""Each element with its length before it, high bytes first."""
_MOST: Final = 8_192
"""Entries that wait to be added up: three times as many as there are buckets."""


def gathered(column: sql.Identifier) -> sql.Composed:
    """The elements of an array of each row, one behind the other, as bytes: for `Histogram.add`.

    Those of two columns of one query lie in the same order.
    """
    return sql.SQL("string_agg(substr(array_send({}), {}), ''::bytea)").format(column, sql.Literal(_HEAD + 1))


class Histogram:
    """Buckets and how many are in each, of any number of rows; what is taken off is negative."""

    __slots__ = ("_buckets", "_counts", "_waiting")

    def __init__(self) -> None:
        self._buckets = [np.empty(0, np.int64)]
        self._counts = [np.empty(0, np.int64)]
        self._waiting = 0

    def add(self, buckets: bytes, counts: bytes, sign: int) -> None:
        """`buckets` of a `smallint[]` and `counts` of an `integer[]`, as they were `gathered`."""
        self._buckets.append(_read(buckets, _BUCKET))
        self._counts.append(sign * _read(counts, _COUNT))
        self._waiting += len(self._buckets[-1])
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


def _read(elements: bytes, element: "np.dtype[np.void]") -> NDArray[np.int64]:
    return np.frombuffer(elements, element)["value"].astype(np.int64)
