"""Means and shares of a sample, with the interval in which that of all answers lies.

Shares by Wilson (1927), which holds for few answers and for shares near 0 and 1; means by the normal approximation with
the sample's own variance, within 0 and 1.  Both take answers as drawn at random, which the sample is.
"""

from math import sqrt
from typing import Final

import msgspec

from penstock.watch.quality.verdicts import WHOLE

_Z: Final = 1.959963984540054
"""95 %."""
_LEAST: Final = 2


class Share(msgspec.Struct, frozen=True):
    """`low` to `high` is the 95 % interval; all None where there are no answers."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN: Final = Share(None, None, None)


def share_of(part: int, whole: int) -> Share:
    if whole <= 0:
        return UNKNOWN
    share, z2 = part / whole, _Z * _Z
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z * sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return Share(share, max(middle - half, 0.0), min(middle + half, 1.0))


def mean_of(answers: int, scores: int, squares: int) -> Share:
    """Of scores in thousandths, given their number, their sum and that of their squares.  One alone has no interval."""
    if answers <= 0:
        return UNKNOWN
    mean = scores / answers
    if answers < _LEAST:
        return Share(mean / WHOLE, 0.0, 1.0)
    variance = max(squares - scores * scores / answers, 0.0) / (answers - 1)
    half = _Z * sqrt(variance / answers)
    return Share(mean / WHOLE, max(mean - half, 0.0) / WHOLE, min(mean + half, WHOLE) / WHOLE)
