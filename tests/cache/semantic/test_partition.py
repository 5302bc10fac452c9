"""Finding, voting, learning and leaving, with vectors that the tests choose."""

import random
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from tests.cache.semantic.made import WEIGHTS, WIDTH, question

from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.cache import SemanticCache
from penstock.cache.semantic.checks import chance_of_check
from penstock.cache.semantic.index import VectorIndex
from penstock.cache.semantic.partition import Partition
from penstock.cache.semantic.question import question_of
from penstock.cache.semantic.rows import Rows
from penstock.cache.semantic.vote import vote
from penstock.config.cache.semantic import SemanticSettings
from penstock.encoder.model import Encoded

SHIPPED = SemanticSettings(start="shipped", check_share=0.01)


def test_nothing_is_a_hit_before_anything_is_proven() -> None:
    partition = Partition(WEIGHTS, Bound(0.01), width=WIDTH)
    partition.add("a", question("where is my parcel", topic=1))
    found = partition.find(question("where is my parcel", topic=1))
    assert not found.is_hit
    assert found.reason == "bound"
    assert found.entry == "a"


def test_the_bound_rises_where_hits_were_wrong() -> None:
    bound = Bound(0.05)
    chance = random.Random(1)  # noqa: S311 - a simulation
    for _ in range(2_000):
        score = chance.uniform(-3.0, 4.0)
        bound.saw(score)
        bound.learn(score, is_right=score > 1.0 or chance.random() < 0.3)
    assert 0.7 < bound.least < 2.0
    assert bound.wrong_rate is not None
    assert bound.wrong_rate.share <= 0.05


def test_where_everything_is_wrong_nothing_is_a_hit() -> None:
    bound = Bound(0.01)
    for number in range(300):
        bound.learn(number / 300, is_right=number % 2 == 0)
    assert bound.least == inf


def test_which_hits_were_checked_does_not_move_the_bound() -> None:
    every, few = Bound(0.02), Bound(0.02)
    chance = random.Random(5)  # noqa: S311 - a simulation
    for _ in range(4_000):
        score = chance.uniform(-2.0, 4.0)
        is_right = chance.random() > 1.0 / (1.0 + np.exp(1.0 + 2.0 * score))
        every.saw(score)
        few.saw(score)
        every.learn(score, is_right=is_right)
        if score < 0.5 or chance.random() < 0.1:
            few.learn(score, is_right=is_right)
    assert abs(every.least - few.least) < 0.25
    assert every.wrong_rate is not None
    assert few.wrong_rate is not None
    assert every.wrong_rate.at_most <= 0.02
    assert every.wrong_rate.labels > few.wrong_rate.labels


def test_what_is_asked_again_is_checked_before_it_can_be_wrong_often() -> None:
    seldom = [chance_of_check(0.05, times, risk=0.01, greatest_risk=0.08) for times in range(1, 9)]
    assert seldom == [0.025] * 7 + [1.0]
    assert chance_of_check(0.05, 2, risk=0.06, greatest_risk=0.08) == 1.0
    assert chance_of_check(0.05, 1, risk=0.08, greatest_risk=0.08) == 0.05


def test_the_majority_of_the_nearest_decides_and_a_tie_is_unclear() -> None:
    clear = vote([1, 1, 1, 2], [0.9, 0.89, 0.88, 0.7])
    tie = vote([1, 2, 1, 2], [0.9, 0.899, 0.88, 0.88])
    assert clear.group == 1
    assert clear.score > tie.score + 2.0


def test_a_twin_is_no_hit_though_its_vector_is_the_same() -> None:
    partition = Partition(WEIGHTS, Bound(0.01), width=WIDTH, start="shipped")
    partition.add("a", question("what is the fee for 5 transfers", topic=1))
    assert partition.find(question("what is the fee for 5 transfers", topic=1)).is_hit
    assert partition.find(question("what is the fee for 6 transfers", topic=1)).reason == "number"


@pytest.mark.parametrize(("stored", "asked"), [("🍕", "🚗"), ("🍕", ""), ("", "🚗"), ("🍕🚗", "🚗")])
def test_what_the_encoder_cannot_read_must_be_the_same(stored: str, asked: str) -> None:
    partition = Partition(WEIGHTS, Bound(0.01), width=WIDTH, start="shipped")
    text = "what does this picture mean"
    one = replace(question(text, topic=1), unread=frozenset(stored))
    other = replace(question(text, topic=1), unread=frozenset(asked))
    partition.add("a", one)
    assert partition.find(other).reason == "unread"
    assert partition.find(one).is_hit


def test_a_picture_adorns_a_long_text_and_a_letter_does_not() -> None:
    text = "the library of data sets supports audio and vision and text and can be installed with one command"
    plain = question(text, topic=1)
    for piece, is_hit in (("🤗", True), ("ꙮ", False)):
        partition = Partition(WEIGHTS, Bound(0.01), width=WIDTH, start="shipped")
        partition.add("a", replace(plain, unread=frozenset({piece})))
        assert partition.find(plain).is_hit == is_hit


def test_unread_pieces_are_those_that_the_encoder_names() -> None:
    text = "what does 🍕 mean to a plumber"
    spans = tuple((at, at + len(word)) for word in text.split() for at in [text.index(word)])
    tokens = np.ones((len(spans), WIDTH), np.float32)
    encoded = Encoded(np.ones(WIDTH, np.float32), tokens, spans, unknown=(spans[2],))
    found = question_of(text, encoded, WEIGHTS)
    assert found is not None
    assert found.unread == {"🍕"}


def test_what_was_dropped_is_not_found_and_its_place_is_used_again() -> None:
    partition = Partition(WEIGHTS, Bound(0.01), width=WIDTH, start="shipped", most=2)
    for number in range(4):
        partition.add(str(number), question(f"where is parcel of topic {number}", topic=number))
    assert len(partition) == 2
    assert not partition.find(question("where is parcel of topic 0", topic=0)).is_hit
    assert partition.find(question("where is parcel of topic 3", topic=3)).entry == "3"
    assert partition.drop("3")
    assert partition.find(question("where is parcel of topic 3", topic=3)).entry is None


def test_the_index_finds_what_an_exact_search_finds() -> None:
    chance = np.random.default_rng(2)
    centres = chance.standard_normal((300, 64))
    vectors = np.repeat(centres, 10, axis=0) + 0.5 * chance.standard_normal((3_000, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index = VectorIndex(64)
    for vector in vectors:
        index.add(vector)
    shared = 0
    for vector in vectors[:200]:
        order = np.argsort(-(vectors @ vector))[:5].tolist()
        found = index.nearest(vector, 5).rows.tolist()
        assert found[0] == order[0]
        shared += len(set(order) & set(found))
    assert shared >= 0.99 * 1_000


def test_ten_thousand_random_pairs_of_owners_have_no_foreign_hit() -> None:
    cache = SemanticCache(WEIGHTS, width=WIDTH, chance=lambda: 1.0)
    chance = random.Random(4)  # noqa: S311 - a simulation
    owners = [number.to_bytes(4) for number in range(200)]
    texts = [question(f"how do i reset my password at place {word}", topic=at) for at, word in enumerate("abcde")]
    stored: dict[str, bytes] = {}
    for number, owner in enumerate(owners):
        entry = f"entry {number}"
        cache.add(owner, entry, texts[number % 5], SHIPPED)
        stored[entry] = owner
    hits = 0
    for _ in range(10_000):
        asker = chance.choice(owners)
        found = cache.find(asker, chance.choice(texts), SHIPPED)
        if found.entry is not None:
            hits += 1
            assert stored[found.entry] == asker
    assert hits > 1_000


def _add(cache: SemanticCache, owner: bytes, numbers: range) -> None:
    for number in numbers:
        cache.add(owner, f"entry {number}", question(f"where is parcel {number}", topic=number), SHIPPED)


def test_all_partitions_together_keep_to_one_bound_and_the_one_asked_longest_ago_goes_first() -> None:
    cache = SemanticCache(WEIGHTS, width=WIDTH, most_bytes=1 << 20, chance=lambda: 1.0)
    asked = question("where is parcel 0", topic=0)
    _add(cache, b"old", range(50))
    _add(cache, b"used", range(50))
    for number in range(100):
        _add(cache, number.to_bytes(4), range(50))
        assert cache.size_bytes <= 1 << 20
        assert cache.find(b"used", asked, SHIPPED).entry is not None
    assert cache.find(b"old", asked, SHIPPED).entry is None


def test_a_single_partition_keeps_to_the_bound_too() -> None:
    cache = SemanticCache(WEIGHTS, width=WIDTH, most_bytes=1 << 20, chance=lambda: 1.0)
    _add(cache, b"one", range(3_000))
    assert cache.size_bytes <= 1 << 20
    assert 500 < len(cache) < 3_000
    last = question("where is parcel 2999", topic=2_999)
    assert cache.find(b"one", last, SHIPPED).entry == "entry 2999"
    assert cache.find(b"one", question("where is parcel 0", topic=0), SHIPPED).entry is None


def test_what_is_counted_is_what_is_there() -> None:
    cache = SemanticCache(WEIGHTS, width=WIDTH)
    for owner in (b"a", b"b"):
        _add(cache, owner, range(20))
    full = cache.size_bytes
    for number in range(20):
        cache.drop(b"a", f"entry {number}")
        cache.drop(b"a", "never there")
    assert cache.size_bytes < full
    _add(cache, b"a", range(20))
    assert cache.size_bytes == full


def test_a_row_gives_back_what_was_put_there() -> None:
    rows = Rows()
    asked = replace(question("wo ist mein Päckchen 🙂?", topic=1), unread=frozenset({"🙂", "文"}))
    rows.put(12, "an entry", asked, rows.join(()))
    found = rows.question(12, asked.vector, 64)
    assert (found.text, found.reading, found.unread) == (asked.text, asked.reading, asked.unread)
    assert np.abs(found.words - asked.words).max() < 0.01
    assert rows.entry(12) == "an entry"
    assert rows.find("an entry") == 12
    rows.clear(12)
    assert rows.find("an entry") is None
    assert rows.oldest() is None
