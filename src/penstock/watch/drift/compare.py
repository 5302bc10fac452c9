"""Compares a window of exchanges with the like windows before it.

Exchanges of one window are alike (the same news, the same campaign, the same document), so that windows lie further
apart than their counts explain, and a test that takes exchanges for independent would alarm every day.  So the
yardstick is how far the windows of the reference lie apart: each of the same length and at the same hours of the day,
with the weekdays' pattern taken off, drawn in as far as the weeks bear it out (James and Stein 1961).  What lies
between windows and what lies between exchanges is told apart by moments (DerSimonian and Laird 1986), so that a window
with few exchanges is allowed more.  The score has Student's distribution, with the degrees of freedom that the
reference gives.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal, TypeAlias

from penstock.watch.drift.series import Series
from penstock.watch.drift.student import score_at, two_sided
from penstock.watch.drift.tuning import FITTED, Tuning

Scale: TypeAlias = Literal["share", "mean", "log"]
"""`share`: of exchanges of which something is so.  `mean`: of values from 0 to 1.  `log`: of an amount's logarithms."""

DAY_H, WEEK_H = 24, 168
_LEAST_CELLS = 7
_LATELY = 4
"""Weeks whose traffic says what is usual."""
_LEAST_FOR_WEEKDAYS = 14
_LEAST_PART = 0.05
"""Of the window's exchanges, which a window of the reference must have: a day of maintenance is no yardstick."""
_MOST_CORRELATION = 0.9
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


@dataclass(frozen=True, slots=True)
class Spread:
    """How far windows lie apart, as a variance without the exchanges' own; and how far each is like the one before."""

    variance: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`reference` is what was to be expected of this very window, as `current` is on the scale that is compared on.

    `chance` is that of so large a difference, or a larger one, where nothing has changed by more than matters, which
    is `slack`.
    """

    scale: Scale
    reference: float
    current: float
    deviation: float
    slack: float
    freedom: float
    chance: float
    count: int
    worth: float
    """As many exchanges as if none were like another."""
    spread: Spread

    @property
    def change(self) -> float:
        return self.current - self.reference

    @property
    def values(self) -> tuple[float, float]:
        """Reference and current as people read them: shares, or typical amounts."""
        return plain(self.reference, self.scale), plain(self.current, self.scale)

    def plain_interval(self, level: float = 0.95) -> tuple[float, float]:
        """The same of the change as people read it."""
        low, high = self.interval(level)
        base = plain(self.reference, self.scale)
        return plain(self.reference + low, self.scale) - base, plain(self.reference + high, self.scale) - base

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """In which the change lies with this probability."""
        half = score_at(1 - level, self.freedom) * self.deviation
        return self.change - half, self.change + half

    def beyond(self, below: float, above: float) -> tuple[float | None, float | None]:
        """The values, as people read them, below and above which the window's would have less than these chances.

        None where it cannot: a share that is next to nothing has nowhere to fall to.
        """
        low, high = (self.slack + score_at(chance, self.freedom) * self.deviation for chance in (below, above))
        low, high = self.reference - low, self.reference + high
        if self.scale == "log":
            return plain(low, self.scale), plain(high, self.scale)
        least, most = _compared(self.worth, 0.0, self.scale), _compared(self.worth, self.worth, self.scale)
        return (
            plain(low, self.scale) if low > least else None,
            plain(high, self.scale) if high < most else None,
        )


def plain(value: float, scale: Scale) -> float:
    """Back from the scale that is compared on."""
    if scale == "share":
        return math.sin(min(math.pi / 2, max(0.0, value))) ** 2
    if scale == "mean":
        return min(1.0, max(0.0, value))
    return math.exp(min(700.0, value))


def _compared(count: float, total: float, scale: Scale) -> float:
    """A mean, on a scale on which windows lie as far apart whatever it is.

    Of a share that is the arcsine of its root (Anscombe 1948): what seldom happens comes in bursts, and the share
    itself would have a long tail upwards.
    """
    if scale == "share":
        return math.asin(math.sqrt(min(1.0, (total + 0.375) / (count + 0.75))))
    return total / count


@dataclass(slots=True)
class _Cells:
    """The reference's windows, the newest first: means, counts, weekdays, and between which changes each lies."""

    means: list[float]
    counts: list[float]
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
    correlation = _correlation(rest)
    level, known, count = _level(cells, effects, part, span.gap)
    doubt = min(1.0, (1 + correlation) / (1 - correlation) / known) * between + own / count
    doubt += 6 * drawn_in * between / len(rest)
    reference = level + effects[_weekday(now - span.hours)]
    current = _compared(window.count, window.total, scale)
    change = current - reference
    doubt += (tuning.traffic * odd) ** 2 * own
    deviation = math.sqrt(between + own / window.count + doubt)
    slack = tuning.least * math.sqrt(own)
    freedom += weight
    chance = two_sided(max(0.0, abs(change) - slack) / deviation, freedom)
    spread = Spread(between, correlation)
    return Comparison(
        scale, reference, current, deviation, slack, freedom, chance, round(exchanges), window.count, spread
    )


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
        [_compared(of, values, scale) for of, values, _, _, _ in kept],
        [of for of, _, _, _, _ in kept],
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
