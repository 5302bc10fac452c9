"""What is a change and what is none: told once, with what it was before, and not for what always varies."""

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.watch.drift.hours import hours_of

from penstock.watch.drift.compare import SPANS, Reference, compare
from penstock.watch.drift.comparison import Comparison, Expected
from penstock.watch.drift.series import Piece, Series
from penstock.watch.drift.student import score_at, two_sided
from penstock.watch.drift.tally import FEATURES, WORSE, Measure, measures_of
from penstock.watch.drift.tuning import FITTED
from penstock.watch.drift.watching import Budget, Finding, Look, Watch, look, looks, weight_of

WEEK = 168
BEGUN = 8 * WEEK
DAY = SPANS[1]
WATCH = Watch()
(MEASURE,) = measures_of("groundedness")


def found_in(pieces: dict[int, Piece], *, begin: int = BEGUN, of: Measure = MEASURE) -> list[Finding]:
    feature = [(of, Series(pieces))]
    found: list[Finding] = []
    for now in range(begin, max(pieces) + 2):
        new = look(feature, now, found, WATCH)
        if new is not None:
            found.append(new)
    return found


def flat(_: int) -> float:
    return 0.9


def from_hour(hour: int, value: float) -> Callable[[int], float]:
    return lambda at: value if at >= hour else 0.9


@pytest.mark.parametrize("seed", range(3))
def test_days_that_vary_are_no_change(seed: int) -> None:
    # Four times as far apart as their exchanges explain: a test that takes these for independent alarms every week.
    pieces = hours_of(flat, hours=BEGUN + 3 * WEEK, seed=seed, days=0.02, count=200)
    assert found_in(pieces) == []


def test_a_fall_of_a_tenth_is_found_within_a_day_and_told_once() -> None:
    at = BEGUN + WEEK + 11
    (finding,) = found_in(hours_of(from_hour(at, 0.81), hours=at + 2 * WEEK))
    assert finding.found - at <= 24
    assert abs(finding.since - at) <= 6
    assert finding.reference == pytest.approx(0.9, abs=0.015)
    assert finding.low < finding.change < finding.high < 0
    assert finding.false_alarms < 1


def test_its_end_is_a_change_of_its_own() -> None:
    at, end = BEGUN + WEEK, BEGUN + 2 * WEEK
    pieces = hours_of(lambda hour: 0.75 if at <= hour < end else 0.9, hours=end + WEEK)
    fall, rise = found_in(pieces)
    assert fall.change < 0 < rise.change
    assert 0 < rise.found - end <= 48
    assert abs(rise.since - end) <= 3


def test_what_comes_slowly_is_found_against_weeks_long_before() -> None:
    begun = BEGUN + WEEK
    slowly = hours_of(lambda hour: 0.9 - 0.09 * min(1.0, max(0, hour - begun) / (3 * WEEK)), hours=begun + 4 * WEEK)
    assert found_in(slowly)


def test_weekdays_have_levels_of_their_own() -> None:
    # Saturdays lie lower by a tenth every week: that is their pattern and no change.
    pieces = hours_of(lambda hour: 0.81 if hour // 24 % 7 == 2 else 0.9, hours=BEGUN + 2 * WEEK)
    assert found_in(pieces) == []
    # A Tuesday that is like a Saturday is one.
    odd = hours_of(lambda hour: 0.81 if hour // 24 % 7 == 2 or hour >= BEGUN + 5 * 24 else 0.9, hours=BEGUN + 7 * 24)
    assert found_in(odd)


def test_what_seldom_happens_comes_in_bursts_and_is_no_change_for_that() -> None:
    rng = random.Random(2)  # noqa: S311 - a test's traffic
    pieces: dict[int, Piece] = {}
    share = 0.0
    for hour in range(BEGUN + 2 * WEEK):
        if hour % 6 == 0:
            share = rng.choice((0.0, 0.002, 0.004, 0.004, 0.002, 0.002, 0.0, 0.05))
        hits = sum(rng.random() < share for _ in range(60))
        pieces[hour] = Piece(60, float(hits), float(hits))
    assert found_in(pieces, of=measures_of("blocked")[0]) == []


def test_too_little_is_no_evidence() -> None:
    pieces = hours_of(from_hour(BEGUN + 12, 0.2), hours=BEGUN + 36, count=1)
    assert compare(Series(pieces), BEGUN + 36, DAY, "share", Reference()) is None
    young = hours_of(from_hour(100, 0.2), hours=130)
    assert found_in(young, begin=24) == []


def test_a_share_that_was_always_whole_is_compared_too() -> None:
    pieces = {hour: Piece(20, 20.0, 20.0) for hour in range(BEGUN + 24)}
    assert found_in(pieces) == []
    broken = pieces | {hour: Piece(20, 10.0, 10.0) for hour in range(BEGUN + 12, BEGUN + 24)}
    finding = found_in(broken)[0]
    assert finding.found <= BEGUN + 14
    assert finding.current < finding.reference


def test_the_budget_is_for_all_that_is_watched() -> None:
    budget = Budget(false_alarms=2.0, features=7 * weight_of(FEATURES))
    spent = 0.0
    for feature in FEATURES:
        for span in SPANS:
            looks = WEEK / span.hours * min(FITTED.looks, span.hours / span.step)
            up, down = (budget.threshold(span, feature, change) / 2 for change in (0.1, -0.1))
            spent += 7 * len(measures_of(feature)) * looks * (up + down)
    assert spent == pytest.approx(2.0)


def test_that_it_does_worse_has_most_of_the_budget() -> None:
    budget = Budget()
    fall, rise = (budget.threshold(DAY, "groundedness", change) for change in (-0.1, 0.1))
    assert fall == pytest.approx(9 * rise)
    assert budget.threshold(DAY, "failed", 0.1) == pytest.approx(fall)
    assert budget.threshold(DAY, "cost", 0.1) == budget.threshold(DAY, "cost", -0.1) < fall


def test_two_busy_hours_are_not_the_day() -> None:
    # Of 4,000 answers 3,000 come in two hours, which are worse by a fifth today; a day's other hours are as ever.
    def busy(hour: int) -> int:
        return 1500 if hour % 24 in (9, 10) else 45

    pieces = {
        hour: Piece(many, total, 0.05 * many + total * total / many)
        for hour in range(BEGUN)
        for many in [busy(hour)]
        for total in [many * (0.72 if hour in (BEGUN - 14, BEGUN - 15) else 0.9)]
    }
    seen = compare(Series(pieces), BEGUN, DAY, "mean", Reference())
    assert seen is not None
    assert seen.count == sum(busy(hour) for hour in range(24))
    assert seen.current > 0.85  # of all answers it is 0.766


@pytest.mark.parametrize("part", [1.0, 0.3])
def test_a_day_of_other_traffic_is_allowed_more(part: float) -> None:
    at = BEGUN + WEEK
    pieces = hours_of(from_hour(at, 0.835), hours=at + 24, count=150)
    holiday = {
        hour: Piece(part * each.count, part * each.total, part * each.squares) if hour >= at else each
        for hour, each in pieces.items()
    }
    assert bool(found_in(holiday, begin=at)) == (part == 1.0)


@pytest.mark.parametrize(
    ("feature", "level"), [("groundedness", 0.9), ("failed", 0.2), ("cost", 0.5), ("refusal", 0.4)]
)
def test_a_window_is_told_of_where_it_lies_beyond_what_is_said(feature: str, level: float) -> None:
    (measure,) = measures_of(feature)
    pieces = hours_of(lambda _: level, hours=BEGUN, count=40)

    def day_at(value: float) -> Look:
        there = {
            hour: Piece(each.count, value * each.count, each.squares) if hour >= BEGUN - 24 else each
            for hour, each in pieces.items()
        }
        found = looks([(measure, Series(there))], BEGUN, (), WATCH)
        return next(each for each, _ in found if each.span == DAY)

    below, above = day_at(level).alert_beyond(WATCH)
    assert below is not None
    assert above is not None
    usual, _ = day_at(level).comparison.values
    assert below < usual < above
    # What does better is told later than what does worse, and the rest the same way up as down.
    fall, rise = (
        (math.log(usual / below), math.log(above / usual)) if feature == "cost" else (usual - below, above - usual)
    )
    if feature == "cost":
        assert fall == pytest.approx(rise)
    else:
        assert (fall < rise) == (WORSE[feature] < 0)
    outcomes: set[tuple[bool, bool]] = set()
    for percent in range(1, 200):
        value = level * percent / 100
        if measure.scale == "log":
            value = math.log(usual) + 0.02 * (percent - 100)
        if measure.scale != "log" and value > 1:
            continue
        seen = day_at(value)
        assert seen.alert_beyond(WATCH) == (pytest.approx(below), pytest.approx(above)), "whatever its value"
        _, current = seen.comparison.values
        assert seen.is_off == (current < below or current > above), (current, below, above)
        outcomes.add((current < below, current > above))
    assert {(True, False), (False, False)} <= outcomes
    assert (False, True) in outcomes or feature == "groundedness"


def test_of_what_hardly_happens_no_fall_is_said_to_be_told() -> None:
    pieces = {hour: Piece(20, hits, hits) for hour in range(BEGUN) for hits in [float(hour % 5 == 0)]}
    (measure,) = measures_of("blocked")
    (seen,) = (each for each, _ in looks([(measure, Series(pieces))], BEGUN, (), WATCH) if each.span == DAY)
    below, above = seen.alert_beyond(WATCH)
    assert below is None
    assert above is not None
    assert above > 0.01


def day_of(pieces: dict[int, Piece], now: int = BEGUN) -> Comparison:
    seen = compare(Series(pieces), now, DAY, "mean", Reference())
    assert seen is not None
    return seen


def with_day(pieces: dict[int, Piece], value: float, *, ago: int = 0, part: float = 1.0) -> dict[int, Piece]:
    """In which the last day, or one before it, has this mean, and such a part of its exchanges."""
    day = range(BEGUN - 24 * (ago + 1), BEGUN - 24 * ago)
    return pieces | {
        hour: Piece(part * each.count, part * each.count * value, part * each.count * (0.22**2 + value**2))
        for hour, each in pieces.items()
        if hour in day
    }


WANDERING = hours_of(lambda _: 0.8, hours=BEGUN, seed=11, days=0.03, left=0.85, count=400)


def test_a_day_is_held_against_the_one_before_where_days_are_like_it() -> None:
    others = [day_of(hours_of(lambda _: 0.8, hours=BEGUN, seed=seed, days=0.03, count=400)) for seed in range(8)]
    assert all(each.memory is None or each.memory.left < 0.35 for each in others), "these are not"
    assert sum(each.memory is None for each in others) > 4
    risen = with_day(WANDERING, 0.84, ago=1)
    seen = day_of(with_day(risen, 0.73))
    assert seen.memory is not None
    assert seen.memory.left == pytest.approx(0.7, abs=0.15)
    assert seen.reference == seen.memory.expected.value > seen.level.value
    assert seen.memory.expected.deviation < 0.8 * seen.level.deviation, (
        "one knows more of a day who knows the one before"
    )
    alone = replace(seen, memory=None)
    assert seen.chance < 0.01 * alone.chance
    # Asked twice, an answer that the level alone gives is worth less than if it alone were asked.
    still = day_of(with_day(WANDERING, 0.7))
    assert still.memory is not None
    far = replace(still, memory=replace(still.memory, expected=Expected(still.level.value, 1.0)))
    assert far.chance == pytest.approx((1 + still.memory.left) * replace(still, memory=None).chance)


@pytest.mark.parametrize(("before", "allowed"), [(0.74, 1.0), (0.8, 1.0), (0.85, 1.0), (0.72, 50.0), (0.88, 50.0)])
def test_it_is_told_beyond_what_is_said_after_such_a_day_too(before: float, allowed: float) -> None:
    watch = Watch(budget=Budget(false_alarms=allowed))
    outcomes: set[bool] = set()
    for permille in range(600, 1000, 4):
        pieces = with_day(with_day(WANDERING, before, ago=1), permille / 1000)
        (seen,) = (each for each, _ in looks([(MEASURE, Series(pieces))], BEGUN, (), watch) if each.span == DAY)
        assert seen.comparison.memory is not None
        below, above = seen.alert_beyond(watch)
        current = seen.comparison.current
        assert seen.is_off == ((below or 0.0) > current or (above or 1.0) < current), (below, above)
        outcomes.add(seen.is_off)
    assert outcomes == {True, False}


def test_a_day_like_all_others_is_no_change_for_following_an_odd_one() -> None:
    odd = with_day(WANDERING, 0.7, ago=1)
    back = day_of(with_day(odd, 0.805))
    assert back.memory is not None
    assert replace(back, level=back.memory.expected, memory=None).chance < 0.1, "by that alone it would be an odd one"
    assert back.chance > 0.5


def test_what_few_exchanges_say_of_a_day_is_no_memory() -> None:
    seen = [day_of(with_day(WANDERING, 0.75, ago=1, part=part)) for part in (1.0, 0.3, 0.1)]
    lefts = [0.0 if each.memory is None else each.memory.left for each in seen]
    assert lefts[0] > lefts[1] > lefts[2]


def test_days_are_known_by_the_one_before_no_better_than_they_differ() -> None:
    # Of some three exchanges an hour; the last day has fifteen times as many and is known much better than the others.
    remembered = 0
    for seed in range(60):
        pieces = hours_of(lambda _: 0.8, hours=BEGUN, seed=seed, days=0.05, left=0.95, count=3)
        last = {hour: pieces[hour] for hour in range(BEGUN - 24, BEGUN)}
        pieces |= {hour: Piece(15 * each.count, 12 * each.count, 11 * each.count) for hour, each in last.items()}
        seen = compare(Series(pieces), BEGUN, DAY, "mean", Reference(), tuning=replace(FITTED, alike=0.0, traffic=0.0))
        assert seen is not None
        if seen.memory is not None:
            remembered += 1
            assert seen.memory.expected.deviation**2 > 0.5 * seen.spread.variance
    assert remembered > 4


def test_students_tails() -> None:
    # Of the exact distribution, to some per cent.
    for score, freedom, exact in ((2.0, 10, 0.07339), (4.0, 10, 0.002518), (5.0, 30, 2.347e-05)):
        assert two_sided(score, freedom) == pytest.approx(exact, rel=0.06)
        assert score_at(two_sided(score, freedom), freedom) == pytest.approx(score, rel=1e-6)


def test_windows_of_the_past_are_those_that_each_alone_would_be() -> None:
    series = Series(hours_of(flat, hours=700))
    for now, hours, every, most in ((700, 24, 24, 56), (690, 6, 24, 56), (700, 168, 168, 8), (720, 24, 24, 56)):
        counts, totals, _ = series.before(now, hours, every, most)
        alone = [series.over(end - hours, end) for end in range(now - every, hours - 1, -every)][:most]
        assert counts == [piece.count for piece in alone]
        assert totals == [piece.total for piece in alone]
