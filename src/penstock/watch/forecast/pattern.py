"""The weekday pattern of a daily series and what is left of it: each day's logarithm without its weekday.

Ratio to a mean of seven days around (the classical decomposition), in logarithms so that a pattern is a proportion,
and robust: the middle of a weekday's ratios, drawn towards no pattern where there are few of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from penstock.watch.forecast.tuning import Tuning

FLOOR = 0.01
"""Of a usual day: added before a logarithm is taken, so that a day of nothing is a very small one."""
QUIET = 0.08
"""A weekday below this share of a usual day says nothing of the level: a closed office's Sunday."""
_MAD = 1.4826
_NEIGHBOURS = 3
_NEIGHBOURS_NOISE = 1.12
"""A day less the median of its six neighbours has this much more deviation than the day itself (measured)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """`effects` and `doubts` are by weekday, Monday first: logarithm of the proportion, and its deviation.

    `counts` are the days that each was seen on.  `rest` is each day's logarithm less its weekday's; None on a quiet
    weekday.  `noise` is the deviation of a usual day, `factors` are how far days lay off their neighbours, one each:
    spikes and holes are among them.
    """

    scale: float
    effects: tuple[float, ...]
    doubts: tuple[float, ...]
    counts: tuple[int, ...]
    quiet: tuple[tuple[float, ...] | None, ...]
    """By weekday: of a quiet one its days as parts of the days around."""
    rest: tuple[float | None, ...]
    noise: float
    factors: tuple[float, ...]


def pattern_of(days: Sequence[float | None], first_weekday: int, tuning: Tuning) -> Pattern:
    """The pattern of whole days, of which at least one is above nothing; None is a day that is not known."""
    scale = median(each for each in days if each is not None and each > 0)
    logs = [None if each is None else math.log(each / scale + FLOOR) for each in days]
    around = _around(_filled(days))
    ratios: list[list[float]] = [[] for _ in range(7)]
    parts: list[list[float]] = [[] for _ in range(7)]
    for index, (day, mean) in enumerate(zip(days, around, strict=True)):
        if day is not None and mean > 0:
            weekday = (first_weekday + index) % 7
            ratios[weekday].append(math.log((day + FLOOR * mean) / (mean * (1 + FLOOR))))
            parts[weekday].append(day / mean)
    quiet = tuple(tuple(each) if len(each) >= 2 and median(each) < QUIET else None for each in parts)
    noise = tuning.prior_noise
    effects, doubts = _drawn_in(ratios, noise, quiet, tuning)
    for _ in range(2):  # how far a pattern is trusted depends on the noise, which is seen without the pattern only
        rest = _rest(logs, first_weekday, effects, quiet)
        offsets = _offsets(rest)
        noise = _deviation(offsets, sum(map(bool, ratios)), tuning)
        effects, doubts = _drawn_in(ratios, noise, quiet, tuning)
    rest = _rest(logs, first_weekday, effects, quiet)
    offsets = _offsets(rest)
    return Pattern(
        scale=scale,
        effects=effects,
        doubts=doubts,
        counts=tuple(0 if is_quiet else len(each) for each, is_quiet in zip(ratios, quiet, strict=True)),
        quiet=quiet,
        rest=tuple(rest),
        noise=_deviation(offsets, sum(map(bool, ratios)), tuning),
        factors=tuple(offsets),
    )


def _filled(days: Sequence[float | None]) -> list[float]:
    """A day that is not known as the nearest known one of its weekday, or as all days in the mean."""
    known = [each for each in days if each is not None]
    found: list[float] = []
    for index, day in enumerate(days):
        alike = [(abs(index - at), days[at]) for at in range(index % 7, len(days), 7)]
        near = min(((far, each) for far, each in alike if each is not None), default=(0, sum(known) / len(known)))
        found.append(near[1] if day is None else day)
    return found


def _around(days: Sequence[float]) -> list[float]:
    """The mean of the seven days around each: every weekday is in it once.  At the ends, of the nearest seven."""
    count = len(days)
    if count < 7:
        whole = sum(days) / count
        return [whole] * count
    means = [sum(days[at : at + 7]) / 7 for at in range(count - 6)]
    return [means[min(max(index - 3, 0), count - 7)] for index in range(count)]


def _drawn_in(
    ratios: Sequence[Sequence[float]], noise: float, quiet: Sequence[object], tuning: Tuning
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Effects whose prior is no pattern, give or take `prior_weekday`."""
    prior, effects, doubts = tuning.prior_weekday**2, list[float](), list[float]()
    for each, is_quiet in zip(ratios, quiet, strict=True):
        known = len(each) * prior / (len(each) * prior + noise**2)
        effects.append(known * _middle(each) if each and is_quiet is None else 0.0)
        doubts.append(math.sqrt(prior * (1 - known)))
    return tuple(effects), tuple(doubts)


def _middle(values: Sequence[float]) -> float:
    """The mean without the lowest and highest fifth: nearly a mean's sharpness, and no single day moves it."""
    ordered = sorted(values)
    cut = len(ordered) // 5
    kept = ordered[cut : len(ordered) - cut]
    return sum(kept) / len(kept)


def _rest(
    logs: Sequence[float | None], first_weekday: int, effects: Sequence[float], quiet: Sequence[object]
) -> list[float | None]:
    weekdays = [(first_weekday + index) % 7 for index in range(len(logs))]
    return [
        None if log is None or quiet[weekday] is not None else log - effects[weekday]
        for log, weekday in zip(logs, weekdays, strict=True)
    ]


def _offsets(rest: Sequence[float | None]) -> list[float]:
    """Each day less the middle of its neighbours, of the days that count."""
    kept = [each for each in rest if each is not None]
    found: list[float] = []
    for index, day in enumerate(kept):
        low = max(0, min(index - _NEIGHBOURS, len(kept) - 2 * _NEIGHBOURS - 1))
        near = kept[low : low + 2 * _NEIGHBOURS + 1]
        others = [*near[: index - low], *near[index - low + 1 :]]
        if others:
            found.append((day - median(others)) / _NEIGHBOURS_NOISE)
    return found


def _deviation(offsets: Sequence[float], fitted: int, tuning: Tuning) -> float:
    """By the middle of the sizes, mixed with what is usual as if that had been seen on some days already."""
    if not offsets:
        return tuning.prior_noise
    count = len(offsets)
    seen = _MAD * median(map(abs, offsets)) * math.sqrt(count / max(1, count - fitted + 1) if count > fitted else 2.0)
    weight = tuning.prior_noise_days
    mixed = (count * seen**2 + weight * tuning.prior_noise**2) / (count + weight)
    return max(tuning.least_noise, math.sqrt(mixed))
