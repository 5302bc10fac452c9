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
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

_REMEMBERED: Final = 4_000
_LEAST_LABELS: Final = 100
_LABEL_BYTES: Final = 130
_EACH: Final = 25
_GREATEST_WEIGHT: Final = 100.0
"""Sure matches are checked seldom.  That one of them does not count for more errs on the side of too few hits."""
_CURVE_COUNTS: Final = 200.0
"""How many labels the curve through all labels counts as, beside those above a bound."""
_LEAST_ABOVE: Final = 20.0
_LEAST_SPREAD: Final = 1e-6
_STEPS: Final = 12

_Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of the wrong share among hits: what was seen, and what it is at most, at the bound's confidence.

    `labels` is how many checked matches say so.
    """

    share: float
    at_most: float
    labels: int


@dataclass(frozen=True, slots=True)
class _Curve:
    """A logistic curve over scores: the chance that a match is wrong."""

    middle: float
    spread: float
    height: float
    slope: float

    def at(self, scores: _Floats) -> _Floats:
        return 1.0 / (1.0 + np.exp(-(self.height + self.slope * (scores - self.middle) / self.spread)))


class Bound:
    """`ceiling` is the wrong share that hits may have; `deviations` how many standard errors are allowed for.

    `start` holds until enough is known; infinity means that nothing is a hit before.
    """

    __slots__ = ("_curve", "_deviations", "_labels", "_start", "_unread", "ceiling", "least", "wrong_rate")

    def __init__(self, ceiling: float, *, deviations: float = 0.5, start: float = inf) -> None:
        self.ceiling = ceiling
        self._deviations = deviations
        self._start = start
        self._labels: deque[tuple[float, bool, float]] = deque(maxlen=_REMEMBERED)
        self._unread = 0
        self._curve: _Curve | None = None
        self.least = start
        self.wrong_rate: Estimate | None = None

    @property
    def is_learned(self) -> bool:
        return len(self._labels) >= _LEAST_LABELS

    @property
    def size_bytes(self) -> int:
        """About what its labels take in memory."""
        return _LABEL_BYTES * len(self._labels)

    def risk(self, score: float) -> float:
        """How probably a match of this score is wrong, in ceilings: 1 is what is allowed on average."""
        if self._curve is None:
            return 1.0
        return float(self._curve.at(np.array([score]))[0]) / self.ceiling

    def learn(self, score: float, *, is_right: bool, probability: float) -> None:
        """Take in one checked match, which was checked with this probability."""
        self._labels.append((score, is_right, min(_GREATEST_WEIGHT, 1.0 / probability)))
        self._unread += 1
        if len(self._labels) >= _LEAST_LABELS and self._unread >= _EACH:
            self._unread = 0
            self._fit()

    def _fit(self) -> None:
        labels = np.array(self._labels, np.float64)
        labels = labels[np.argsort(-labels[:, 0], kind="stable")]
        scores, right, weights = labels[:, 0], labels[:, 1], labels[:, 2]
        total = np.cumsum(weights)
        effective = total**2 / np.cumsum(weights**2)
        seen = np.cumsum(weights * (1.0 - right)) / total
        self._curve = _fit_curve(scores, right, weights)
        expected = np.cumsum(weights * self._curve.at(scores)) / total
        # What was seen of few labels is little; the curve through all of them says more.
        wrong = (seen * effective + expected * _CURVE_COUNTS) / (effective + _CURVE_COUNTS)
        known = effective + _CURVE_COUNTS
        z = self._deviations
        spread = z * np.sqrt(wrong * (1.0 - wrong) / known + z * z / (4 * known**2))
        at_most = (wrong + z * z / (2 * known) + spread) / (1.0 + z * z / known)
        held = np.flatnonzero((at_most <= self.ceiling) & (effective >= _LEAST_ABOVE))
        if not len(held):
            self.least, self.wrong_rate = inf, None
            return
        last = int(held[-1])
        self.least = float(scores[last])
        self.wrong_rate = Estimate(float(wrong[last]), float(at_most[last]), last + 1)


def _fit_curve(scores: _Floats, right: _Floats, weights: _Floats) -> _Curve:
    """By Newton's method, with a slight pull towards no slope."""
    middle, spread = float(scores.mean()), max(float(scores.std()), _LEAST_SPREAD)
    place = np.stack([np.ones_like(scores), (scores - middle) / spread], axis=1)
    fitted = np.zeros(2)
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-place @ fitted))
        slope = place.T @ (weights * (chance - (1.0 - right))) + fitted
        bend = (place * (weights * chance * (1.0 - chance))[:, None]).T @ place + np.eye(2)
        fitted -= np.linalg.solve(bend, slope)
    return _Curve(middle, spread, float(fitted[0]), float(fitted[1]))


def upper_limit(wrong: int, of: int, deviations: float) -> float:
    """Wilson's upper limit of a share."""
    if of == 0:
        return 1.0
    share, z = wrong / of, deviations
    spread = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (share + z * z / (2 * of) + spread) / (1 + z * z / of)
