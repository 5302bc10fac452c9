"""The learned bound: how sure a match must be so that few enough hits are wrong, from hits that were checked.

Each label is a match that would have been a hit at some bound, with its score and whether its answer was right.  They
come from two sides: below the bound the answer is made anyway, so that every one is known; above it a sample is made
again.  What was sampled with probability p counts 1/p times.

The bound is the lowest score above which the wrong share, with an allowance for chance, stays under the ceiling.  The
allowance is Wilson's upper limit (E. B. Wilson, 1927) at the effective number of labels (L. Kish, 1965).  It can be
wrong for a while where the questions change faster than labels come; `wrong_rate` shows how it does.
"""

from collections import deque
from dataclasses import dataclass
from math import inf, sqrt
from typing import Final

import numpy as np

_REMEMBERED: Final = 4_000
_LEAST_LABELS: Final = 100
_EACH: Final = 25


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the wrong share among hits: what was seen, and what it is at most, at the bound's confidence.

    `labels` is how many checked matches say so.
    """

    share: float
    at_most: float
    labels: int


class Bound:
    """`ceiling` is the wrong share that hits may have; `deviations` how many standard errors are allowed for.

    `start` holds until enough is known; infinity means that nothing is a hit before.
    """

    __slots__ = ("_deviations", "_labels", "_start", "_unread", "ceiling", "least", "wrong_rate")

    def __init__(self, ceiling: float, *, deviations: float = 0.5, start: float = inf) -> None:
        self.ceiling = ceiling
        self._deviations = deviations
        self._start = start
        self._labels: deque[tuple[float, bool, float]] = deque(maxlen=_REMEMBERED)
        self._unread = 0
        self.least = start
        self.wrong_rate: Estimate | None = None

    @property
    def is_learned(self) -> bool:
        return len(self._labels) >= _LEAST_LABELS

    def learn(self, score: float, *, is_right: bool, probability: float) -> None:
        """Take in one checked match, which was checked with this probability."""
        self._labels.append((score, is_right, 1.0 / probability))
        self._unread += 1
        if len(self._labels) >= _LEAST_LABELS and self._unread >= _EACH:
            self._unread = 0
            self._fit()

    def _fit(self) -> None:
        labels = np.array(self._labels, np.float64)
        labels = labels[np.argsort(-labels[:, 0], kind="stable")]
        scores, weights = labels[:, 0], labels[:, 2]
        total = np.cumsum(weights)
        wrong = np.cumsum(weights * (1.0 - labels[:, 1])) / total
        effective = total**2 / np.cumsum(weights**2)
        z = self._deviations
        spread = z * np.sqrt(wrong * (1.0 - wrong) / effective + z * z / (4 * effective**2))
        at_most = (wrong + z * z / (2 * effective) + spread) / (1.0 + z * z / effective)
        held = np.flatnonzero(at_most <= self.ceiling)
        if not len(held):
            self.least, self.wrong_rate = inf, None
            return
        last = int(held[-1])
        self.least = float(scores[last])
        self.wrong_rate = Estimate(float(wrong[last]), float(at_most[last]), last + 1)


def upper_limit(wrong: int, of: int, deviations: float) -> float:
    """Wilson's upper limit of a share."""
    if of == 0:
        return 1.0
    share, z = wrong / of, deviations
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (share + z * z / (2 * of) + spread) / (1 + z * z / of)
