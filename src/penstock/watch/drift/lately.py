"""How an assistant's last week and last day stand against what was before them: what the weekly view shows.

A look (`watching`) asks whether there is news.  Here people look at what is, told or not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from penstock.watch.drift.compare import DAY_H, WEEK_H
from penstock.watch.drift.course import value_of
from penstock.watch.drift.series import Piece, Series
from penstock.watch.drift.tally import Measure
from penstock.watch.drift.watching import Look, Watch, looks

_BEFORE = 8
"""So many windows before the last are shown."""


@dataclass(frozen=True, slots=True)
class Window:
    """`values` are of the windows before, the oldest first, and of this one; None where there was nothing.

    `look` is None where there is too little to compare.
    """

    hours: int
    exchanges: int
    values: Sequence[float | None]
    look: Look | None
    is_changed: bool


def lately(
    measure: Measure, pieces: Mapping[int, Piece], now: int, changes: Sequence[int], watch: Watch
) -> Iterator[Window]:
    """The week and the day that end with the hour `now`; `changes` are the hours, in order, since when there was one.

    A window is held against the level since the last change, as soon as there is a whole one between.  Until then it
    `is_changed`, and held against what was before: people are to see by how much.
    """
    series = Series(pieces)
    unchanged = None if changes else _looked(measure, series, now, (), watch)
    for hours in (WEEK_H, DAY_H):
        begin = now - hours
        shown = [series.over(end - hours, end) for end in range(now - _BEFORE * hours, now + 1, hours)]
        settled = [each for each in changes if each <= begin - hours]
        recent = changes[len(settled) :]
        looked = unchanged
        if looked is None:
            since = recent[0] if recent else begin
            before = Series({hour: piece for hour, piece in pieces.items() if not since <= hour < begin})
            looked = _looked(measure, before, now, settled, watch)
        look = looked.get(hours)
        is_changed = bool(recent) or (look is not None and look.is_off)
        values = [value_of(piece, measure.scale) for piece in shown]
        yield Window(hours, round(shown[-1].count), values, look, is_changed)


def _looked(measure: Measure, series: Series, now: int, breaks: Sequence[int], watch: Watch) -> dict[int, Look]:
    """By the hours of the span."""
    found = looks([(measure, series)], now, breaks, watch, every_span=True)
    return {each.span.hours: each for each, _ in found}
