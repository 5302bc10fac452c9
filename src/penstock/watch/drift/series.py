"""One measure of one assistant by the hour, as running sums: any stretch of hours in constant time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import sub


@dataclass(frozen=True, slots=True)
class Piece:
    """Count, sum and sum of squares of the exchanges' values: all that is kept of them, and pieces add."""

    count: float = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Piece") -> "Piece":
        return Piece(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        return self.total / self.count


class Series:
    """Hours are counted from 1970, UTC.  One that is not among `hours` had no exchange."""

    __slots__ = ("_counts", "_evened", "_first", "_squares", "_totals")

    def __init__(self, hours: Mapping[int, Piece]) -> None:
        self._first = min(hours, default=0)
        whole = [hours.get(hour, Piece()) for hour in range(self._first, max(hours, default=-1) + 1)]
        self._counts = _sums(piece.count for piece in whole)
        self._totals = _sums(piece.total for piece in whole)
        self._squares = _sums(piece.squares for piece in whole)
        self._evened: tuple[float, Series] | None = None

    @property
    def first(self) -> int:
        """The hour of the first exchange."""
        return self._first

    def evened(self, alike: float) -> "Series":
        """The series in which `n` exchanges of an hour count for n / (1 + alike * n).

        Exchanges of one hour are alike, so that a thousand of them are not worth a thousand, and two busy hours are not
        the day (Kish 1965).  `alike` is how far hours lie apart, as a part of the variance of one exchange.
        """
        if self._evened is None or self._evened[0] != alike:
            parts = [1 / (1 + alike * (after - before)) for before, after in pairwise(self._counts)]
            found = Series({})
            found._first = self._first
            found._counts, found._totals, found._squares = (
                _sums(part * (after - before) for part, (before, after) in zip(parts, pairwise(of), strict=True))
                for of in (self._counts, self._totals, self._squares)
            )
            self._evened = alike, found
        return self._evened[1]

    def over(self, begin: int, end: int) -> Piece:
        """From one hour up to another, which is not in it."""
        last = len(self._counts) - 1
        low, high = (min(max(hour - self._first, 0), last) for hour in (begin, end))
        return Piece(
            self._counts[high] - self._counts[low],
            self._totals[high] - self._totals[low],
            self._squares[high] - self._squares[low],
        )

    def before(self, now: int, hours: int, every: int, most: int) -> tuple[list[float], list[float], list[float]]:
        """Counts, sums and sums of squares of windows of so many hours, the newest first.

        The first ends `every` hours before `now`, the next as much earlier, and the last, of `most`, begins no earlier
        than the series.
        """
        last = len(self._counts) - 1
        end = now - self._first - every
        if end > last:
            pieces = [self.over(at - hours, at) for at in range(now - every, self._first + hours - 1, -every)][:most]
            return [each.count for each in pieces], [each.total for each in pieces], [each.squares for each in pieces]
        ends = [max(0, end - each * every) for each in range(most) if end - each * every >= hours]
        if not ends:
            return [], [], []
        high = slice(end, ends[-1] - 1 if ends[-1] else None, -every)
        low = slice(end - hours, ends[-1] - hours - 1 if ends[-1] - hours else None, -every)
        counts, totals, squares = (
            list(map(sub, of[high], of[low])) for of in (self._counts, self._totals, self._squares)
        )
        return counts, totals, squares


def _sums(values: Iterable[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))
