"""The chain against every reading there is of a short row of words."""

import itertools

import numpy as np
import pytest
from training.names.chain import forbidden, gradient

from penstock.guard.personal.names.chain import best

LABELS = 5


def drawn(seed: int, words: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    scores = chance.normal(size=(words, LABELS)).astype(np.float32) * 2
    return scores, chance.normal(size=(LABELS, LABELS)).astype(np.float32) + forbidden(LABELS)


def weighed(scores: np.ndarray, transitions: np.ndarray) -> dict[tuple[int, ...], float]:
    """Every reading with its weight, by the definition."""
    found: dict[tuple[int, ...], float] = {}
    for labels in itertools.product(range(LABELS), repeat=len(scores)):
        steps = itertools.pairwise((0, *labels, 0))
        total = sum(float(transitions[pair]) for pair in steps)
        found[labels] = total + sum(float(row[label]) for row, label in zip(scores, labels, strict=True))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_reading_is_the_best_of_all(seed: int) -> None:
    scores, transitions = drawn(seed, 1 + seed % 6)
    every = weighed(scores, transitions)
    assert tuple(best(scores, transitions).tolist()) == max(every, key=lambda labels: every[labels])


def test_a_further_word_never_stands_without_one_before_it() -> None:
    for seed in range(50):
        scores, transitions = drawn(seed, 40)
        labels = best(scores, transitions).tolist()
        for before, label in itertools.pairwise([0, *labels]):
            assert label == 0 or label % 2 == 1 or before in {label - 1, label}


def test_words_that_are_certainly_no_name_divide_a_text_without_changing_what_is_read() -> None:
    scores, transitions = drawn(3, 60)
    transitions = np.clip(transitions, -30, 2)
    scores[10:14] = scores[30] = np.array([40, 0, 0, 0, 0], np.float32)
    whole = best(scores, transitions)
    for part in (slice(0, 10), slice(14, 30), slice(31, 60)):
        assert best(scores[part], transitions).tolist() == whole[part].tolist()


def test_a_text_without_a_word_that_could_be_a_name_has_none() -> None:
    scores = np.zeros((3, LABELS), np.float32)
    scores[:, 0] = 30
    assert best(scores, forbidden(LABELS)).tolist() == [0, 0, 0]


def test_the_slope_is_that_of_the_likelihood() -> None:
    chance = np.random.default_rng(5)
    scores = chance.normal(size=(9, LABELS)).astype(np.float32)
    transitions = chance.normal(size=(LABELS, LABELS)).astype(np.float32)
    labels = chance.integers(0, LABELS, 9)
    weights = np.array([1, 1, 1, 1, 0, 0, 0.5, 0.5, 0.5], np.float32)
    firsts, ends = np.array([0, 6]), np.array([4, 9])

    def loss(scores: np.ndarray, transitions: np.ndarray) -> float:
        total = 0.0
        for first, end in zip(firsts, ends, strict=True):
            every = weighed(scores[first:end], transitions)
            most = max(every.values())
            spread = most + float(np.log(sum(np.exp(value - most) for value in every.values())))
            total += float(weights[first]) * (spread - every[tuple(labels[first:end].tolist())])
        return float(total) / 5.5

    found = gradient(scores, labels, weights, transitions, firsts=firsts, ends=ends)
    for values, slopes in ((scores, found.scores), (transitions, found.transitions)):
        for at in zip(*(chance.integers(0, size, 12) for size in values.shape), strict=True):
            step = np.zeros_like(values)
            step[at] = 0.01
            more = loss(*(each + step if each is values else each for each in (scores, transitions)))
            less = loss(*(each - step if each is values else each for each in (scores, transitions)))
            assert slopes[at] == pytest.approx((more - less) / 0.02, abs=2e-3)


def test_what_stands_behind_a_short_text_does_not_count_however_large_it_is() -> None:
    chance = np.random.default_rng(7)
    scores = chance.normal(size=(12, LABELS)).astype(np.float32)
    transitions = chance.normal(size=(LABELS, LABELS)).astype(np.float32)
    labels, weights = chance.integers(0, LABELS, 12), np.ones(12, np.float32)
    firsts, ends = np.array([0, 4]), np.array([2, 11])
    found = gradient(scores, labels, weights, transitions, firsts=firsts, ends=ends)
    scores[2:4] = 1e4  # between the texts
    far = gradient(scores, labels, weights, transitions, firsts=firsts, ends=ends)
    assert np.isfinite(far.transitions).all()
    assert far.transitions == pytest.approx(found.transitions, abs=1e-5)
    assert far.scores == pytest.approx(found.scores, abs=1e-5)
