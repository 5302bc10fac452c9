"""Follows level and trend of a daily series through steps and spikes: a mixture of runs, each begun by a step.

Bayesian online change-point detection (Adams and MacKay 2007) over local linear trends (a Kalman filter each, Harvey
1989), with an outlier component: a day far off is a spike to the runs there are, and the first of a new level to a run
that begins with it; the days that follow decide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.watch.forecast.tuning import Tuning

_MOST_RUNS = 12


@dataclass(frozen=True, slots=True)
class Run:
    """A level and a slope a day, with their covariance, as of the last day; `weight` is its probability."""

    weight: float
    level: float
    slope: float
    level_variance: float
    covariance: float
    slope_variance: float
    begun: int
    """The day, counted from the first."""
    wander: float


def follow(rest: Sequence[float | None], noise: float, tuning: Tuning, *, last_share: float = 1.0) -> tuple[Run, ...]:
    """The runs after the last day, the likeliest first; their weights are 1 together, or there are none.

    None is a day that says nothing.  `last_share` is how much of the last day is over: less tells less.  How much the
    level drifts from day to day is not known: each of the tuning's `wander` is followed, and weighs what its
    predictions were worth.
    """
    found = [_follow(rest, noise, wander, tuning, last_share) for wander in tuning.wander]
    best = max(evidence for evidence, _ in found)
    weights = [math.exp(evidence - best) for evidence, _ in found]
    runs = [
        _scaled(run, run.weight * weight / sum(weights))
        for weight, (_, of_one) in zip(weights, found, strict=True)
        for run in of_one
    ]
    return tuple(sorted(runs, key=lambda run: -run.weight))


def _follow(
    rest: Sequence[float | None], noise: float, wander: float, tuning: Tuning, last_share: float
) -> tuple[float, tuple[Run, ...]]:
    """With one drift: the logarithm of how likely the days were, and the runs."""
    runs: tuple[Run, ...] = ()
    evidence = 0.0
    for index, seen in enumerate(rest):
        share = last_share if index == len(rest) - 1 else 1.0
        if runs:
            runs = tuple(_a_day_later(run) for run in runs)
        if seen is not None:
            likely, runs = _seen(runs or _first(seen, noise, wander, tuning), index, seen, noise**2 / share, tuning)
            evidence += math.log(likely)
    return evidence, runs


def _first(seen: float, noise: float, wander: float, tuning: Tuning) -> tuple[Run, ...]:
    return (Run(1.0, seen, 0.0, noise**2 + tuning.step**2 / 4, 0.0, tuning.slope**2, 0, wander),)


def _seen(
    runs: tuple[Run, ...], index: int, seen: float, variance: float, tuning: Tuning
) -> tuple[float, tuple[Run, ...]]:
    before = sum(run.weight * run.level for run in runs)
    # A step changes the level and seldom the trend: the new run begins with the trend that there was.
    slope = sum(run.weight * run.slope for run in runs)
    doubt = min(tuning.slope**2, sum(run.weight * run.slope_variance for run in runs) + tuning.slope_change**2)
    fresh = Run(tuning.step_rate, before, slope, tuning.step**2, 0.0, doubt, index, runs[0].wander)
    stay = 1 - tuning.step_rate
    candidates = [_scaled(run, run.weight * stay) for run in runs] + [fresh]
    updated = [_updated(run, seen, variance, tuning) for run in candidates]
    kept = sorted(updated, key=lambda run: -run.weight)[:_MOST_RUNS]
    whole = sum(run.weight for run in kept)
    return whole, tuple(_scaled(run, run.weight / whole) for run in kept)


def _a_day_later(run: Run) -> Run:
    return Run(
        run.weight,
        run.level + run.slope,
        run.slope,
        run.level_variance + 2 * run.covariance + run.slope_variance + run.wander**2,
        run.covariance + run.slope_variance,
        run.slope_variance,
        run.begun,
        run.wander,
    )


def _updated(run: Run, seen: float, variance: float, tuning: Tuning) -> Run:
    """After a day, which is a usual one or a spike: the state moves by the probability that it is usual."""
    off = seen - run.level
    spread = run.level_variance + variance
    usual = (1 - tuning.spike_rate) * _density(off, spread)
    spike = tuning.spike_rate * _density(off, spread + tuning.spike**2)
    trust = usual / (usual + spike)
    to_level, to_slope = run.level_variance / spread, run.covariance / spread
    doubt = trust * (1 - trust) * off**2
    return Run(
        run.weight * (usual + spike),
        run.level + trust * to_level * off,
        run.slope + trust * to_slope * off,
        run.level_variance * (1 - trust * to_level) + doubt * to_level**2,
        run.covariance * (1 - trust * to_level) + doubt * to_level * to_slope,
        run.slope_variance - trust * to_slope * run.covariance + doubt * to_slope**2,
        run.begun,
        run.wander,
    )


def _density(off: float, variance: float) -> float:
    # The floor keeps a run alive that has met what it thought impossible: weights must not all become nothing.
    return max(1e-30, math.exp(-0.5 * off * off / variance) / math.sqrt(2 * math.pi * variance))


def _scaled(run: Run, weight: float) -> Run:
    return Run(
        weight,
        run.level,
        run.slope,
        run.level_variance,
        run.covariance,
        run.slope_variance,
        run.begun,
        run.wander,
    )
