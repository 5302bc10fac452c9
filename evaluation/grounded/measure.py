"""The figures: each set left out in turn, made answers of pages and kinds that were not fitted, and confidence."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from training.grounded_fit import Labelled, fit_general
from training.grounded_made import FITTED

from penstock.guard.grounded.judge import Judge, sigmoid
from penstock.guard.grounded.measure import FEATURES

Rows = NDArray[np.float64]

SETS: Final = ("begin", "scifact", "mtrag")
PLAIN: Final = tuple(FEATURES.index(name) for name in ("likeness", "exact_all"))
"""What most judges without a language model have: token overlap and likeness."""
_BINS: Final = 10
INVENTED: Final = 0.08
"""The share of answers in which the provider invents, as the aim has it."""


class Score(NamedTuple):
    """`balanced` is at the edge that was best on the other sets, `middle` at one half, `error` that of calibration."""

    answers: int
    auroc: float
    balanced: float
    middle: float
    error: float


def auroc(scores: Rows, labels: NDArray[np.bool_]) -> float:
    """How often a right answer is above a wrong one; ties count half."""
    order = np.argsort(scores, kind="mergesort")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]
    right = int(labels.sum())
    return float((ranks[labels].sum() - right * (right + 1) / 2) / (right * (len(labels) - right)))


def balanced(taken: NDArray[np.bool_], labels: NDArray[np.bool_]) -> float:
    return float((taken[labels].mean() + (~taken[~labels]).mean()) / 2)


def calibration_error(chances: Rows, labels: NDArray[np.bool_], *, is_balanced: bool) -> float:
    """The expected calibration error over ten bins; balanced, right and wrong answers weigh the same together."""
    right = float(labels.sum()) if is_balanced else 0.5 * len(labels)
    wrong = len(labels) - right
    weights: Rows = np.asarray(np.where(labels, 0.5 / right, 0.5 / wrong), np.float64)
    bins = np.minimum((chances * _BINS).astype(int), _BINS - 1)
    return float(
        sum(
            abs((weights[bins == each] * (chances[bins == each] - labels[bins == each])).sum()) for each in range(_BINS)
        )
    )


def left_out(
    of_people: Sequence[Labelled], *, columns: Sequence[int] | None = None
) -> dict[str, tuple[Score, Rows, Rows]]:
    """For each set the judge that was fitted on the others, with its chances and the labels."""
    found: dict[str, tuple[Score, Rows, Rows]] = {}
    cut = [each._replace(rows=_only(each.rows, columns)) for each in of_people]
    for name in SETS:
        others = [each for each in cut if each.part != name]
        general = fit_general(others)
        mine = [each for each in cut if each.part == name]
        scores, labels = (_means(general.totals, mine), np.array([each.is_supported for each in mine]))
        seen, seen_labels = _means(general.totals, others), np.array([each.is_supported for each in others])
        parts = np.array([each.part for each in others])
        edges = np.quantile(seen, np.linspace(0.02, 0.98, 97))
        worth = [
            np.mean([balanced(seen[parts == part] >= edge, seen_labels[parts == part]) for part in sorted(set(parts))])
            for edge in edges
        ]
        edge = edges[int(np.argmax(worth))]
        score = Score(
            len(mine),
            auroc(scores, labels),
            balanced(scores >= edge, labels),
            balanced(scores >= 0.5, labels),
            calibration_error(scores, labels, is_balanced=True),
        )
        found[name] = score, scores, labels.astype(float)
    return found


def _only(rows: Rows, columns: Sequence[int] | None) -> Rows:
    """The rows with all but some features put to naught, which a regression then cannot use; by the first of them the
    fit chooses what is to blame.
    """
    if columns is None:
        return rows
    kept = np.zeros_like(rows)
    kept[:, list(columns)] = rows[:, list(columns)]
    kept[:, FEATURES.index("soft_two")] = rows[:, columns[0]]
    return kept


def _means(totals: Callable[[Rows], Rows], answers: Sequence[Labelled]) -> Rows:
    return np.array([sigmoid(totals(each.rows)).mean() for each in answers])


class OfKind(NamedTuple):
    """Of made answers of one kind: how many the guard holds back, of how many."""

    kind: str
    is_right: bool
    is_fitted: bool
    held: int
    answers: int


def kinds(judge: Judge, answers: Sequence[Labelled]) -> list[OfKind]:
    """Held back is an answer with a claim that is not supported."""
    found: list[OfKind] = []
    for kind in dict.fromkeys(each.part for each in answers):
        mine = [each for each in answers if each.part == kind]
        held = sum(float(judge.chances(each.rows)[0].min()) < 0.5 for each in mine)
        found.append(OfKind(kind, mine[0].is_supported, kind in FITTED, held, len(mine)))
    return found


class Reaching(NamedTuple):
    """Shares, each kind weighing the same: right answers that are held back, invented ones that are caught, and of all
    answers those that reach a user with an invention, where `INVENTED` have one.
    """

    held: float
    caught: float
    reach: float


def reaching(of: Sequence[OfKind]) -> Reaching:
    held = float(np.mean([each.held / each.answers for each in of if each.is_right]))
    caught = float(np.mean([each.held / each.answers for each in of if not each.is_right]))
    return Reaching(held, caught, INVENTED * (1.0 - caught))
