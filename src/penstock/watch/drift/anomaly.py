"""Whether a figure is what it usually is at such an hour: what a rule asks before it alarms.

The figure's logarithm is forecast: the middle of the same hours of earlier weeks, moved by as much of the last point's
deviation as points are seen to keep of it.  How far a forecast may err is taken from how far earlier ones did, by the
hour of the day; and since real figures have far heavier tails than a normal distribution, the tail itself is fitted:
errors beyond a high mark follow a generalised Pareto distribution (Pickands 1975; for alarms Siffer et al. 2017), here
by probability-weighted moments (Hosking and Wallis 1987).  So the interval is as wide as the wanted number of false
alarms asks, each side for itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from penstock.watch.drift.compare import DAY_H, WEEK_H

HOUR_S = 3600
LEAST_POINTS = 7 * DAY_H
_FEW = 4
"""Weeks from which on an hour of the week has a pattern of its own."""
_MAD = 1.4826
_MARK = 0.95
"""The part of the errors, on one side, below the mark that the tail begins at."""
_LEAST_TAIL = 12
_HEAVIEST = 0.5
_FARTHEST = 10.0
"""Deviations that an error of the past counts for at most: an outage of last month must not hide this one."""
_REACH = 2.0
"""Deviations of the last point that the forecast goes along with: beyond, it is an anomaly itself and no level."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` is how far the value lies off, as a part of the way to the nearer bound: above 1 is anomalous.

    Without enough points nothing is anomalous, and `expected`, `low` and `high` are None.
    """

    is_anomalous: bool
    expected: float | None
    low: float | None
    high: float | None
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """`false_alarms` a week over so many `figures`, each looked at once a point."""

    false_alarms: float = 1.0
    figures: int = 120


def judge(series: Sequence[tuple[float, float]], at: float, *, looks: Looks = Looks()) -> Judgement:
    """The value at the time `at`, held against those before it.

    `series` are times, in Unix seconds and evenly spaced but for gaps, and values of at least 0, in order; what comes
    after `at` is not looked at.  There is no judgement where `at` has no value, or fewer than a week's hours lie before
    it.  Raises `ValueError` for values that are no such numbers.
    """
    past = [(time, value) for time, value in series if time <= at]
    if any(not math.isfinite(value) or value < 0 for _, value in past):
        raise ValueError("a figure is a number and not below nothing")
    nothing = Judgement(False, None, None, None, 0.0)
    if not past or past[-1][0] != at or len(past) <= LEAST_POINTS or past[-2][0] - past[0][0] < 7 * DAY_H * HOUR_S:
        return nothing
    step = _step([time for time, _ in past])
    floor = _floor([value for _, value in past[:-1]])
    logs = [math.log(value + floor) for _, value in past]
    times = [time for time, _ in past]
    pattern = _pattern(times, logs)
    rest = [log - of for log, of in zip(logs, pattern, strict=True)]
    scales = _scales(times[:-1], rest[:-1])
    scaled = [off / scales[_hour(time)] for time, off in zip(times, rest, strict=True)]
    kept = _kept(scaled[:-1])
    errors = [now - kept * _near(before) for before, now in pairwise(scaled[:-1])]
    chance = looks.false_alarms / (looks.figures * WEEK_H * HOUR_S / step) / 2
    above, below = _bound(errors, chance), _bound([-each for each in errors], chance)
    scale = scales[_hour(at)]
    expected = pattern[-1] + kept * _near(scaled[-2]) * scale
    off = (logs[-1] - expected) / scale
    score = off / above if off > 0 else -off / below
    return Judgement(
        score > 1,
        max(0.0, math.exp(expected) - floor),
        max(0.0, math.exp(expected - below * scale) - floor),
        max(0.0, math.exp(expected + above * scale) - floor),
        score,
    )


def _step(times: Sequence[float]) -> float:
    return median(after - before for before, after in pairwise(times))


def _floor(values: Sequence[float]) -> float:
    """Added before a logarithm is taken: a twentieth of what is usual, so that nothing is a very small figure."""
    some = [value for value in values if value > 0]
    return median(some) / 20 if some else 1.0


def _hour(time: float) -> int:
    return int(time // HOUR_S) % DAY_H


def _pattern(times: Sequence[float], logs: Sequence[float]) -> list[float]:
    """Of each point the middle of its hour of the week, or of its hour of the day where the weeks are few.

    The last point, which is judged, has no say.
    """
    weeks = (times[-1] - times[0]) / HOUR_S / WEEK_H
    period = WEEK_H if weeks >= _FEW else DAY_H
    by_hour: dict[int, list[float]] = {}
    for time, log in zip(times[:-1], logs[:-1], strict=True):
        by_hour.setdefault(int(time // HOUR_S) % period, []).append(log)
    middles = {hour: median(each) for hour, each in by_hour.items()}
    whole = median(logs[:-1])
    return [middles.get(int(time // HOUR_S) % period, whole) for time in times]


def _scales(times: Sequence[float], rest: Sequence[float]) -> list[float]:
    """How far points lie off, by the hour of the day; half of it what all hours do."""
    by_hour: list[list[float]] = [[] for _ in range(DAY_H)]
    for time, off in zip(times, rest, strict=True):
        by_hour[_hour(time)].append(abs(off))
    whole = _MAD * median(map(abs, rest))
    whole = max(whole, 0.01)
    return [math.sqrt((whole**2 + (_MAD * median(each)) ** 2) / 2) if each else whole for each in by_hour]


def _kept(scaled: Sequence[float]) -> float:
    """How much of a point's deviation the next has, without those that are far off."""
    near = [_near(each) for each in scaled]
    whole = sum(each * each for each in near)
    if not whole:
        return 0.0
    return min(0.95, max(0.0, sum(a * b for a, b in pairwise(near)) / whole))


def _near(scaled: float) -> float:
    return max(-_REACH, min(_REACH, scaled))


def _bound(errors: Sequence[float], chance: float) -> float:
    """What is passed upwards with this probability."""
    ordered = sorted(min(each, _FARTHEST) for each in errors)
    cut = max(1, min(len(ordered) - _LEAST_TAIL, int(_MARK * len(ordered))))
    mark = max(0.0, ordered[cut - 1])
    beyond = [each - mark for each in ordered[cut:]]
    count = len(beyond)
    mean = sum(beyond) / count
    weighted = sum(each * (count - 1 - place) / (count - 1) for place, each in enumerate(beyond)) / count
    if mean <= 0 or mean <= 2 * weighted:
        shape, scale = 0.0, max(mean, 0.1)
    else:
        shape = 2 - mean / (mean - 2 * weighted)
        shape = min(_HEAVIEST, max(0.0, shape))
        scale = max(0.1, mean * (1 - shape))
    ratio = len(errors) / count * chance
    rise = -math.log(ratio) if shape < 1e-6 else (ratio**-shape - 1) / shape
    return max(3.0, mark + scale * rise)
