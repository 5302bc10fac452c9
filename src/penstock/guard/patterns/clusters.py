"""Where digits stand close together in a text, with what is around them: most patterns can match nowhere else.

Built by `pattern_set` for the patterns that it looks for there only.  Positions count the bytes of UTF-8.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from penstock.guard.patterns.extents import Extent

_LIMITS: Final = Extent(before=96, between=40, after=48)
"""A pattern that may reach further is looked for in the whole text: clusters would be most of it."""
_IS_DIGIT: Final = bytes(48 <= byte < 58 for byte in range(256))
_MOST_EXTRA: Final = 3
"""Bytes of a character beside its first."""

Cluster: TypeAlias = tuple[int, int, int, int]
"""Behind the digits of the cluster before, its first digit, behind its last, and where what is seen of the text ends.

What is seen has a character more than any match, which tells whether that ends within a word.
"""


class Clusters:
    """For patterns of such extents: what they match around the digits of a cluster, they match in the text.

    No match has digits of two clusters, for these lie further apart than two digits of a match.  So one that has digits
    of a cluster begins behind those of the cluster before, and ends before those of the next.
    """

    def __init__(self, extents: Iterable[Extent]) -> None:
        each = tuple(extents)
        self.before = max(extent.before for extent in each)
        self._after = max(extent.after for extent in each)
        self._between = max(extent.between for extent in each)

    def of(self, data: bytes, extra: int) -> Iterator[Cluster]:
        """Of a text in UTF-8, in order; `extra` is how many more bytes than characters it has."""
        is_digit = data.translate(_IS_DIGIT)
        between = widened(self._between, extra) + 1
        after = widened(self._after, extra)
        find, find_last = is_digit.find, is_digit.rfind
        behind, first, size = 0, find(1), len(data) - 1
        while first >= 0:
            last = first
            while (further := find_last(1, last + 1, last + between + 1)) > 0:  # from the far end: there are few steps
                last = further
            left, here, behind = behind, first, last + 1
            first = find(1, behind + between)
            yield left, here, behind, min(behind + after, size if first < 0 else first) + 1


def widened(chars: int, extra: int) -> int:
    """In how many bytes so many characters fit, of a text with `extra` more bytes than characters."""
    return chars + min(extra, _MOST_EXTRA * chars)


def is_near(extent: Extent) -> bool:
    """Whether a pattern that reaches so far is looked for around digits only."""
    return extent.before <= _LIMITS.before and extent.between <= _LIMITS.between and extent.after <= _LIMITS.after
