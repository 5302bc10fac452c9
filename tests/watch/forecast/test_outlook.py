"""What the forecast promises of any series: exact sums, intervals in order, proportion, and what one day may move."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from penstock.watch.forecast.month import Month
from penstock.watch.forecast.outlook import NoForecast, Outlook, look_ahead

UTC = ZoneInfo("UTC")
MONTH = Month(date(2026, 3, 1), UTC)
TODAY = date(2026, 3, 12)
WEEK = (11, 13, 12, 11, 10, 4, 3)
DAYS = [TODAY - timedelta(days=84 - index) for index in range(84)]


def month_like(
    week: Iterable[float] = WEEK, *, unit: int = 10**9, growth: float = 1.0, seed: int = 7
) -> dict[date, int]:
    chance = random.Random(seed)  # noqa: S311 - the same each time
    shape = tuple(week)
    return {
        day: round(shape[day.weekday()] * unit * growth**index * chance.lognormvariate(0, 0.08))
        for index, day in enumerate(DAYS)
    }


def seen(spent: dict[date, int], *, today: date = TODAY, over: float = 0.0, unknown: Iterable[date] = ()) -> Outlook:
    found = look_ahead(spent.items(), MONTH, today, over, unknown=list(unknown))
    assert isinstance(found, Outlook)
    return found


def rest_of(week: tuple[float, ...], unit: int = 10**9) -> float:
    return sum(week[(TODAY + timedelta(days=index)).weekday()] for index in range(20)) * unit


def test_what_was_spent_is_exact_and_what_was_before_the_month_is_not_in_it() -> None:
    spent = month_like(unit=10**15) | {TODAY: 3}  # amounts that a double does not hold
    spent[date(2026, 3, 2)] = 2**60 + 1
    assert seen(spent, over=0.5).so_far == sum(amount for day, amount in spent.items() if day >= MONTH.first)


def test_the_pattern_of_the_week_goes_on() -> None:
    outlook = seen(month_like())
    expected = outlook.so_far + rest_of(WEEK)
    assert abs(outlook.expected - expected) < 0.05 * expected
    wednesday = [path[6] - path[5] for path in outlook.paths]
    assert 10 * 10**9 < sum(wednesday) / len(wednesday) < 14 * 10**9
    sunday = [path[3] - path[2] for path in outlook.paths]
    assert sum(sunday) / len(sunday) < 4 * 10**9


def test_closed_weekends_stay_closed() -> None:
    outlook = seen(month_like((10, 10, 10, 10, 10, 0, 0)))
    assert all(path[2] == path[1] and path[3] == path[2] for path in outlook.paths)  # the 14th and the 15th
    assert abs(outlook.expected - outlook.so_far - 140 * 10**9) < 10 * 10**9


@pytest.mark.parametrize("factor", [1 / 1000, 7, 10**6])
def test_all_of_it_is_in_proportion(factor: float) -> None:
    once = seen(month_like(unit=10**12))
    spent = {day: round(amount * factor) for day, amount in month_like(unit=10**12).items()}
    scaled = seen(spent)
    for of_one, of_other in ((once.expected, scaled.expected), (once.interval(0.9).high, scaled.interval(0.9).high)):
        assert of_other == pytest.approx(of_one * factor, rel=1e-6)


def test_the_order_of_rows_is_nothing_and_parts_of_a_day_add_up() -> None:
    spent = month_like()
    rows = [part for day, amount in spent.items() for part in ((day, amount // 3), (day, amount - amount // 3))]
    random.Random(1).shuffle(rows)  # noqa: S311 - the same each time
    assert look_ahead(rows, MONTH, TODAY, 0.0) == seen(spent)


def test_intervals_widen_with_their_level_and_hold_the_middle() -> None:
    outlook = seen(month_like())
    intervals = [outlook.interval(level) for level in (0.5, 0.8, 0.9, 0.99)]
    for narrow, wide in pairwise(intervals):
        assert outlook.so_far <= wide.low < narrow.low < outlook.expected < narrow.high < wide.high
    for level in (0.0, 1.0):
        with pytest.raises(ValueError, match="between 0 and 1"):
            outlook.interval(level)


def test_a_step_is_taken_up_within_days_and_not_averaged_over() -> None:
    spent = month_like()
    for index in range(4):
        spent[TODAY - timedelta(days=index + 1)] *= 2
    outlook = seen(spent)
    assert abs(outlook.expected - outlook.so_far - 2 * rest_of(WEEK)) < 0.15 * rest_of(WEEK)


def test_a_spike_of_one_day_moves_little_once_it_is_over() -> None:
    spent = month_like()
    spent[date(2026, 3, 9)] *= 20
    moved = seen(spent)
    calm = seen(month_like())
    assert abs((moved.expected - moved.so_far) - (calm.expected - calm.so_far)) < 0.12 * rest_of(WEEK)


def test_growth_goes_on_in_proportion() -> None:
    growing = seen(month_like((10,) * 7, growth=1.01))
    last = 10 * 10**9 * 1.01**83
    gone_on = sum(last * 1.01**index for index in range(1, 21))
    assert abs(growing.expected - growing.so_far - gone_on) < 0.08 * gone_on
    assert growing.expected - growing.so_far > 1.05 * 20 * last


def test_of_the_running_day_only_what_is_left_comes_on_top() -> None:
    spent = month_like()
    morning, evening = seen(spent), seen(spent | {TODAY: 11 * 10**9}, over=1.0)
    assert all(path[0] == 0 for path in evening.paths)
    assert abs(evening.expected - morning.expected) < 2 * 10**9
    half = seen(spent | {TODAY: 5 * 10**9}, over=0.5)
    rest = [path[0] for path in half.paths]
    assert 4 * 10**9 < sum(rest) / len(rest) < 7 * 10**9


def test_days_that_are_not_wholly_known_are_no_days_of_nothing() -> None:
    lost = DAYS[-3:]
    spent = {day: amount for day, amount in month_like().items() if day not in lost}
    outlook = seen(spent, unknown=lost)
    assert outlook.history_days == 81
    assert abs(outlook.expected - outlook.so_far - rest_of(WEEK)) < 0.1 * rest_of(WEEK)


def test_a_short_history_says_so_and_a_shorter_one_says_nothing() -> None:
    spent = month_like((10,) * 7)
    days = {length: {day: spent[day] for day in DAYS[-length:]} for length in (2, 3, 20)}
    short, long = seen(days[3]), seen(days[20])
    assert (short.is_short, long.is_short) == (True, False)
    width = [(each.interval().high - each.interval().low) / (each.expected - each.so_far) for each in (short, long)]
    assert width[0] > 1.5 * width[1]
    for too_little in (days[2], {}, dict.fromkeys(DAYS, 0)):
        refused = look_ahead(too_little.items(), MONTH, TODAY, 0.0)
        assert isinstance(refused, NoForecast)
        assert "3" in refused.reason


def test_a_budget_ends_where_the_paths_cross_it() -> None:
    outlook = seen(month_like((10,) * 7))
    end = outlook.runs_out(55 * 10**9)
    assert end.day is not None
    assert end.day == date(2026, 3, 17)
    assert end.earliest is not None
    assert end.latest is not None
    assert date(2026, 3, 16) <= end.earliest <= end.day <= end.latest <= date(2026, 3, 19)
    assert end.chance == 1.0
    assert (outlook.runs_out(0).day, outlook.runs_out(-5).day) == (TODAY, TODAY)
    never = outlook.runs_out(500 * 10**9)
    assert (never.day, never.earliest, never.latest) == (None, None, None)
    assert never.chance < 0.02
    close = outlook.runs_out(outlook.interval(0.6).high - outlook.so_far)
    assert close.day is None  # on one path in five
    assert 0.15 < close.chance < 0.25


def test_what_makes_no_sense_is_refused() -> None:
    for spent, today, over in (
        ({TODAY: -1}, TODAY, 0.0),
        ({TODAY + timedelta(days=1): 1}, TODAY, 0.0),
        ({}, date(2026, 4, 1), 0.0),
        ({}, TODAY, 1.5),
    ):
        with pytest.raises(ValueError, match=r"spend|today|share"):
            look_ahead(spent.items(), MONTH, today, over)
