"""From the scores of an assistant's own examples, each by a head that had not seen it, to how strange a score is.

With many examples their scores speak for themselves.  With few they are joined with what was measured on other
assistants, as in a normal distribution with a conjugate prior: five examples cannot say what one in twenty looks like.
Called by `fit`.
"""

from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

STEPS: Final = 1_000
_MEAN: Final = 0.62
_SPREAD: Final = 0.13
_MEAN_WEIGHT: Final = 2.0
_SPREAD_WEIGHT: Final = 10.0
_OWN_WEIGHT: Final = 50.0
"""Examples at which their scores and the normal distribution count the same."""


def levels(scores: Array) -> Array:
    """The score below which 0, 1, …, `STEPS` thousandths of an assistant's questions are expected; never falling."""
    shares = np.linspace(0.0, 1.0, STEPS + 1)
    assumed = _assumed(scores, shares)
    number = len(scores)
    if not number:
        return assumed.astype(np.float32)
    # With n scores the next one lies below the i-th of them once in (n + 1) / i times (Vovk et al., 2005).
    ranks = (np.arange(number) + 1.0) / (number + 1.0)
    own = np.interp(shares, ranks, np.sort(scores))
    weight = number / (number + _OWN_WEIGHT)
    return np.maximum.accumulate(weight * own + (1.0 - weight) * assumed).astype(np.float32)


def _assumed(scores: Array, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the next score, by a normal distribution whose mean and spread are not known for sure."""
    number = len(scores)
    mean = (_MEAN_WEIGHT * _MEAN + float(scores.sum())) / (_MEAN_WEIGHT + number)
    around = float(((scores - mean) ** 2).sum()) if number else 0.0
    degrees = _SPREAD_WEIGHT + number
    spread = float(np.sqrt((_SPREAD_WEIGHT * _SPREAD**2 + around) / degrees * (1.0 + 1.0 / (_MEAN_WEIGHT + number))))
    normal = NormalDist()
    ends = 0.5 / STEPS
    plain = np.array([normal.inv_cdf(float(share)) for share in np.clip(shares, ends, 1.0 - ends)])
    # Student's t from the normal quantile (Abramowitz and Stegun 26.7.5).
    return mean + spread * (plain + (plain**3 + plain) / (4.0 * degrees))


def sharpness(scores: Array, topics: NDArray[np.int64]) -> float:
    """What scores are multiplied by, so that their softmax says how often the first topic is the right one."""
    grid = np.geomspace(5.0, 200.0, 40)
    likely = np.array([_log_likelihood(scores * np.float32(each), topics) for each in grid])
    return float(grid[int(np.argmax(likely - _USUAL_WEIGHT * np.log(grid / _USUAL) ** 2))])


def _log_likelihood(scores: Array, topics: NDArray[np.int64]) -> float:
    top = scores.max(axis=1, keepdims=True)
    chosen = scores[np.arange(len(scores)), topics] - top[:, 0]
    return float((chosen - np.log(np.exp(scores - top).sum(axis=1))).sum())


_USUAL: Final = 30.0
_USUAL_WEIGHT: Final = 2.0
