"""Two fillings of one sentence: which words stand in each other's place, and how near those must be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cache.semantic.made import WEIGHTS, question

from penstock.cache.semantic.question import Question, meaningful
from penstock.cache.semantic.reading import read
from penstock.cache.semantic.slots import slots
from penstock.cache.semantic.verify import decide
from penstock.cache.semantic.word import Word


def _words(text: str) -> tuple[Word, ...]:
    reading = read(text)
    assert reading is not None
    return reading.words


def _found(left: str, right: str) -> list[tuple[str, str, bool]]:
    one, other = _words(left), _words(right)
    return [(one[each.left].stem, other[each.right].stem, each.is_nominal) for each in slots(one, other)]


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ("What is the mass of the harp in Oslo?", "What is the mass of the comet in Oslo?", [("harp", "comet", True)]),
        ("why is it cold in our barn", "Hi team, why is it cold in our shed Kind regards", [("barn", "shed", True)]),
        ("Barn fires, who pays for them?", "Shed fires, who pays for them?", [("barn", "shed", False)]),
        ("Who mends a harp? I am in a hurry.", "Who mends a drum?", [("harp", "drum", True)]),
        (
            "How old is the harp in Oslo, and of which harp do you know more?",
            "How old is the comet in Oslo, and of which comet do you know more?",
            [("harp", "comet", True)],
        ),
        (
            "What is the mass of the harp in Oslo?",
            "What is the hue of the comet in Oslo?",
            [("mas", "hue", True), ("harp", "comet", True)],
        ),
        ("how do i polish a harp", "how do i auction a harp", [("polish", "auction", False)]),
        (
            "It yields the titles of it",
            "It returns the names of it",
            [("yield", "return", False), ("titl", "nam", True)],
        ),
        ("It works by adding the parts", "It works by mixing the parts", [("add", "mix", False)]),
    ],
)
def test_words_in_the_same_place_are_found(left: str, right: str, found: list[tuple[str, str, bool]]) -> None:
    assert _found(left, right) == found


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Who mends a harp?", "Who mends a harp?"),
        ("Why was my payment declined at the shop?", "The shop did not take my card, why?"),
        ("It is a web page devoted to giving information", "It is a manual page"),
        ("Who mends a harp for the choir?", "Who mends a drum for the band of a school?"),
        ("Who mends the harp of the old choir in town?", "Who tunes the drum of the new choir in town?"),
    ],
)
def test_what_is_no_other_filling_of_one_sentence_has_no_places(left: str, right: str) -> None:
    assert _found(left, right) == []


_TEXTS = st.lists(
    st.sampled_from(["the", "a", "harp", "comet", "mends", "Oslo", "3", "not,", "who.", "of"]), min_size=1
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(_TEXTS, _TEXTS)
def test_places_are_those_of_words_that_differ(left: str, right: str) -> None:
    one, other = read(left), read(right)
    if one is None or other is None:
        return
    for each in slots(one.words, other.words):
        assert one.words[each.left].stem != other.words[each.right].stem


def _turned(made: Question, cosines: dict[str, float]) -> Question:
    """With the vector of a word at this cosine to all others."""
    words = made.words.copy()
    for row, word in enumerate(meaningful(made.reading)):
        if word.stem in cosines:
            cosine = cosines[word.stem]
            words[row, :2] = cosine, np.sqrt(1.0 - cosine**2)
    return replace(made, words=words)


@pytest.mark.parametrize(
    ("left", "right", "cosines", "is_same"),
    [
        ("Is the harp of Oslo open?", "Hi team, is the comet of Oslo open?", {"comet": 0.5}, False),
        ("Is the harp of Oslo open?", "Hi team, is the lyre of Oslo open?", {"lyr": 0.7}, True),
        ("Hi team, how do I polish a harp?", "How do I auction a harp?", {"auction": 0.5}, False),
        ("It yields the titles of it", "It returns the names of it", {"return": 0.5, "nam": 0.5}, True),
        ("Tell me the mass of the harp", "Tell me the hue of the comet", {"hue": 0.9, "comet": 0.5}, False),
    ],
)
def test_a_sentence_that_asks_of_another_thing_is_another(
    left: str, right: str, cosines: dict[str, float], *, is_same: bool
) -> None:
    one, other = question(left, topic=1), _turned(question(right, topic=1), cosines)
    assert decide(one, other, WEIGHTS).is_same is is_same
    assert decide(other, one, WEIGHTS).is_same is is_same
