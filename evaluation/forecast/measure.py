"""Makes forecasts on generated months at several days and holds them against what came."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Literal
from zoneinfo import ZoneInfo

from evaluation.forecast.months import Scenario, Series, make
from evaluation.forecast.rivals import Guess, carried_on, in_proportion, smoothed
from penstock.watch.forecast.month import Month
from penstock.watch.forecast.outlook import Outlook, look_ahead
from penstock.watch.forecast.tuning import FITTED, Tuning

DAYS = (3, 7, 11, 15, 19, 23)
"""Whole days of the month that are over when a forecast is made."""
BUDGETS = (0.5, 0.7, 0.9)
"""Of what the month came to."""
ROOMY = 1.1
"""Of what the month came to: a budget that lasts."""

Method = Literal["Penstock", "smoothed", "last seven days", "in proportion"]
METHODS: tuple[Method, ...] = ("Penstock", "smoothed", "last seven days", "in proportion")


@dataclass(frozen=True, slots=True)
class Ended:
    """A budget: in how many days it was used up, and by how many days that was missed; None where it was to last."""

    days_ahead: int
    off: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One forecast.  `error` and `width` are in parts of what the month came to."""

    scenario: str
    method: Method
    day: int
    is_step_to_come: bool
    error: float
    width: float | None
    is_held: bool | None
    """Whether the 80 % interval held it; None where there is none."""
    ends: tuple[Ended, ...]
    is_false_alarm: bool


def measure(
    scenarios: Sequence[Scenario], seeds: Iterable[int], *, tuning: Tuning = FITTED, only: Sequence[Method] = METHODS
) -> list[Made]:
    """Every scenario with every seed, at each of `DAYS`."""
    cases = list(product(scenarios, seeds))
    with ProcessPoolExecutor() as pool:
        found = pool.map(partial(_month, tuning=tuning, only=only), cases, chunksize=4)
        return [made for each in found for made in each]


def _month(case: tuple[Scenario, int], *, tuning: Tuning, only: Sequence[Method]) -> list[Made]:
    series = make(*case)
    found: list[Made] = []
    for day, method in product(DAYS, only):
        judged = _judged(series, day, method, tuning)
        if judged is not None:
            found.append(_made(case[0].name, series, day, method, judged))
    return found


@dataclass(frozen=True, slots=True)
class _Judged:
    guess: Guess
    expected: int
    ends: tuple[int | None, ...]
    alarm: bool


def _judged(series: Series, day: int, method: Method, tuning: Tuning) -> _Judged | None:
    so_far = sum(series.spent[each] for each in series.days[:day])
    left = [round(part * series.total) - so_far for part in (*BUDGETS, ROOMY)]
    if method == "Penstock":
        today = series.first + timedelta(days=day)
        past = [(each, amount) for each, amount in series.spent.items() if each < today]
        outlook = look_ahead(past, Month(series.first, ZoneInfo("UTC")), today, 0.0, tuning=tuning)
        if not isinstance(outlook, Outlook):
            return None
        interval = outlook.interval(0.8)
        days = [outlook.runs_out(each).day for each in left]
        ends = tuple(None if each is None else (each - today).days for each in days)
        return _Judged(Guess(interval.low, interval.high, ()), outlook.expected, ends[:-1], ends[-1] is not None)
    guess = {"smoothed": smoothed, "last seven days": carried_on, "in proportion": in_proportion}[method](series, day)
    if guess is None:
        return None
    ends = tuple(guess.runs_out(each) for each in left)
    return _Judged(guess, so_far + guess.ahead[-1], ends[:-1], ends[-1] is not None)


def _made(scenario: str, series: Series, day: int, method: Method, judged: _Judged) -> Made:
    total, guess = series.total, judged.guess
    ends: list[Ended] = []
    for part, told in zip(BUDGETS, judged.ends, strict=True):
        true = _ended(series, round(part * total))
        if true >= day:  # else it was used up already: nothing was to be foreseen
            ends.append(Ended(true - day, None if told is None else abs(day + told - true)))
    has_interval = guess.low is not None and guess.high is not None
    return Made(
        scenario=scenario,
        method=method,
        day=day,
        is_step_to_come=series.stepped is not None and series.stepped >= series.first + timedelta(days=day),
        error=(judged.expected - total) / total,
        width=(guess.high - guess.low) / total if guess.low is not None and guess.high is not None else None,
        is_held=(guess.low or 0) <= total <= (guess.high or 0) if has_interval else None,
        ends=tuple(ends),
        is_false_alarm=judged.alarm,
    )


def _ended(series: Series, amount: int) -> int:
    """The day of the month, from 0, on which the sum reached the amount."""
    so_far = 0
    for index, day in enumerate(series.days):
        so_far += series.spent[day]
        if so_far >= amount:
            return index
    raise AssertionError("a budget below the total is used up")
