"""Compares a window of exchanges with the like windows before it.

Exchanges of one window are alike (the same news, the same campaign, the same document), so that windows lie further
apart than their counts explain, and a test that takes exchanges for independent would alarm every day.  So the
yardstick is how far the windows of the reference lie apart: each of the same length and at the same hours of the day,
with the weekdays' pattern taken off, drawn in as far as the weeks bear it out (James and Stein 1961).  What lies
between windows and what lies between exchanges is told apart by moments (DerSimonian and Laird 1986), so that a window
with few exchanges is allowed more.  The score has Student's distribution, with the degrees of freedom that the
reference gives.  Where a day is like the one before it, it is also held against what that one leads to expect
(autoregression of the first order), which is surer than the level.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from penstock.watch.drift.comparison import Comparison, Expected, Memory, Scale, Spread, on_scale
from penstock.watch.drift.series import Series
from penstock.watch.drift.tuning import FITTED, Tuning

DAY_H, WEEK_H = 24, 168
_LEAST_CELLS = 7
_LATELY = 4
"""Weeks whose traffic says what is usual."""
_LEAST_FOR_WEEKDAYS = 14
_LEAST_PART = 0.05
"""Of the window's exchanges, which a window of the reference must have: a day of maintenance is no yardstick."""
_MOST_CORRELATION = 0.9
_LEAST_FOR_MEMORY = 14
_LEAST_LEFT = 0.3
"""Of an offset, a window later: less of it explains less than a tenth of what windows lie apart by."""
_LEAST_VARIANCE = 1e-9
_NO_EFFECTS = [0.0] * 7


@dataclass(frozen=True, slots=True)
class Span:
    """A window of so many hours, compared with those of the reference that end `every` so many hours earlier."""

    hours: int
    every: int
    budget: float
    """The part of the false alarms that it may make."""
    step: int
    """It is looked at every so many hours."""
    gap: int = 0
    """So many windows before it have no say in the level, where there are others: what comes slowly is in them too."""


SPANS = (Span(6, DAY_H, 0.05, step=2), Span(DAY_H, DAY_H, 0.75, step=2), Span(WEEK_H, WEEK_H, 0.2, step=DAY_H, gap=2))
"""Large changes are seen within hours, changes that matter within a day, slow ones by the week."""
FIRST_H = min(_LEAST_CELLS * span.every + span.hours for span in SPANS if span.hours < WEEK_H)
"""So many hours after its first exchange an assistant can be judged at all."""


@dataclass(slots=True)
class _Cells:
    """The reference's windows, the newest first: means, counts, ends, weekdays, and between which changes each lies."""

    means: list[float]
    counts: list[float]
    ends: list[int]
    weekdays: list[int]
    parts: list[int]
    own: float
    """The variance of one exchange's value within them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a window is held against: up to so many `weeks` before it.

    `breaks` are hours, in order, at which the series is known to have changed: the level is that since the last one,
    and how far windows lie apart is what it was in all parts.  `prior` is what shorter windows say of that.  A window
    with fewer exchanges than `least_count` says nothing.
    """

    weeks: int = 8
    least_count: int = 50
    breaks: Sequence[int] = ()
    prior: Spread | None = None


def compare(
    series: Series, now: int, span: Span, scale: Scale, against: Reference, *, tuning: Tuning = FITTED
) -> Comparison | None:
    """The window that ends with the hour `now`, which is not in it; None while there is too little to compare."""
    exchanges = series.over(now - span.hours, now).count
    part = _part(against.breaks, now - span.hours, now)
    prior = against.prior
    if exchanges < against.least_count or part is None:
        return None
    odd = _odd_traffic(series, now, span, exchanges)
    series = series.evened(tuning.alike)
    window = series.over(now - span.hours, now)
    cells = _cells(series, now, span, against, least=max(1.0, _LEAST_PART * window.count), scale=scale)
    if len(cells.means) < (_LEAST_CELLS if prior is None else 2) or part not in cells.parts:
        return None
    own = cells.own
    effects, drawn_in = _weekdays(cells) if span.every == DAY_H else (_NO_EFFECTS, 0.0)
    rest, levels = _rest(cells, effects)
    rest = _level_only(rest, cells.parts)
    freedom = max(1.0, len(rest) - len(levels) - 1 - 6 * drawn_in)
    seen = sum(each * each for each in rest) / freedom
    between = max(0.0, seen - own * sum(1 / count for count in cells.counts) / len(rest))
    weight = tuning.prior_cells
    usual = prior.variance if prior is not None else tuning.prior**2 * own
    between = (freedom * between + weight * usual) / (freedom + weight)
    spread = Spread(between, _correlation(rest))
    level, known, count = _level(cells, effects, part, span.gap)
    effect = effects[_weekday(now - span.hours)]
    doubts = _Doubts(
        between + own / window.count,
        min(1.0, (1 + spread.correlation) / (1 - spread.correlation) / known) * between + own / count,
        6 * drawn_in * between / len(rest) + (tuning.traffic * odd) ** 2 * own,
    )
    # Of a day alone: a window of six hours is not right behind the one of the day before, and weeks are few.
    is_near = span.hours == span.every == DAY_H and cells.ends[0] == now - DAY_H and cells.parts[0] == part
    return Comparison(
        scale=scale,
        current=on_scale(window.count, window.total, scale),
        level=Expected(level + effect, math.sqrt(doubts.window + doubts.level + doubts.more)),
        memory=_memory(cells, effects, spread, (level, effect), doubts) if is_near else None,
        slack=tuning.least * math.sqrt(own),
        freedom=freedom + weight,
        count=round(exchanges),
        worth=window.count,
        spread=spread,
    )


@dataclass(frozen=True, slots=True)
class _Doubts:
    """Variances: of a window as they lie, of the level as far as it is known, and of weekdays and odd traffic."""

    window: float
    level: float
    more: float


def _memory(
    cells: _Cells, effects: Sequence[float], spread: Spread, expected: tuple[float, float], doubts: _Doubts
) -> Memory | None:
    """What the newest of the windows leads to expect of the next, beyond its level and its weekday's effect.

    As much is left of an offset as the reference bears out (James and Stein), and the further off the newest is, the
    less sure that is.  None where it is next to nothing.
    """
    count = len(cells.means)
    if count < _LEAST_FOR_MEMORY or not spread.correlation:
        return None
    usual = spread.variance + cells.own * sum(1 / each for each in cells.counts) / count
    near = spread.variance + cells.own / cells.counts[0]
    # Exchanges of one day say nothing of those of the next, so that no more can be left than what days lie apart by.
    shared = min((spread.correlation - 1 / (count * spread.correlation)) * usual, _MOST_CORRELATION * spread.variance)
    left = shared / near
    if left < _LEAST_LEFT:
        return None
    level, effect = expected
    offset = cells.means[0] - effects[cells.weekdays[0]] - level
    unsure = (1 - left**2) / count * offset**2
    variance = doubts.window - shared * left + (1 - left) ** 2 * doubts.level + doubts.more + unsure
    return Memory(left, Expected(level + effect + left * offset, math.sqrt(variance)))


def over_a_week(day: Comparison | None) -> Spread | None:
    """What days say of how far weeks lie apart: the variance of a mean of seven like each other as these are."""
    if day is None:
        return None
    ratio = (1 + day.spread.correlation) / (1 - day.spread.correlation)
    return Spread(day.spread.variance * min(1.0, ratio / 7), 0.0)


def _odd_traffic(series: Series, now: int, span: Span, exchanges: float) -> float:
    """How far the window's traffic is from the usual one, as a logarithm: on a holiday others ask, and fewer."""
    every = max(span.every, WEEK_H)
    counts, _, _ = series.before(now, span.hours, every, _LATELY)
    if len(counts) < _LATELY:
        counts, _, _ = series.before(now, span.hours, span.every, _LATELY * every // span.every)
    some = [count for count in counts if count]
    return math.log(exchanges / median(some)) if some else 0.0


def _cells(series: Series, now: int, span: Span, against: Reference, *, least: float, scale: Scale) -> _Cells:
    """One that has a change within is left out, and one with too few exchanges."""
    counts, totals, squares = series.before(now, span.hours, span.every, against.weeks * WEEK_H // span.every)
    ends = range(now - span.every, now - (len(counts) + 1) * span.every, -span.every)
    breaks = against.breaks
    parts = [_part(breaks, end - span.hours, end) for end in ends] if breaks else [0] * len(counts)
    kept = [
        (count, total, square, end, part)
        for count, total, square, end, part in zip(counts, totals, squares, ends, parts, strict=True)
        if part is not None and count >= least
    ]
    off = sum(square - total * total / count for count, total, square, _, _ in kept)
    count, total = sum(each[0] for each in kept), sum(each[1] for each in kept)
    return _Cells(
        [on_scale(of, values, scale) for of, values, _, _, _ in kept],
        [of for of, _, _, _, _ in kept],
        [end for _, _, _, end, _ in kept],
        [_weekday(end - span.hours) for _, _, _, end, _ in kept],
        [part for _, _, _, _, part in kept],
        _own_variance(count, total, off, scale) if count else 0.0,
    )


def _own_variance(count: float, total: float, off: float, scale: Scale) -> float:
    """Of one exchange, on the scale that is compared on; `off` is the sum of its squares within the windows."""
    if scale == "log":
        return max(_LEAST_VARIANCE, off / count)
    share = (total + 0.375) / (count + 0.75)
    # One that was never anything but 0 or 1 is still taken for one that might have been, once.
    variance = max(off / count, min(share * (1 - share), 0.5 / count))
    return variance if scale == "mean" else variance / (4 * share * (1 - share))


def _part(breaks: Sequence[int], begin: int, end: int) -> int | None:
    """Between which changes a window lies; None where one is within."""
    first = bisect_right(breaks, begin)
    return first if first == bisect_right(breaks, end - 1) else None


def _weekday(hour: int) -> int:
    return hour // DAY_H % 7


def _weekdays(cells: _Cells) -> tuple[list[float], float]:
    """By how much each weekday lies off, and how far that is trusted, from 0 to 1."""
    if len(cells.means) < _LEAST_FOR_WEEKDAYS:
        return _NO_EFFECTS, 0.0
    rest, _ = _rest(cells, _NO_EFFECTS)
    sums, counts = [0.0] * 7, [0] * 7
    for weekday, off in zip(cells.weekdays, rest, strict=True):
        sums[weekday] += off
        counts[weekday] += 1
    means = [total / count if count else 0.0 for total, count in zip(sums, counts, strict=True)]
    outer = sum(total * mean for total, mean in zip(sums, means, strict=True))
    inner = (sum(off * off for off in rest) - outer) / max(1, len(rest) - 7)
    drawn_in = max(0.0, 1 - 6 * inner / outer) if outer > 0 else 0.0
    return [drawn_in * mean for mean in means], drawn_in


def _rest(cells: _Cells, effects: Sequence[float]) -> tuple[list[float], dict[int, float]]:
    """Each window less its weekday's effect and the level of its part; and these levels."""
    flat = [mean - effects[weekday] for mean, weekday in zip(cells.means, cells.weekdays, strict=True)]
    if len(set(cells.parts)) == 1:
        level = sum(flat) / len(flat)
        return [each - level for each in flat], {cells.parts[0]: level}
    levels = {
        part: sum(each for each, of in zip(flat, cells.parts, strict=True) if of == part) / cells.parts.count(part)
        for part in set(cells.parts)
    }
    return [each - levels[part] for each, part in zip(flat, cells.parts, strict=True)], levels


def _level_only(rest: Sequence[float], parts: Sequence[int]) -> list[float]:
    """Without what is a steady slope in all parts: a slow change must not make windows look as if they lay apart."""
    by_part = {part: [place for place, of in enumerate(parts) if of == part] for part in set(parts)}
    middles = {part: sum(places) / len(places) for part, places in by_part.items()}
    places = [place - middles[part] for place, part in enumerate(parts)]
    whole = sum(place * place for place in places)
    slope = sum(place * each for place, each in zip(places, rest, strict=True)) / whole if whole else 0.0
    return [each - slope * place for place, each in zip(places, rest, strict=True)]


def _level(cells: _Cells, effects: Sequence[float], part: int, gap: int) -> tuple[float, int, float]:
    """The mean of the windows of a part, how many they are, and of how many exchanges."""
    of_part = [place for place, of in enumerate(cells.parts) if of == part]
    chosen = of_part[gap:] if len(of_part) >= 2 * gap else of_part
    level = sum(cells.means[place] - effects[cells.weekdays[place]] for place in chosen) / len(chosen)
    return level, len(chosen), sum(cells.counts[place] for place in chosen)


def _correlation(rest: Sequence[float]) -> float:
    whole = sum(each * each for each in rest)
    if not whole:
        return 0.0
    return min(_MOST_CORRELATION, max(0.0, sum(a * b for a, b in pairwise(rest)) / whole))
