"""One feature over time, and how its values lay before a change and after it: what people look at.

Of a length the shape is that of exchanges, by octave, and of a tone the share of answers with each sign.  Of all else
sums hold no value of any one exchange, so that the shape is that of hours, each counting as its exchanges do: how far
hours lie apart is what a change is judged by.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.watch.drift.compare import DAY_H
from penstock.watch.drift.comparison import Scale
from penstock.watch.drift.series import Piece
from penstock.watch.drift.tally import FEATURES, Measure, Sums, added, least_of, measures_of

_BINS = 12
_WIDEST = 1e-9
Stretch = tuple[int, int]
"""From one hour up to another, which is not in it."""


@dataclass(frozen=True, slots=True)
class Side:
    """`value` as people read it: a mean share, or a geometric mean; None where there was nothing."""

    begin: int
    end: int
    count: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Values from `low` up to `high` (None: no end), and which share of each side lies there.

    Where there is a `name` it is a sign of a tone, and which share of each side has it.
    """

    low: float
    high: float | None
    before: float
    after: float
    name: str = ""


def value_of(piece: Piece, scale: Scale) -> float | None:
    if piece.count == 0:
        return None
    return math.exp(min(700.0, piece.mean)) if scale == "log" else piece.mean


def days(hours: Mapping[int, Sums], measure: Measure, begin: int, end: int) -> list[tuple[int, int, float | None]]:
    """The first hour of each day (UTC), its exchanges and its value; days without any are there too."""
    found: list[tuple[int, int, float | None]] = []
    for day in range(begin - begin % DAY_H, end, DAY_H) if begin < end else ():
        piece = _over(hours, measure, (max(day, begin), min(day + DAY_H, end)))
        found.append((day, round(piece.count), value_of(piece, measure.scale)))
    return found


def side(hours: Mapping[int, Sums], measure: Measure, stretch: Stretch) -> Side:
    piece = _over(hours, measure, stretch)
    return Side(*stretch, round(piece.count), value_of(piece, measure.scale))


def shape(hours: Mapping[int, Sums], feature: str, before: Stretch, after: Stretch) -> list[Bin]:
    """How the values of both sides lie; nothing where one of them is empty."""
    main, *others = measures_of(feature)
    match FEATURES[feature]:
        case "length":
            return _of_octaves(hours, others, before, after)
        case "tone":
            signs = _parts(hours, others, before, after)
            return [Bin(0.0, 1.0, *both, name=each.name) for each, both in zip(others, signs, strict=False)]
        case _:
            pass
    sides = [_hourly(hours, main, each) for each in (before, after)]
    if not all(sides):
        return []
    values = [value for each in sides for value, _ in each]
    low, high = min(values), max(values)
    width = max((high - low) / _BINS, _WIDEST)
    shares = [_shares(each, low, width) for each in sides]
    return [
        Bin(_plain(low + place * width, main), _plain(low + (place + 1) * width, main), *both)
        for place, both in enumerate(zip(*shares, strict=True))
    ]


def _of_octaves(hours: Mapping[int, Sums], octaves: Sequence[Measure], before: Stretch, after: Stretch) -> list[Bin]:
    lows = [0.0, *(float(least_of(place)) for place in range(1, len(octaves)))]
    parts = _parts(hours, octaves, before, after)
    return [Bin(low, high, *both) for low, high, both in zip(lows, [*lows[1:], None], parts, strict=False)]


def _parts(
    hours: Mapping[int, Sums], measures: Sequence[Measure], before: Stretch, after: Stretch
) -> list[tuple[float, float]]:
    """The share of each side's exchanges that each measure counts; nothing where one of the sides is empty."""
    sums = [_summed(hours, each) for each in (before, after)]
    first, second = sums
    if first is None or second is None or not first.count or not second.count:
        return []
    return [(first.totals[each.index] / first.count, second.totals[each.index] / second.count) for each in measures]


def _hourly(hours: Mapping[int, Sums], measure: Measure, stretch: Stretch) -> list[tuple[float, float]]:
    """Means on the scale that is compared on, each with its exchanges."""
    return [
        (piece.mean, piece.count)
        for hour, sums in hours.items()
        if stretch[0] <= hour < stretch[1] and (piece := sums.piece(measure.index)).count
    ]


def _shares(values: Sequence[tuple[float, float]], low: float, width: float) -> list[float]:
    whole = sum(count for _, count in values)
    found = [0.0] * _BINS
    for value, count in values:
        found[min(_BINS - 1, int((value - low) / width))] += count / whole
    return found


def _plain(value: float, measure: Measure) -> float:
    return math.exp(min(700.0, value)) if measure.scale == "log" else value


def _summed(hours: Mapping[int, Sums], stretch: Stretch) -> Sums | None:
    found: Sums | None = None
    for hour, sums in hours.items():
        if stretch[0] <= hour < stretch[1]:
            found = sums if found is None else added(found, sums)
    return found


def _over(hours: Mapping[int, Sums], measure: Measure, stretch: Stretch) -> Piece:
    found = Piece()
    for hour in range(*stretch):
        if hour in hours:
            found += hours[hour].piece(measure.index)
    return found
