"""The learned bound: how sure a match must be so that few enough hits are wrong, from matches that were checked.

Each label is a match with its score and whether its answer was right.  They come from two sides: below the bound the
answer is made anyway, so that every one is known; above it a sample is made again.  Which ones are known depends on the
score alone, so that a curve over the score, the chance that a match is wrong, can be fitted to them as they are: a
logistic one with bends, towards the curve that was seen on other questions (`training/semantic_cache.md`).

The bound is the lowest score above which the mean of the curve over all matches of late, with an allowance for what the
labels leave open, stays under the ceiling.  It can be wrong for a while where the questions change faster than labels
come; `wrong_rate` shows how it does.
"""

from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from penstock.cache.semantic.labels import Floats, Recent, Ticks

REMEMBERED: Final = 4_000
"""Labels, and as many matches whether they were checked or not: the latest ones."""
_LEAST_LABELS: Final = 100
_EACH: Final = 25
_BENDS: Final = (0.0, 2.0)
_EXPECTED: Final = (-1.17, -0.28, -0.99, 0.26)
"""The curve's height, its slope, and by how much that changes at each bend, before anything is known here."""
_EXPECTED_SPREAD: Final = (1.0, 0.5, 0.5, 0.5)
_STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the wrong share among hits: what is expected, and what it is at most, at the bound's confidence.

    `labels` is how many checked matches say so.
    """

    share: float
    at_most: float
    labels: int


class Bound:
    """`ceiling` is the wrong share that hits may have; `deviations` how many standard errors are allowed for.

    Nothing is a hit before enough is known: `least` is infinite.  `ticks` are the moments of this process.
    """

    __slots__ = ("_curve", "_deviations", "_labels", "_seen", "_ticks", "_unread", "ceiling", "least", "wrong_rate")

    def __init__(self, ceiling: float, *, deviations: float = 0.5, ticks: Ticks | None = None) -> None:
        self.ceiling = ceiling
        self._deviations = deviations
        self._ticks = ticks if ticks is not None else Ticks()
        self._labels = Recent(4, REMEMBERED)
        self._seen = Recent(3, REMEMBERED)
        self._unread = 0
        self._curve: Floats = np.array(_EXPECTED)
        self.least = inf
        self.wrong_rate: Estimate | None = None

    @property
    def is_learned(self) -> bool:
        return len(self._labels) >= _LEAST_LABELS

    @property
    def size_bytes(self) -> int:
        """What its labels take in memory."""
        return self._labels.size_bytes + self._seen.size_bytes

    def risk(self, score: float) -> float:
        """How probably a match of this score is wrong."""
        return float(_chance(_place(np.array([score])), self._curve)[0])

    @property
    def greatest_risk(self) -> float:
        """That of the least sure match which is a hit; before anything is learned, what hits may have on average."""
        return self.risk(self.least) if self.least < inf else self.ceiling

    def saw(self, score: float) -> float:
        """Take in that there was a match, checked or not; returns its moment."""
        at = self._ticks.next()
        self._seen.add(at, self._ticks.origin, score)
        return at

    def learn(self, score: float, *, is_right: bool, at: float | None = None) -> None:
        """Take in one checked match.  Whether it was checked may depend on nothing but its score and its text.

        `at` is what `saw` said of it.
        """
        self._labels.add(self._ticks.next() if at is None else at, self._ticks.origin, score, is_right)
        self._unread += 1
        if self.is_learned and self._unread >= _EACH:
            self._fit()

    def merge(self, labels: Floats, seen: Floats) -> None:
        """Take in what others saw, or this process before: rows of (moment, origin, score, right) and without `right`.

        In any order, any number of times; after it the bound is of all labels that there are.
        """
        is_new = self._labels.merge(labels)
        is_new = self._seen.merge(seen) or is_new
        if self.is_learned and (is_new or self._unread):
            self._fit()

    def _fit(self) -> None:
        self._unread = 0
        labels, seen = self._labels.latest()[:, 2:], self._seen.latest()
        self._curve, bend = _fitted(_place(labels[:, 0]), 1.0 - labels[:, 1], self._curve)
        scores = np.sort(seen[:, 2] if len(seen) else labels[:, 0])[::-1]
        place = _place(scores)
        wrong = _chance(place, self._curve)
        counts = np.arange(1, len(scores) + 1)
        share = np.cumsum(wrong) / counts
        # How far the mean moves with the curve, and so how unsure it is.
        moves = np.cumsum(place * (wrong * (1.0 - wrong))[:, None], axis=0) / counts[:, None]
        variance = np.einsum("ij,jk,ik->i", moves, np.linalg.inv(bend), moves)
        at_most = share + self._deviations * np.sqrt(variance)
        held = np.flatnonzero(at_most <= self.ceiling)
        if not len(held):
            self.least, self.wrong_rate = inf, None
            return
        last = int(held[-1])
        self.least = float(scores[last])
        above = int(np.count_nonzero(labels[:, 0] >= self.least))
        self.wrong_rate = Estimate(float(share[last]), float(at_most[last]), above)


def _place(scores: Floats) -> Floats:
    """One row for a score: what the curve is a sum of."""
    return np.stack([np.ones_like(scores), scores, *(np.maximum(0.0, scores - bend) for bend in _BENDS)], axis=1)


def _chance(place: Floats, curve: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-np.clip(place @ curve, -30.0, 30.0)))


def _fitted(place: Floats, wrong: Floats, start: Floats) -> tuple[Floats, Floats]:
    """The most probable curve, and how sharply so, by Newton's method from the last one."""
    expected, precision = np.array(_EXPECTED), np.diag(1.0 / np.array(_EXPECTED_SPREAD) ** 2)
    curve, bend = start, precision
    for _ in range(_STEPS):
        chance = _chance(place, curve)
        slope = place.T @ (chance - wrong) + precision @ (curve - expected)
        bend = (place * (chance * (1.0 - chance))[:, None]).T @ place + precision
        step = np.linalg.solve(bend, slope)
        curve = curve - np.clip(step, -2.0, 2.0)
    return curve, bend
