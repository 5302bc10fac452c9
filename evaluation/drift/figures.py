"""Single figures by the hour (requests, errors, spend), judged point by point; and spikes and holes put into them."""

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from evaluation.drift.measure import WORKERS
from evaluation.drift.traffic import Numbers
from penstock.watch.drift.anomaly import Looks, judge

_WEEKS = 8
"""Before the first judgement: as much as a rule would be given."""
LOOSE = Looks(false_alarms=1.0, figures=1)
TIMES: dict[str, float] = {"none at all": 0.0, "half": 0.5, "twice": 2.0, "four times": 4.0}


@dataclass(frozen=True, slots=True)
class Figure:
    """What was judged of one: points, alarms within the budget, and alarms where one a week is allowed to each."""

    points: int
    alarms: int
    loose: int
    found: dict[str, tuple[int, int]]
    """By what was done to a point: how often it was seen, of how many."""


def figure(seed: int, weeks: int) -> Figure:
    rng = np.random.default_rng([seed, 41])
    hours = (_WEEKS + weeks) * 168
    at: Numbers = np.arange(hours, dtype=float)
    mean = math.exp(rng.uniform(math.log(5), math.log(3000)))
    peak = float(rng.uniform(10, 16))
    shape: Numbers = 0.15 + np.exp(2.0 * (np.cos((at % 24 - peak) / 24 * 2 * np.pi) - 1))
    shape = shape * np.where(at // 24 % 7 >= 5, rng.uniform(0.2, 0.9), 1.0)
    level = 0.0
    noise: Numbers = np.zeros(hours)
    for hour in range(hours):
        level = 0.7 * level + 0.7 * rng.standard_t(5) * 0.77
        noise[hour] = level
    expected: Numbers = mean * shape / shape.mean() * np.exp(rng.uniform(0.05, 0.25) * noise)
    values = [float(rng.poisson(float(each))) for each in expected]
    series = [(hour * 3600.0, value) for hour, value in enumerate(values)]
    alarms = loose = points = 0
    found: dict[str, tuple[int, int]] = dict.fromkeys(TIMES, (0, 0))
    for hour in range(_WEEKS * 168, hours):
        past = series[max(0, hour - _WEEKS * 168) : hour + 1]
        points += 1
        alarms += judge(past, past[-1][0]).is_anomalous
        loose += judge(past, past[-1][0], looks=LOOSE).is_anomalous
        if hour % 29 == 0:
            for name, times in TIMES.items():
                moved = [*past[:-1], (past[-1][0], float(rng.poisson(times * past[-1][1])))]
                seen, tried = found[name]
                found[name] = (seen + judge(moved, moved[-1][0]).is_anomalous, tried + 1)
    return Figure(points, alarms, loose, found)


def all_figures(seeds: Sequence[int], weeks: int) -> list[Figure]:
    with ProcessPoolExecutor(WORKERS) as pool:
        return list(pool.map(figure, seeds, [weeks] * len(seeds)))
