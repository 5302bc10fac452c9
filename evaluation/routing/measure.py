"""What is measured: one function for each table of docs/routing.md."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from training.complexity import (
    Array,
    By,
    Features,
    Question,
    apgr,
    calibration,
    folds_of,
    gains_of,
    kept_by_share,
    out_of_fold,
)

from penstock.routing.complexity import load_complexity
from penstock.routing.signals import signals_of_text

REPORT_SEEDS = (11, 12, 13)
"""None of those by which the head was chosen."""

_SENTENCE_PENALTY = 30.0
_RESAMPLES = 400


@dataclass(frozen=True, slots=True)
class Router:
    """One way to score questions, held out: `scores[by]` has the scores of each seed."""

    name: str
    scores: dict[By, tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Recovered:
    """Means over the seeds; the interval is of the questions, resampled."""

    apgr: float
    low: float
    high: float
    calls_for_half: float
    calls_for_most: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What a setting of the dial kept on subjects that it was not calibrated on, and at what share of strong calls."""

    quality: float
    kept: float
    calls: float


def routers(questions: Sequence[Question], features: Features) -> list[Router]:
    """Ours, ours without the encoder, and what is to be beaten."""
    gains = gains_of(questions)
    around = features.sentences - features.sentences.mean(axis=0)
    plain = around / np.sqrt((around**2).sum(axis=1).mean())
    lengths = np.array([float(len(each.prompt)) for each in questions])
    ways = (
        ("Penstock", features.full, 2.0),
        ("Penstock without the encoder", features.waves, 2.0),
        ("ridge regression on the embedding", plain, _SENTENCE_PENALTY),
    )
    kinds: tuple[By, ...] = ("question", "subject")
    fitted = [
        Router(
            name,
            {
                by: tuple(out_of_fold(rows, gains, folds_of(questions, by, seed), penalty) for seed in REPORT_SEEDS)
                for by in kinds
            },
        )
        for name, rows, penalty in ways
    ]
    return [*fitted, Router("length of the prompt", dict.fromkeys(kinds, (lengths,)))]


def recovered(router: Router, by: By, gains: Array) -> Recovered:
    curves = [kept_by_share(scores, gains) for scores in router.scores[by]]
    low, high = _interval(router.scores[by][0], gains)
    return Recovered(
        apgr=float(np.mean([apgr(scores, gains) for scores in router.scores[by]])),
        low=low,
        high=high,
        calls_for_half=float(np.mean([_calls_for(curve, 0.5) for curve in curves])),
        calls_for_most=float(np.mean([_calls_for(curve, 0.8) for curve in curves])),
    )


def dial_on_new_subjects(
    router: Router, questions: Sequence[Question], qualities: Sequence[float] = (0.5, 0.8, 0.9)
) -> list[Kept]:
    """Calibrate the dial on half of the subjects and set it on the other half; the mean over many halvings."""
    gains = gains_of(questions)
    names = np.array([each.subject for each in questions])
    subjects = np.unique(names)
    found: dict[float, list[tuple[float, float]]] = {quality: [] for quality in qualities}
    for seed in range(20):
        chosen = np.random.default_rng(seed).permutation(subjects)[: len(subjects) // 2]
        known = np.isin(names, chosen)
        scores = router.scores["subject"][seed % len(REPORT_SEEDS)]
        levels, kept = calibration(
            [scores[known]], [each for each, is_known in zip(questions, known, strict=True) if is_known]
        )
        for quality in qualities:
            threshold = levels[int(np.argmax(kept >= quality))]
            sent = scores[~known] > threshold
            found[quality].append((float(gains[~known][sent].sum() / gains[~known].sum()), float(sent.mean())))
    return [Kept(quality, *np.mean(pairs, axis=0).tolist()) for quality, pairs in found.items()]


def microseconds(questions: Sequence[Question], sentences: Array) -> float:
    """CPU time of one opinion of the shipped head, the encoder's pass left out; the median."""
    head = load_complexity()
    taken: list[int] = []
    for question, vector in zip(questions[:: len(questions) // 500], sentences, strict=False):
        signals = signals_of_text(question.prompt)
        row = _Row(vector.astype(np.float32))
        begin = time.thread_time_ns()
        head.judge(signals, row)
        taken.append(time.thread_time_ns() - begin)
    return float(np.median(taken)) / 1000.0


@dataclass(frozen=True, slots=True)
class _Row:
    sentence: NDArray[np.float32]


def _calls_for(curve: Array, part: float) -> float:
    return float(np.argmax(curve >= part)) / (len(curve) - 1)


def _interval(scores: Array, gains: Array) -> tuple[float, float]:
    chance = np.random.default_rng(0)
    found: list[float] = []
    for _ in range(_RESAMPLES):
        rows = chance.integers(0, len(gains), len(gains))
        found.append(apgr(scores[rows], gains[rows]))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)
