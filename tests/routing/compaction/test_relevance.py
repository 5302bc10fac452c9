"""What relevance is made of: which words ask and which tell, and how far an occurrence counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.routing.compaction.relevance import (
    SATURATION,
    WORD_REACH,
    WORD_REACH_BACK,
    Passage,
    by_meaning,
    by_words,
)
from penstock.routing.compaction.words import telling, terms_of


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("What did the Marketing say about the LCD screen?", "Marketing LCD screen"),
        ("Summarize the discussion about user requirements.", "user requirements"),
        ("What did they say?", "What did they say?"),
        ("发票在柏林。", "发票在柏林"),
        ("", ""),
    ],
)
def test_what_a_question_tells_is_what_is_left_without_the_words_that_ask(asked: str, told: str) -> None:
    assert telling(asked) == told


def test_what_comes_after_a_word_is_nearer_to_it_than_what_came_before() -> None:
    texts = ["nothing"] * 4 + ["the invoice"] + ["nothing"] * 4
    scores = by_words(texts, np.full(9, 200.0), terms_of([("invoice", 1.0)]))
    assert list(np.argsort(-scores, kind="stable")[:3]) == [4, 5, 6]
    assert all(scores[4 + away] > scores[4 - away] for away in range(1, 5))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["budget", "budget invoice", "other"]), st.integers(1, 3_000)), min_size=1))
def test_the_two_passes_give_what_all_pairs_would(pieces: list[tuple[str, int]]) -> None:
    texts, sizes = [text for text, _ in pieces], np.array([size for _, size in pieces], np.float64)
    places = np.cumsum(sizes) - sizes / 2
    found = np.zeros(len(pieces))
    for term in ("budget", "invoice"):
        counts = np.array([float(term in text) for text in texts])
        holding = (counts > 0).sum()
        density = np.zeros(len(pieces))
        for at, here in enumerate(places):
            for other, there in enumerate(places):
                reach = WORD_REACH if there <= here else WORD_REACH_BACK
                density[at] += counts[other] * np.exp(-abs(here - there) / reach)
        rarity = np.log1p((len(texts) - holding + 0.5) / (holding + 0.5)) * (holding > 0)
        found += density / (density + SATURATION) * rarity
    assert np.allclose(by_words(texts, sizes, {"budget": 1.0, "invoice": 1.0}), found)


def test_pieces_that_were_not_read_have_no_meaning_score() -> None:
    east, north = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)
    scores = by_meaning([Passage(0, 1, east), Passage(2, 3, north)], np.full(4, 3_000.0), north)
    assert np.isnan(scores).tolist() == [False, True, False, True]
    assert scores[2] > scores[0]
