"""What agreement tells: of mtRAG's answers, each with what the two others say who were asked the same.

No set at hand has several answers of one model to one question.  So other models', and people's, stand in for them: who
else would say it.  A model that repeats its own mistakes agrees with itself, which this cannot show.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from training.grounded import Reader
from training.grounded_confidence import Sample, fit_weights
from training.grounded_fit import regress
from training.grounded_sets import Example, mtrag

from evaluation.grounded.measure import auroc
from penstock.guard.grounded.claims import split
from penstock.guard.grounded.confidence import step
from penstock.guard.grounded.judge import Judge, sigmoid

Rows = NDArray[np.float64]

_PEOPLE: Final = "reference"
_SUPPORTED: Final = 0.5
_PENALTY: Final = 1e-3
_DRAWS: Final = 2_000


class Told(NamedTuple):
    """How well something tells right answers from wrong: of the half that nothing was fitted on, of all, and of the
    models' alone, by AUROC.
    """

    name: str
    half: float
    every: float
    models: float


class Agreement(NamedTuple):
    """`counts` are answers and wrong ones, for each of `Told`'s; `gain` is by how much both tell more than confidence
    alone of every answer, with the ends of its 95 % interval.
    """

    counts: tuple[tuple[int, int], ...]
    told: tuple[Told, ...]
    gain: tuple[float, float, float]


def agreement(reader: Reader, judge: Judge, of: Sequence[Sample]) -> Agreement:
    """`judge` must not have been fitted on these answers."""
    asked: dict[tuple[str, str], list[Example]] = defaultdict(list)
    for each in mtrag():
        asked[each.group, each.question].append(each)
    kept: list[Sample] = []
    rows: list[tuple[float, float, float, float]] = []
    for each in of:
        mine = each.answer
        others = [other for other in asked[mine.group, mine.question] if other.source != mine.source]
        found = [_held_against(reader, judge, mine.answer, other.answer) for other in others]
        if found:
            kept.append(each)
            means = np.mean(found, axis=0)
            rows.append((float(means[0]), float(means[1]), float(means[2]), float(means[3])))
    labels = np.array([each.is_right for each in kept])
    of_test = np.array([each.half == 1 for each in kept])
    by_models = np.array([each.answer.source != _PEOPLE for each in kept])
    whole = np.ones(len(kept), bool)
    chance, likeness, share, vectors = np.array(rows).T
    sure, both = _confidence(kept, chance, labels)
    cuts = (of_test, whole, by_models)
    told = tuple(
        Told(name, *(auroc(scores[cut], labels[cut]) for cut in cuts))
        for name, scores in (
            ("agreement: mean chance of the claims", chance),
            ("the same before checks of single words", likeness),
            ("share of the claims that are supported", share),
            ("likeness of whole answers", vectors),
            ("confidence", sure),
            ("confidence and agreement", both),
        )
    )
    counts = tuple((int(cut.sum()), int((~labels[cut]).sum())) for cut in cuts)
    return Agreement(counts, told, _gain(sure, both, labels, np.array([each.answer.group for each in kept])))


def _held_against(reader: Reader, judge: Judge, mine: str, other: str) -> tuple[float, float, float, float]:
    """The claims of an answer by another as their only passage: mean chance, mean likeness, share, and nearness."""
    claims = reader.features(mine, (("", split(other).text),))
    near = float(reader.read(mine).sentence @ reader.read(other).sentence)
    if not len(claims):
        return 0.0, 0.0, 0.0, near
    chances, likenesses = judge.chances(claims)
    return float(chances.mean()), float(likenesses.mean()), float((chances >= _SUPPORTED).mean()), near


def _confidence(of: Sequence[Sample], agreed: Rows, labels: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Of each half by what was fitted on the other: confidence alone, and with agreement beside it."""
    halves = np.array([each.half for each in of])
    sure, both = np.zeros(len(of)), np.zeros(len(of))
    for half in (0, 1):
        mine, others = halves == half, halves != half
        weights = fit_weights([each for each in of if each.half != half])
        told = np.array([weights.confidence(each.known) for each in of])
        columns = np.stack([[step(each, is_logit=True) for each in told], agreed], axis=1)
        rights = labels[others].astype(float)
        fitted = regress(columns[others], rights, np.full(len(rights), 1.0 / len(rights)), _PENALTY)
        sure[mine] = told[mine]
        both[mine] = sigmoid(columns[mine] @ fitted[:-1] + fitted[-1])
    return sure, both


def _gain(one: Rows, other: Rows, labels: NDArray[np.bool_], groups: NDArray[np.str_]) -> tuple[float, float, float]:
    """How much more the other tells, and the interval, by drawing whole conversations anew."""

    def told(at: NDArray[np.int64]) -> float:
        return auroc(other[at], labels[at]) - auroc(one[at], labels[at])

    places: list[NDArray[np.int64]] = [np.flatnonzero(groups == name) for name in dict.fromkeys(map(str, groups))]
    chance = np.random.default_rng(7)
    drawn: list[float] = []
    for _ in range(_DRAWS):
        conversations: list[int] = chance.integers(len(places), size=len(places)).tolist()
        at = np.concatenate([places[each] for each in conversations])
        if 0 < labels[at].sum() < len(at):
            drawn.append(told(at))
    low, high = (float(each) for each in np.quantile(drawn, (0.025, 0.975)))
    return told(np.arange(len(labels))), low, high
