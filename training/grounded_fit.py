"""Fits the two parts of the judge of grounded claims, and chooses which claim of an unsupported answer is to blame.

Only whole answers are labelled.  All claims of a supported answer are supported; of another, the one that the fit of
the round before finds least supported is taken for the unsupported one.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.guard.grounded.judge import Copied, General, is_copy, sigmoid, standard
from penstock.guard.grounded.measure import FEATURES

Rows = NDArray[np.float64]

PENALTY: Final = 0.1
HIDDEN: Final = 16
COPIED_PENALTY: Final = 4e-3
_NETWORKS: Final = 3
_EPOCHS: Final = 40
_BATCH: Final = 256
_STEP: Final = 0.01
_ROUNDS: Final = 3
_NEWTON_STEPS: Final = 25
_FIRST: Final = FEATURES.index("soft_two")


class Labelled(NamedTuple):
    """An answer's claims, by their features; `part` is what it counts to when sets are balanced."""

    rows: Rows
    is_supported: bool
    part: str


def fit_general(answers: Sequence[Labelled]) -> General:
    """Each set weighs the square root of its size, and both labels in it the same."""
    sizes = Counter(each.part for each in answers)
    classes = Counter((each.part, each.is_supported) for each in answers)
    weights = [np.sqrt(sizes[each.part]) / classes[each.part, each.is_supported] for each in answers]
    fitted: General | None = None
    for _ in range(_ROUNDS):
        rows: list[Rows] = []
        labels: list[bool] = []
        counts: list[float] = []
        for answer, weight in zip(answers, weights, strict=True):
            totals = answer.rows[:, _FIRST] if fitted is None else fitted.totals(answer.rows)
            chosen = answer.rows if answer.is_supported else answer.rows[[int(np.argmin(totals))]]
            rows.append(chosen[:, : len(FEATURES)])
            labels += [answer.is_supported] * len(chosen)
            counts += [weight / len(chosen)] * len(chosen)
        fitted = _logistic(np.concatenate(rows), np.array(labels, float), np.array(counts))
    if fitted is None:
        raise ValueError("there is nothing to fit")
    return fitted


def fit_copied(answers: Sequence[Labelled]) -> Copied:
    """On those claims alone that nearly copy a sentence."""
    fitted: Copied | None = None
    for _ in range(_ROUNDS):
        rows: list[Rows] = []
        labels: list[bool] = []
        for answer in answers:
            near = is_copy(answer.rows)
            if answer.is_supported:
                chosen = answer.rows[near]
            else:
                at = int(np.argmin(_doubt(answer.rows) if fitted is None else fitted.totals(answer.rows)))
                chosen = answer.rows[[at]][near[[at]]]
            rows.append(chosen)
            labels += [answer.is_supported] * len(chosen)
        fitted = _networks(np.concatenate(rows), np.array(labels, float))
    if fitted is None:
        raise ValueError("there is nothing to fit")
    return fitted


def _doubt(rows: Rows) -> Rows:
    return -rows[:, FEATURES.index("uncovered")] - 5.0 * rows[:, FEATURES.index("refuted")]


def _scaled(rows: Rows, counts: Rows) -> tuple[Rows, Rows]:
    mean = np.average(rows, axis=0, weights=counts)
    return mean, np.sqrt(np.average((rows - mean) ** 2, axis=0, weights=counts)) + 1e-6


def _logistic(rows: Rows, labels: Rows, counts: Rows) -> General:
    mean, scale = _scaled(rows, counts)
    weights = regress(standard(rows, mean, scale), labels, counts / counts.sum(), PENALTY)
    return General(mean, scale, weights[:-1], float(weights[-1]))


def regress(rows: Rows, labels: Rows, counts: Rows, penalty: float) -> Rows:
    """A logistic regression by Newton's steps: a weight for each column, and last the bias, which is not penalised."""
    inner: Rows = np.hstack([rows, np.ones((len(rows), 1))])
    kept: Rows = np.diag(np.array([*[penalty] * rows.shape[1], 1e-9], np.float64))
    weights: Rows = np.array([0.0] * (rows.shape[1] + 1), np.float64)
    for _ in range(_NEWTON_STEPS):
        chances = sigmoid(inner @ weights)
        slope: Rows = inner.T @ (counts * (chances - labels)) + kept @ weights
        bend: Rows = (inner * (counts * chances * (1.0 - chances))[:, None]).T @ inner + kept
        np.copyto(weights, weights - np.linalg.solve(bend, slope))
    return weights


def _networks(rows: Rows, labels: Rows) -> Copied:
    right = float(labels.sum())
    counts: Rows = np.asarray(np.where(labels > 0, 1.0 / right, 1.0 / (len(labels) - right)))
    mean, scale = _scaled(rows, counts)
    inner = standard(rows, mean, scale)
    made = [_network(inner, labels, counts / counts.mean(), seed) for seed in range(_NETWORKS)]
    return Copied(
        mean,
        scale,
        np.concatenate([each[0] for each in made], axis=1),
        np.concatenate([each[1] for each in made]),
        np.concatenate([each[2] for each in made]) / _NETWORKS,
        float(np.mean([each[3][0] for each in made])),
    )


def _network(inner: Rows, labels: Rows, counts: Rows, seed: int) -> list[Rows]:
    """One hidden layer, by Adam."""
    draw = np.random.default_rng(seed)
    width = inner.shape[1]
    parts = [
        draw.normal(0, width**-0.5, (width, HIDDEN)),
        np.zeros(HIDDEN),
        draw.normal(0, HIDDEN**-0.5, HIDDEN),
        np.zeros(1),
    ]
    first, second = ([np.zeros_like(each) for each in parts] for _ in range(2))
    turn = 0
    for _ in range(_EPOCHS):
        order = draw.permutation(len(inner))
        for begin in range(0, len(inner), _BATCH):
            chosen = order[begin : begin + _BATCH]
            sums = inner[chosen] @ parts[0] + parts[1]
            active = np.maximum(sums, 0.0)
            off = counts[chosen] * (sigmoid(active @ parts[2] + parts[3]) - labels[chosen]) / len(chosen)
            back = np.outer(off, parts[2]) * (sums > 0)
            slopes = [
                inner[chosen].T @ back + COPIED_PENALTY * parts[0],
                back.sum(0),
                active.T @ off + COPIED_PENALTY * parts[2],
                np.array([off.sum()]),
            ]
            turn += 1
            for at, slope in enumerate(slopes):
                first[at] = 0.9 * first[at] + 0.1 * slope
                second[at] = 0.999 * second[at] + 0.001 * slope**2
                step = (first[at] / (1 - 0.9**turn)) / (np.sqrt(second[at] / (1 - 0.999**turn)) + 1e-8)
                parts[at] = parts[at] - _STEP * step
    return parts
