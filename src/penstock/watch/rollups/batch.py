"""Adds the records of one batch up, before the database is asked anything: one cell for each series and time.

A record is added to one cell only, that of all its dimensions and its minute; the cells of the other views, and of the
hours, are then made of those, which are fewer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from operator import add, itemgetter
from typing import Final, NamedTuple, TypeAlias

from penstock.watch.rollups.histogram import bucket_of
from penstock.watch.rollups.notes import Note
from penstock.watch.rollups.pricing import pricing_of
from penstock.watch.rollups.views import GRAINS, KEPT, NONE, VIEWS, Grain, View
from penstock.watch.row import LedgerRow

_MINUTE_S = GRAINS["minute"]
_HOUR_S = GRAINS["hour"]

SUMS: Final = (
    "exchanges",
    "attempts",
    "failed_attempts",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nanousd",
    "unknown_costs",
    "estimated",
    "saved_cache_nanousd",
    "saved_routing_nanousd",
    "saved_compaction_nanousd",
    "saved_prompt_cache_nanousd",
    "cache_hits",
    "cache_misses",
    "duration_us",
    "first_events",
    "first_event_us",
)
"""Columns of the tables, in this order, each a sum."""
_MOST: Final = 10**13
"""Of one record, in any sum: ten thousand dollars, ten million million tokens.  What claims more is counted as that, so
that no sum can leave the database's numbers, which would hold the ledger up."""

Values: TypeAlias = tuple[str, ...]
"""Of dimensions, in the order in which they stand in the view, or among all."""


@dataclass(slots=True)
class Cell:
    """`sums` are in the order of `SUMS`; the histograms count by bucket, the tallies by name."""

    sums: list[int] = field(default_factory=lambda: [0] * len(SUMS))
    durations: dict[int, int] = field(default_factory=dict[int, int])
    firsts: dict[int, int] = field(default_factory=dict[int, int])
    tallies: dict[str, int] = field(default_factory=dict[str, int])

    def include(self, other: "Cell") -> None:
        self.sums = list(map(add, self.sums, other.sums))
        for mine, theirs in ((self.durations, other.durations), (self.firsts, other.firsts)):
            for bucket, count in theirs.items():
                mine[bucket] = mine.get(bucket, 0) + count
        if other.tallies:
            _add_tallies(self.tallies, other.tallies)

    def copied(self) -> "Cell":
        return Cell(self.sums, dict(self.durations), dict(self.firsts), dict(self.tallies))


def _add_tallies(counts: dict[str, int], others: Mapping[str, int]) -> None:
    for name, count in others.items():
        counts[name] = counts.get(name, 0) + count


Cells: TypeAlias = dict[tuple[int, Values], Cell]
"""By the beginning of their minute or hour, in Unix seconds, and the values of their view's dimensions."""


class Table(NamedTuple):
    """What one view's sums of one grain are to grow by."""

    grain: Grain
    view: View
    cells: Cells


class Batch:
    """`add` each record once; then `cells` is what the tables are to grow by."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: dict[tuple[int, Values], Cell] = {}

    def add(self, row: LedgerRow, note: Note) -> None:
        minute = int(row.started_at // _MINUTE_S)
        key = (
            minute,
            (
                row.tenant,
                row.project or NONE,
                row.key,
                row.model,
                row.release or NONE,
                row.target or NONE,
                row.feature or NONE,
                row.region or NONE,
                row.outcome,
                pricing_of(row, note),
            ),
        )
        sums = _sums(row, note)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = Cell(sums)
        else:
            cell.sums = list(map(add, cell.sums, sums))
        bucket = bucket_of(row.duration_s)
        cell.durations[bucket] = cell.durations.get(bucket, 0) + 1
        if row.first_event_s is not None:
            bucket = bucket_of(row.first_event_s)
            cell.firsts[bucket] = cell.firsts.get(bucket, 0) + 1
        if note.tallies:
            _add_tallies(cell.tallies, note.tallies)

    def values(self) -> Iterator[Values]:
        """Those of every dimension, in the order of `KEPT`, each set of them once for each of its minutes."""
        return (values for _, values in self._cells)

    def tables(self, known: Callable[[Values], Values]) -> list[Table]:
        """Everything added up.  `known` gives values as they are to be kept: those beyond the most, other.

        A cell that stands for a minute and for its hour is one and the same object.
        """
        minutes = _merged(((minute * _MINUTE_S, known(values)), cell) for (minute, values), cell in self._cells.items())
        found: list[Table] = []
        for view, cells in _by_view(minutes):
            if "minute" in view.grains:
                found.append(Table("minute", view, cells))
            hours = _merged(((at - at % _HOUR_S, values), cell) for (at, values), cell in cells.items())
            found.append(Table("hour", view, hours))
        return found


def _merged(cells: Iterable[tuple[tuple[int, Values], Cell]]) -> Cells:
    """A cell that is alone at its place is that one itself, not a copy: most are."""
    merged: Cells = {}
    made: set[tuple[int, Values]] = set()
    for key, cell in cells:
        there = merged.get(key)
        if there is None:
            merged[key] = cell
            continue
        if key not in made:
            made.add(key)
            there = merged[key] = there.copied()
        there.include(cell)
    return merged


def _by_view(whole: Cells) -> Iterator[tuple[View, Cells]]:
    """Each view's cells, those first that others are made of."""
    found: dict[int, Cells] = {}
    for view in reversed(VIEWS):
        source = KEPT if view.of is None else VIEWS[view.of].dimensions
        pick = _picker([source.index(each) for each in view.dimensions])
        made_of = whole if view.of is None else found[view.of]
        cells = found[view.number] = _merged(((at, pick(values)), cell) for (at, values), cell in made_of.items())
        yield view, cells


def _picker(places: Sequence[int]) -> Callable[[Values], Values]:
    if len(places) == 1:
        return lambda values: (values[places[0]],)
    return itemgetter(*places)


def _sums(row: LedgerRow, note: Note) -> list[int]:
    """In the order of `SUMS`."""
    cost = row.cost_nanousd
    first_s = row.first_event_s
    sums = [
        1,
        row.attempts,
        note.failed_attempts,
        row.input_tokens,
        row.output_tokens,
        row.cache_read_tokens,
        row.cache_write_tokens,
        row.reasoning_tokens,
        0 if cost is None else cost,
        1 if cost is None else 0,
        1 if row.usage_accuracy == "estimated" else 0,
        note.saved_cache,
        note.saved_routing,
        note.saved_compaction,
        note.saved_prompt_cache,
        note.cache_hits,
        note.cache_misses,
        _microseconds(row.duration_s),
        0 if first_s is None else 1,
        0 if first_s is None else _microseconds(first_s),
    ]
    if max(sums) > _MOST or min(sums) < -_MOST:
        return [min(max(amount, -_MOST), _MOST) for amount in sums]
    return sums


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6) if isfinite(seconds) else 0
