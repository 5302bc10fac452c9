"""Exchanges of assistants, hour by hour, whose course is known: as sums, which is all that the watch is given.

Traffic follows the hour of the day and the weekday, and is overdispersed.  What exchanges are like does too, and
wanders: from hour to hour, from day to day, each with memory, together in all features of an assistant in part, and on
some days far off.  Without a change all of this is stationary.
"""

from dataclasses import dataclass, field
from math import erf, log, sqrt

import numpy as np
from numpy.typing import NDArray

from penstock.watch.drift.series import Piece, Series
from penstock.watch.drift.tally import FEATURES, OCTAVES, Measure, measures_of

Numbers = NDArray[np.float64]
ASSISTANTS = 10
SHARES = {
    "groundedness": (0.90, 0.22),
    "confidence": (0.80, 0.15),
    "familiarity": (0.75, 0.12),
    "retrieval": (0.55, 0.15),
    "personal_data": (0.15, None),
    "blocked": (0.01, None),
    "held": (0.02, None),
    "failed": (0.005, None),
    "refusal": (0.02, None),
    "tool_use": (0.30, None),
    "topics": (0.70, 0.11),
}
"""Mean and deviation of one exchange's value; None where it is 0 or 1."""
LOGS = {
    "input_length": (5.5, 1.0),
    "output_length": (5.0, 0.8),
    "cost": (13.0, 0.9),
    "latency": (1.0, 0.5),
    "tone": (4.4, 0.4),
}
SIGNS_OF_TONE = (0.10, 0.02, 0.05, 0.40, 0.12, 0.30)
"""The share of answers that have each."""
LOOKED_AT = 0.2
"""Of answers: what only these say has so many exchanges fewer."""
_OF_LOOKED_AT = frozenset({"refusal", "tone", "topics"})


@dataclass(frozen=True, slots=True)
class World:
    """What traffic is like.  Deviations are parts of one exchange's own."""

    name: str
    burst: float = 0.3
    """Of an hour's traffic around its pattern."""
    by_hour: float = 0.15
    """How far values go with the time of day."""
    by_weekday: float = 0.08
    hours: tuple[float, float] = (0.10, 0.7)
    """Deviation from hour to hour, and how much of it is left an hour later."""
    days: tuple[float, float] = (0.04, 0.4)
    """From day to day, the same."""
    tails: float = 0.0
    """Degrees of freedom of the days' deviations; 0 is a normal distribution."""
    together: float = 0.3
    """How much of that all features of an assistant share."""
    odd_days: float = 0.0
    """How many are far off: a holiday, with a third of the traffic and other questions."""
    by_odds: bool = False
    """Means of graded values wander by a factor of their odds: near 1 they then fall further than they rise."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one feature from an hour on: `size` is a part of the mean, `over_h` how long it takes to come."""

    feature: str
    size: float
    begins: int
    over_h: int = 0
    ends: int | None = None
    wholly: bool = False
    """A share falls since so many are worth nothing, and the others what they were; else all are a little worse."""


@dataclass(slots=True)
class Assistant:
    daily: float
    hours: int
    series: dict[str, list[tuple[Measure, Series]]] = field(default_factory=dict[str, list[tuple[Measure, Series]]])


def make(
    world: World,
    seed: int,
    weeks: int,
    *,
    daily: float | None = None,
    changes: tuple[Change, ...] = (),
    only: tuple[str, ...] = tuple(FEATURES),
) -> Assistant:
    """One assistant with between 500 and 5,000 exchanges a day, or so many."""
    rng = np.random.default_rng([seed, 77])
    hours = weeks * 168
    mean = float(np.exp(rng.uniform(log(500), log(5000)))) if daily is None else daily
    odd = np.repeat(rng.random(weeks * 7) < world.odd_days, 24)
    counts = _traffic(rng, world, mean, hours) * np.where(odd, 0.3, 1.0)
    counts = rng.poisson(counts).astype(float)
    common = _wander(rng, world, hours)
    found = Assistant(mean, hours)
    for place, feature in enumerate(FEATURES):
        if feature not in only:
            continue
        rng = np.random.default_rng([seed, 78, place])
        alone = _wander(rng, world, hours)
        off = sqrt(world.together) * common + sqrt(1 - world.together) * alone
        off = off + _pattern(rng, world, hours) + np.where(odd, 0.25 * rng.choice([-1, 1]), 0.0)
        own = [change for change in changes if change.feature == feature]
        seen = rng.binomial(counts.astype(int), LOOKED_AT).astype(float) if feature in _OF_LOOKED_AT else counts
        found.series[feature] = _drawn(rng, feature, seen, off, own, world=world)
    return found


def _traffic(rng: np.random.Generator, world: World, daily: float, hours: int) -> Numbers:
    at = np.arange(hours)
    hour, weekday = at % 24, at // 24 % 7
    peak = rng.uniform(10, 16)
    shape = 0.15 + np.exp(2.2 * (np.cos((hour - peak) / 24 * 2 * np.pi) - 1))
    shape = shape * np.where(weekday >= 5, rng.uniform(0.2, 0.8), 1.0)
    shape = shape / shape.mean() * daily / 24
    level = _memory(rng, hours, 0.8) * world.burst
    return shape * np.exp(level - world.burst**2 / 2)


def _memory(rng: np.random.Generator, count: int, left: float, tails: float = 0.0) -> Numbers:
    """A stationary series of deviation 1 with memory."""
    steps = rng.standard_normal(count) if not tails else rng.standard_t(tails, count) / sqrt(tails / (tails - 2))
    series = np.empty(count)
    last = rng.standard_normal()
    for each in range(count):
        last = left * last + sqrt(1 - left * left) * steps[each]
        series[each] = last
    return series


def _wander(rng: np.random.Generator, world: World, hours: int) -> Numbers:
    size, left = world.hours
    by_hour = size * _memory(rng, hours, left)
    size, left = world.days
    return by_hour + np.repeat(size * _memory(rng, hours // 24, left, world.tails), 24)


def _pattern(rng: np.random.Generator, world: World, hours: int) -> Numbers:
    at = np.arange(hours)
    phase = rng.uniform(0, 24)
    by_weekday = rng.standard_normal(7) * world.by_weekday
    return world.by_hour * np.sin((at % 24 - phase) / 24 * 2 * np.pi) + by_weekday[at // 24 % 7]


def _come(change: Change, hours: int) -> Numbers:
    """How much of it is there, from 0 to 1."""
    at = np.arange(hours)
    there = np.clip((at - change.begins + 1) / max(1, change.over_h), 0, 1)
    return np.where(at >= change.ends, 0.0, there) if change.ends is not None else there


def _drawn(
    rng: np.random.Generator, feature: str, counts: Numbers, off: Numbers, changes: list[Change], *, world: World
) -> list[tuple[Measure, Series]]:
    hours = len(counts)
    moved = sum((change.size * _come(change, hours) for change in changes), np.zeros(hours))
    measures = measures_of(feature)
    if feature in SHARES:
        mean, deviation = SHARES[feature]
        own = sqrt(mean * (1 - mean)) if deviation is None else deviation
        if any(change.wholly for change in changes):
            level = _wandering(world, deviation, np.full(hours, mean), off)
            return [(measures[0], _part_bad(rng, counts, level, own, -moved))]
        level = _wandering(world, deviation, mean * (1 + moved), off)
        return [(measures[0], _share(rng, counts, level, deviation))]
    if feature == "tone":
        return _toned(rng, counts, off, moved)
    mean, deviation = LOGS[feature]
    level = mean + np.log1p(moved) + off * deviation
    totals = level * counts + rng.standard_normal(hours) * deviation * np.sqrt(counts)
    squares = counts * deviation**2 + np.divide(totals**2, counts, out=np.zeros(hours), where=counts > 0)
    first = (measures[0], _series(counts, totals, squares))
    if len(measures) == 1:
        return [first]
    octaves = _octaves(rng, counts, level, deviation)
    return [
        first,
        *((each, _series(counts, octaves[each.index - 1], octaves[each.index - 1])) for each in measures[1:]),
    ]


def _toned(rng: np.random.Generator, counts: Numbers, off: Numbers, moved: Numbers) -> list[tuple[Measure, Series]]:
    """Sentences that wander, and signs of which a change moves the share that apologises."""
    sentence, *signs = measures_of("tone")
    mean, deviation = LOGS["tone"]
    totals = (mean + off * deviation) * counts + rng.standard_normal(len(counts)) * deviation * np.sqrt(counts)
    squares = counts * deviation**2 + np.divide(totals**2, counts, out=np.zeros(len(counts)), where=counts > 0)
    found = [(sentence, _series(counts, totals, squares))]
    for each, share in zip(signs, SIGNS_OF_TONE, strict=True):
        level = share * (1 + moved) if each.name == "apologies" else np.full(len(counts), share)
        found.append((each, _share(rng, counts, level + off * sqrt(share * (1 - share)), None)))
    return found


def _wandering(world: World, deviation: float | None, mean: Numbers, off: Numbers) -> Numbers:
    """A share's level by the hour."""
    if deviation is None:
        return mean + off * np.sqrt(mean * (1 - mean))
    if not world.by_odds:
        return mean + off * deviation
    usual = float(mean[0])
    odds = np.log(mean / (1 - mean)) + off * deviation / (usual * (1 - usual))
    return 1 / (1 + np.exp(-odds))


def _part_bad(rng: np.random.Generator, counts: Numbers, level: Numbers, deviation: float, bad: Numbers) -> Series:
    """Of some exchanges the value is nothing."""
    good = counts - rng.binomial(counts.astype(int), bad)
    totals = np.clip(level * good + rng.standard_normal(len(good)) * deviation * np.sqrt(good), 0, good)
    squares = good * deviation**2 + np.divide(totals**2, good, out=np.zeros(len(good)), where=good > 0)
    return _series(counts, totals, squares)


def _share(rng: np.random.Generator, counts: Numbers, level: Numbers, deviation: float | None) -> Series:
    if deviation is None:
        totals = rng.binomial(counts.astype(int), np.clip(level, 0.0, 1.0)).astype(float)
        return _series(counts, totals, totals)
    totals = np.clip(level * counts + rng.standard_normal(len(counts)) * deviation * np.sqrt(counts), 0, counts)
    squares = counts * deviation**2 + np.divide(totals**2, counts, out=np.zeros(len(counts)), where=counts > 0)
    return _series(counts, totals, squares)


def _octaves(rng: np.random.Generator, counts: Numbers, level: Numbers, deviation: float) -> list[Numbers]:
    edges = [log(16) + each * log(2) for each in range(OCTAVES - 1)]
    below = np.array([[0.5 + 0.5 * erf((edge - at) / deviation / sqrt(2)) for edge in edges] for at in level])
    shares = np.diff(np.hstack([np.zeros((len(level), 1)), below, np.ones((len(level), 1))]), axis=1)
    drawn = rng.multinomial(counts.astype(int), np.clip(shares, 0, 1) / shares.sum(axis=1, keepdims=True))
    return [drawn[:, each].astype(float) for each in range(OCTAVES)]


def _series(counts: Numbers, totals: Numbers, squares: Numbers) -> Series:
    return Series(
        {
            hour: Piece(int(count), float(total), float(square))
            for hour, (count, total, square) in enumerate(zip(counts, totals, squares, strict=True))
            if count
        }
    )


FITTED_ON = (
    World("calm", hours=(0.08, 0.6), days=(0.03, 0.3)),
    World("uneven", burst=0.5, hours=(0.15, 0.8), days=(0.06, 0.5), odd_days=0.01),
    World("odds", hours=(0.12, 0.6), days=(0.05, 0.3), by_odds=True),
    World("outliers", hours=(0.12, 0.6), days=(0.06, 0.3), tails=5.0, odd_days=0.015),
)
REPORTED = (
    World("usual"),
    World("bursts", burst=0.7, hours=(0.2, 0.85), together=0.6),
    World("restless days", days=(0.10, 0.6), by_weekday=0.15),
    World("heavy tails", days=(0.05, 0.4), tails=4.0, hours=(0.15, 0.7)),
    World("holidays", odd_days=0.02),
    World("by odds", hours=(0.15, 0.7), days=(0.05, 0.4), by_odds=True),
)
