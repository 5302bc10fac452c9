"""Sets that do not depend on the order in which they are put together."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cache.semantic.made import WEIGHTS, WIDTH, question

from penstock.cache.semantic.bound import Bound
from penstock.cache.semantic.labels import Recent, Ticks
from penstock.cache.semantic.partition import Packed, Partition


@settings(deadline=None, max_examples=60)
@given(
    names=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3)), unique=True, max_size=80),
    seed=st.integers(0, 1_000),
)
def test_matches_are_the_same_in_any_order_and_however_often_they_come(names: list[tuple[int, int]], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's chance
    rows = [(float(at), float(origin), at / 7) for at, origin in names]
    found: list[Recent] = []
    for _ in range(2):
        recent = Recent(3, 20)
        for row in chance.sample(rows, len(rows)):
            if chance.random() < 0.5 or row[1] != 0.0:
                again = chance.choices(rows, k=3) if chance.random() < 0.2 else []
                recent.merge(np.array([row, *again]))
            elif row not in recent.latest().tolist():
                recent.add(*row)
        recent.merge(np.array(rows).reshape(-1, 3))
        found.append(recent)
    assert [tuple(row) for row in found[0].latest()] == sorted(rows)[-20:]
    assert np.array_equal(found[0].latest(), found[1].latest())


def test_only_the_latest_are_remembered_however_many_there_are() -> None:
    recent = Recent(3, 100)
    for number in range(10_000):
        recent.add(float(number), 1.0, 0.5)
    assert len(recent) == 100
    assert recent.latest()[0, 0] == 9_900.0
    assert recent.size_bytes < 100 * 3 * 8 * 2


def test_moments_of_one_process_are_never_the_same() -> None:
    ticks = Ticks(lambda: 1_800_000_000.0)
    found = [ticks.next() for _ in range(1_000)]
    assert found == sorted(set(found))


def test_a_bound_that_was_merged_is_that_of_one_process_that_saw_all() -> None:
    chance = random.Random(3)  # noqa: S311 - a simulation
    ticks = (Ticks(lambda: 1.0, origin=1), Ticks(lambda: 1.0, origin=2))
    one, two, all_of_it = Bound(0.1, ticks=ticks[0]), Bound(0.1, ticks=ticks[1]), Bound(0.1)
    for number in range(1_000):
        score = chance.uniform(-2.0, 4.0)
        is_right = chance.random() > 1.0 / (1.0 + np.exp(1.0 + 2.0 * score))
        for bound in (all_of_it, (one, two)[number % 2]):
            at = bound.saw(score)
            bound.learn(score, is_right=is_right, at=at)
    ours, theirs = ((each._labels.latest(), each._seen.latest()) for each in (one, two))  # type: ignore[attr-defined]
    one.merge(*theirs)
    two.merge(*ours)
    two.merge(*ours)
    assert abs(one.least - all_of_it.least) < 1e-9
    assert one.least == two.least


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_groups_do_not_depend_on_the_order_in_which_questions_are_heard_of(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's chance
    origin = Partition(WEIGHTS, Bound(0.01), width=WIDTH)
    packed: list[Packed] = []
    names = [f"entry {number}" for number in range(12)]
    for number, name in enumerate(names):
        like = chance.sample(names[:number], min(number, chance.choice((0, 0, 1, 1, 2))))
        groups = origin.add(name, question(f"where is parcel {number}", topic=number), like=like)
        found = origin.packed(name, groups)
        assert found is not None
        packed.append(found)
    other = Partition(WEIGHTS, Bound(0.01), width=WIDTH)
    other.is_whole = False
    other.begin(len(packed))
    heard = chance.sample(packed, len(packed))
    cut = chance.randrange(len(heard))
    other.extend(heard[:cut])
    other.hear(heard[max(0, cut - 2) :])
    other.extend(heard[cut:])
    other.complete()
    assert len(other) == len(origin)
    assert _groups(other, names) == _groups(origin, names)


def _groups(partition: Partition, names: list[str]) -> list[int]:
    """Which names are together, without the numbers of the groups."""
    rows = partition._rows  # type: ignore[attr-defined]
    found: list[int] = rows.groups([rows.find(name) for name in names])  # type: ignore[arg-type]  # all are there
    return [found.index(group) for group in found]


def test_a_partition_that_was_packed_and_read_finds_the_same() -> None:
    origin, other = (Partition(WEIGHTS, Bound(0.01), width=WIDTH, start="shipped") for _ in range(2))
    many: list[Packed] = []
    for number in range(50):
        groups = origin.add(f"entry {number}", question(f"where is parcel {number}", topic=number))
        found = origin.packed(f"entry {number}", groups)
        assert found is not None
        many.append(found)
    other.extend(many[:20])
    other.extend(many[20:])
    for number in range(50):
        asked = question(f"Where is parcel {number}", topic=number, seed=9)
        assert other.find(asked) == origin.find(asked)
    assert other.size_bytes <= origin.size_bytes * 1.1
