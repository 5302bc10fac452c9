"""Student's distribution, as far as a test needs it: tails, and their inverse."""

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def two_sided(score: float, freedom: float) -> float:
    """How likely a score at least so far from zero is.

    By Wallace's approximation of a normal score (Wallace 1959), which is off by some per cent of the probability.
    """
    normal = _slope(freedom) * math.sqrt(freedom * math.log1p(score * score / freedom))
    return math.erfc(normal / math.sqrt(2))


def score_at(probability: float, freedom: float) -> float:
    """The score that is passed, on either side, with this probability: the inverse of `two_sided`."""
    if probability >= 1:
        return 0.0
    normal = -_NORMAL.inv_cdf(max(probability, 1e-300) / 2) / _slope(freedom)
    return math.sqrt(freedom * math.expm1(min(700.0, normal * normal / freedom)))


def _slope(freedom: float) -> float:
    return (8 * freedom + 1) / (8 * freedom + 3)
