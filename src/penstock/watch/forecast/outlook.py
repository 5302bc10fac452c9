"""Looks ahead: daily sums in, the month's end and the day of any budget's end out, each with an interval.

The weekday pattern is taken off (`pattern`), level and trend are followed through steps and spikes (`level`), and some
hundred possible rests of the month are drawn from all that is not certain: the level, the trend and how it flattens,
the pattern, the days' own noise as it was, and a step that may yet come.  Every figure is read off these paths, so they
agree with each other.  The draws are seeded: the same sums give the same answer.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from penstock.watch.forecast.level import Run, follow
from penstock.watch.forecast.month import Month
from penstock.watch.forecast.pattern import FLOOR, Pattern, pattern_of
from penstock.watch.forecast.tuning import FITTED, Tuning

LEAST_DAYS = 3
SHORT_DAYS = 14
"""Below this a weekday was seen once at most: the interval says how little is known of the pattern."""
MOST_DAYS = 120
_PATHS = 600
_SEED = 20240229
_LEAST_SHARE = 0.25
"""Of the running day, from which on it says something of the level."""
_USUAL = 2.5
"""Deviations that a usual day may lie off; what is beyond is a spike."""
_LARGEST = 12.0
"""The logarithm of the largest growth that a path may show: a sum stays a number."""


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Why there is none."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interval:
    """In which the month's total lies with this probability."""

    level: float
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class RunOut:
    """When a budget is used up: the middle of the paths, None where it lasts on most of them.

    Between `earliest` and `latest` lies the day with the probability `level`; None where it lasts. `chance` is the
    part of the paths on which it is used up within the month.
    """

    day: date | None
    earliest: date | None
    latest: date | None
    level: float
    chance: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """`so_far` is exact.  `paths` are what is spent from now up to the end of each day, today first."""

    so_far: int
    today: date
    history_days: int
    paths: tuple[tuple[int, ...], ...]

    @property
    def is_short(self) -> bool:
        """Whether the history is so short that the weekday pattern is a guess."""
        return self.history_days < SHORT_DAYS

    @property
    def expected(self) -> int:
        """The middle of what the month may come to: as likely more as less, and moved by no single spike."""
        return self.so_far + _quantile(self._ends(), 0.5)

    def interval(self, level: float = 0.8) -> Interval:
        """Raises `ValueError` for a level that is not between 0 and 1."""
        low, high = _sides(level)
        ends = self._ends()
        return Interval(level, self.so_far + _quantile(ends, low), self.so_far + _quantile(ends, high))

    def runs_out(self, left: int, level: float = 0.8) -> RunOut:
        """The day on which so much more will be spent.  What is not left any more is used up today."""
        low, high = _sides(level)
        never = len(self.paths[0])
        crossed = sorted(bisect_left(path, left) for path in self.paths)

        def day(part: float) -> date | None:
            index = crossed[min(len(crossed) - 1, int(part * len(crossed)))]
            return None if index == never else self.today + timedelta(days=index)

        chance = bisect_left(crossed, never) / len(crossed)
        return RunOut(day(0.5), day(low), day(high), level, chance)

    def _ends(self) -> list[int]:
        return sorted(path[-1] for path in self.paths)


def look_ahead(
    spent: Iterable[tuple[date, int]],
    month: Month,
    today: date,
    over: float,
    *,
    unknown: Collection[date] = (),
    tuning: Tuning = FITTED,
) -> Outlook | NoForecast:
    """The outlook of a month that is under way.

    `spent` are nano-US-dollars by day, in any order; a day may be there more than once, and one that is not there had
    nothing.  `over` is the share of today's usual spend that lies behind (`month.share_over`).  `unknown` are days
    whose spend is known in part only: they add to the total, and nothing is concluded from them.  What lies before the
    first spend is not history: nobody was there.

    Raises `ValueError` for a day that is not in the month, a share out of range, an amount below zero or spend in the
    future.
    """
    if not month.first <= today < month.after:
        raise ValueError("today is not a day of the month")
    if not 0 <= over <= 1:
        raise ValueError("a share lies between 0 and 1")
    sums: dict[date, int] = {}
    for day, amount in spent:
        if amount < 0 or day > today:
            raise ValueError("spend is not negative and not in the future")
        sums[day] = sums.get(day, 0) + amount
    so_far = sum(amount for day, amount in sums.items() if day >= month.first)
    oldest = today - timedelta(days=MOST_DAYS)
    begun = min((day for day, amount in sums.items() if amount and day >= oldest), default=today)
    history = [begun + timedelta(days=index) for index in range((today - begun).days)]
    series = [None if day in unknown else float(sums.get(day, 0)) for day in history]
    count = sum(each is not None for each in series)
    if count < LEAST_DAYS:
        return NoForecast(f"there are {count} whole days whose spend is known, and a forecast needs {LEAST_DAYS}")
    if not any(series):
        return NoForecast("no day whose spend is known had any")
    pattern = pattern_of(series, begun.weekday(), tuning)
    runs = _runs(pattern, today, None if today in unknown else sums.get(today, 0), over, tuning)
    if not runs:
        return NoForecast("nearly all days of the history are without spend")
    weekdays = tuple((today + timedelta(days=index)).weekday() for index in range((month.after - today).days))
    return Outlook(so_far, today, count, _Drawing(pattern, weekdays, over, tuning).paths(runs))


def _runs(pattern: Pattern, today: date, spent: int | None, over: float, tuning: Tuning) -> tuple[Run, ...]:
    """As of today.  The running day counts for as much as is over of it."""
    weekday, seen = today.weekday(), None
    if spent is not None and over >= _LEAST_SHARE and pattern.quiet[weekday] is None:
        seen = math.log(spent / over / pattern.scale + FLOOR) - pattern.effects[weekday]
    return follow([*pattern.rest, seen], pattern.noise, tuning, last_share=over or 1.0)


class _Drawing:
    """Draws the paths."""

    def __init__(self, pattern: Pattern, weekdays: tuple[int, ...], over: float, tuning: Tuning) -> None:
        self._pattern = pattern
        self._weekdays = weekdays
        self._over = over
        self._tuning = tuning
        self._chance = random.Random(_SEED)  # noqa: S311 - no secret, and the same each time
        self._factors = _factors(pattern)
        self._usual = _USUAL * pattern.noise

    def paths(self, runs: Sequence[Run]) -> tuple[tuple[int, ...], ...]:
        weights = [run.weight for run in runs]
        return tuple(map(self._path, self._chance.choices(runs, weights, k=_PATHS)))

    def _effects(self) -> list[float]:
        """The weekdays as they may be.  Were all of them larger, the level would have been seen as lower."""
        pattern = self._pattern
        off = [self._chance.gauss(0.0, doubt) for doubt in pattern.doubts]
        days = sum(pattern.counts)
        shared = sum(each * count for each, count in zip(off, pattern.counts, strict=True)) / days if days else 0.0
        return [effect + each - shared for effect, each in zip(pattern.effects, off, strict=True)]

    def _path(self, run: Run) -> tuple[int, ...]:
        chance, tuning, pattern = self._chance, self._tuning, self._pattern
        level, slope = _drawn(run, chance)
        effects = self._effects()
        # How often days lie off is known from few days only: each path has its own sample of them.  What all of them
        # share is the level, whose doubt is drawn already.
        sample = chance.choices(self._factors, k=len(self._factors))
        level -= sum(max(-self._usual, min(self._usual, each)) for each in sample) / len(sample)
        spent, found = 0.0, list[int]()
        for index, weekday in enumerate(self._weekdays):
            if index:
                slope *= tuning.damping
                level += slope + chance.gauss(0.0, run.wander)
                if chance.random() < tuning.later_step_rate:
                    level += chance.gauss(0.0, tuning.step)
            parts = pattern.quiet[weekday]
            if parts is None:
                day = math.exp(min(_LARGEST, level + effects[weekday] + chance.choice(sample))) - FLOOR
            else:
                day = math.exp(min(_LARGEST, level)) * chance.choice(parts)
            spent += max(0.0, day) * (1.0 if index else 1.0 - self._over)
            found.append(round(spent * pattern.scale))
        return tuple(found)


def _factors(pattern: Pattern) -> list[float]:
    """How far a day may lie off, as days did; with few of them, as a usual spread around what was."""
    normal = [pattern.noise * each for each in (-1.64, -1.04, -0.67, -0.39, -0.13, 0.13, 0.39, 0.67, 1.04, 1.64)]
    return [*pattern.factors, *normal]


def _drawn(run: Run, chance: random.Random) -> tuple[float, float]:
    deviation = math.sqrt(run.level_variance)
    first, second = chance.gauss(0.0, 1.0), chance.gauss(0.0, 1.0)
    along = run.covariance / deviation
    across = math.sqrt(max(0.0, run.slope_variance - along**2))
    return run.level + deviation * first, run.slope + along * first + across * second


def _sides(level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError("a level lies between 0 and 1")
    return (1 - level) / 2, (1 + level) / 2


def _quantile(ordered: Sequence[int], part: float) -> int:
    """Between the two values around it, in proportion."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + round((ordered[above] - ordered[below]) * (place - below))
