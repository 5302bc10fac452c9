"""The three opinions that a scope head is made of: each gives a text a score for each topic, the higher the closer.

Called by `fit`, which makes them, and `head`, which asks them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penstock.guard.scope.features import BUCKETS, Array, Places, units

Exact = NDArray[np.float64]
Counts = NDArray[np.int64]
Topics = NDArray[np.int64]
"""The number of the topic of each example; topics are numbered from 0 on, and each has an example."""

_NEIGHBOURS: Final = 3
_ROUNDS: Final = 5
_RIDGE: Final = 0.02
_RIDGE_EXAMPLES: Final = 300.0
"""The spread within topics is taken as known with this many examples, and as the same in all directions below."""
_LEAST_LEVEL: Final = 1e-6
_SMOOTHING: Final = 0.05


@dataclass(frozen=True, slots=True)
class Nearest:
    """How near the nearest examples of each topic are, as cosines of sentences.

    `examples` has a row for each topic's each example, or of the many ones of a topic their centres; topics with fewer
    are filled up with zeros, and `counts` says how many are true.
    """

    examples: Array
    counts: Counts

    @classmethod
    def fit(cls, sentences: Array, topics: Topics, *, most: int) -> "Nearest":
        groups = [_centres(sentences[topics == each], most) for each in range(int(topics.max()) + 1)]
        counts = np.array([len(group) for group in groups])
        examples = np.zeros((len(groups), int(counts.max()), sentences.shape[1]), np.float32)
        for at, group in enumerate(groups):
            examples[at, : len(group)] = group
        return cls(examples, counts)

    def scores(self, sentences: Array) -> Array:
        number, most, width = self.examples.shape
        near = (sentences @ self.examples.reshape(-1, width).T).reshape(-1, number, most)
        near[:, np.arange(most) >= self.counts[:, None]] = -np.inf
        kept = min(_NEIGHBOURS, most)
        best = np.partition(near, most - kept, axis=2)[:, :, most - kept :]
        best = np.where(np.isfinite(best), best, 0.0).sum(axis=2)
        return (best / np.minimum(self.counts, kept)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Directions:
    """Linear discriminant analysis: the cosine to each topic's mean, seen in the directions in which topics differ and
    examples of one topic do not.
    """

    origin: Array
    towards: Array
    means: Array

    @classmethod
    def fit(cls, sums: Exact, counts: Counts, gram: Exact, *, width: int) -> "Directions":
        """From each topic's sum and number of examples, and the sum of the outer products of all of them.

        `width` is how many numbers describe a text, of which these may be fewer (`seen_from`).
        """
        means = sums / counts[:, None]
        within = gram - (means * counts[:, None]).T @ means
        degrees = max(int(counts.sum()) - len(counts), 1)
        level = max(float(np.trace(within)) / width, _LEAST_LEVEL)
        factor = np.linalg.cholesky(within + (_RIDGE + _RIDGE_EXAMPLES / degrees) * level * np.eye(len(within)))
        origin = means.mean(axis=0)
        seen = np.linalg.solve(factor, np.ascontiguousarray((means - origin).T))
        axes = np.linalg.svd(seen, full_matrices=False)[0]
        plain = np.linalg.solve(factor.T, axes[:, : max(len(counts) - 1, 1)])
        towards: Array = (plain / np.abs(plain).max()).astype(np.float32)
        placed: Array = (means - origin).astype(np.float32) @ towards
        return cls(origin.astype(np.float32), towards, units(placed))

    def seen_from(self, basis: Array) -> "Directions":
        """For rows that are not seen in the orthonormal `basis` yet."""
        return Directions(basis @ self.origin, basis @ self.towards, self.means)

    def scores(self, rows: Array) -> Array:
        return units((rows - self.origin) @ self.towards) @ self.means.T


@dataclass(frozen=True, slots=True)
class Wording:
    """Naive Bayes on runs of letters: `weights` has a row for each place, and a column for each topic."""

    weights: NDArray[np.float16]
    scale: float = 1.0

    @classmethod
    def fit(cls, texts: Sequence[Places], topics: Topics) -> "Wording":
        counts = np.zeros((BUCKETS, int(topics.max()) + 1), np.float32)
        for places, topic in zip(texts, topics, strict=True):
            counts[places, topic] += 1.0
        weights = np.log((counts + _SMOOTHING) / (counts.sum(axis=0) + _SMOOTHING * BUCKETS))
        return cls((weights - weights.mean(axis=1, keepdims=True)).astype(np.float16))

    def scores(self, texts: Sequence[Places]) -> Array:
        rows = [self.weights[places].sum(axis=0, dtype=np.float32) / np.sqrt(max(len(places), 1)) for places in texts]
        return np.array(rows, np.float32) * np.float32(self.scale)


def sums_by(rows: Array, group: Topics, number: int) -> Array:
    """The sum of the rows of each group."""
    return (group == np.arange(number)[:, None]).astype(np.float32) @ rows


def _centres(rows: Array, most: int) -> Array:
    """The rows themselves, or where they are too many the centres of as many groups of them (spherical k-means).

    The first ones are those furthest from all that came before, so that nothing depends on chance.
    """
    if len(rows) <= most:
        return rows
    chosen = [int(np.argmax(rows @ rows.mean(axis=0)))]
    nearest = rows @ rows[chosen[0]]
    for _ in range(most - 1):
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, rows @ rows[chosen[-1]])
    centres = rows[chosen]
    for _ in range(_ROUNDS):
        member = np.argmax(rows @ centres.T, axis=1)
        sums = sums_by(rows, member, most)
        filled = np.bincount(member, minlength=most) > 0
        centres = np.where(filled[:, None], units(sums), centres)
    return centres
