"""Histograms of times whose percentiles are right within half a percent, however many of them are added up.

Buckets grow by one percent each, from a microsecond on (Masson, Rim, Lee: DDSketch, VLDB 2019).  A time in bucket i is
above 1.01^(i-1) microseconds and at most 1.01^i; the middle of the two, in proportion, is off by 0.5 % at most.
"""

from collections.abc import Mapping
from math import ceil, log

_GROWTH = 1.01
_BY = 1.0 / log(_GROWTH)
_LAST = 2_700
"""Some five days.  What takes longer is counted there."""


def bucket_of(seconds: float) -> int:
    """The bucket of a time; 0 holds what is a microsecond or less, and what a clock that was set back made negative."""
    microseconds = seconds * 1e6
    if not microseconds > 1.0:
        return 0
    return min(ceil(log(microseconds) * _BY), _LAST) if microseconds < 1e18 else _LAST


def seconds_of(bucket: int) -> float:
    """What stands for the times of a bucket."""
    if bucket <= 0:
        return 1e-6
    return 2.0 * _GROWTH**bucket / (_GROWTH + 1.0) / 1e6


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """The time, in seconds, that `share` (0 to 1) of all do not exceed, by nearest rank; None where there are none."""
    total = sum(counts.values())
    if total <= 0:
        return None
    rank = max(ceil(share * total), 1)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return seconds_of(bucket)
    raise AssertionError("a rank above all that was counted")
