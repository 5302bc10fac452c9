"""How a fall is found within a day, by exchanges a day and by how far days lie apart; and what could be at best.

**The oracle** knows what the watch has to learn: the level, each hour's and weekday's pattern, how far hours and days
lie apart and how much of it is left the next, the deviation of one exchange, and the hour since when it might be
another level.  It weighs the day's hours as generalised least squares do, with the week before in hand, and has the
watch's threshold of a look at a day.  It looks once, when the fall is a day old; the watch has looked twelve times by
then, which is worth a little more where both find about half.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

import numpy as np

from evaluation.drift.measure import WORKERS
from evaluation.drift.traffic import SHARES, Change, Numbers, World, make
from penstock.watch.drift.compare import DAY_H, SPANS, WEEK_H
from penstock.watch.drift.series import Series
from penstock.watch.drift.watching import Watch, look

FEATURE, FALL = "groundedness", 0.10
DAILY = (150.0, 500.0, 1_500.0, 5_000.0, 20_000.0)
APART = (0.02, 0.04, 0.07, 0.10)
"""Days, as parts of one exchange's deviation."""
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Power:
    """Of so many trials: how many were found within a day, and how many the oracle would find in the mean."""

    world: World
    daily: float
    wholly: bool
    trials: int
    found: int
    best: float


def power(world: World, daily: float, seeds: Sequence[int], watch: Watch, *, wholly: bool = False) -> Power:
    found, best = 0, 0.0
    for seed in seeds:
        at = (watch.weeks + 1) * WEEK_H + seed * 37 % WEEK_H
        change = Change(FEATURE, -FALL, at, wholly=wholly)
        assistant = make(world, 700_000 + seed, watch.weeks + 3, daily=daily, changes=(change,), only=(FEATURE,))
        series = assistant.series[FEATURE]
        fell = (look(series, now, (), watch) for now in range(at + 1, at + DAY_H + 1))
        found += any(each is not None and each.change < 0 for each in fell)
        best += oracle(world, series[0][1], at, watch)
    return Power(world, daily, wholly, len(seeds), found, best / len(seeds))


def oracle(world: World, series: Series, at: int, watch: Watch) -> float:
    """How likely it finds a fall that is a day old."""
    begin, end = at - WEEK_H, at + DAY_H
    counts = np.array([series.over(hour, hour + 1).count for hour in range(begin, end)])
    lies = _covariance(world, begin, counts)
    past = slice(0, WEEK_H)
    new = slice(WEEK_H, None)
    known = np.linalg.solve(lies[past, past], lies[past, new])
    left = lies[new, new] - lies[new, past] @ known
    ones = np.ones(DAY_H)
    mean, deviation = SHARES[FEATURE]
    clear = FALL * mean / (deviation or 1.0) * sqrt(float(ones @ np.linalg.solve(left, ones)))
    allowed = watch.budget.threshold(SPANS[1], FEATURE, -1.0, watch.tuning)
    return _NORMAL.cdf(clear + _NORMAL.inv_cdf(allowed / 2))


def _covariance(world: World, begin: int, counts: Numbers) -> Numbers:
    """Of the hours' means; an hour without an exchange says nothing."""
    at = np.arange(begin, begin + len(counts))
    hours = np.abs(at[:, None] - at[None, :])
    days = np.abs((at // DAY_H)[:, None] - (at // DAY_H)[None, :])
    by_hour, by_day = world.hours, world.days
    own = np.diag(1 / np.where(counts > 0, counts, 1e-6))
    found: Numbers = by_hour[0] ** 2 * by_hour[1] ** hours + by_day[0] ** 2 * by_day[1] ** days + own
    return found


def all_powers(world: World, seeds: Sequence[int], watch: Watch) -> list[Power]:
    """Days that lie apart by this and that, exchanges by the day, and the two kinds of fall."""
    worlds = [replace(world, days=(apart, world.days[1])) for apart in APART]
    with ProcessPoolExecutor(WORKERS) as pool:
        jobs = [pool.submit(power, each, daily, seeds, watch) for each in worlds for daily in DAILY]
        jobs += [pool.submit(power, world, daily, seeds, watch, wholly=True) for daily in DAILY]
        return [job.result() for job in jobs]
