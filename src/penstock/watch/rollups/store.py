"""Writes the sums, in the transaction that writes the rows they are of, so that the two never differ.

Each row of the tables is added to where it is there; many shippers may do so at once, since all add in the same order
and each change waits for the one before.  The series that a batch belongs to are looked up in memory; what is new of
them is made first, in a transaction of its own: they are names, and a batch that is not written leaves some unused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import psycopg
from psycopg import sql

from penstock.watch.rollups.batch import SUMS, Batch, Cell, Table, Values
from penstock.watch.rollups.closing import reopen
from penstock.watch.rollups.tables import EVERY, SUMS_OF_SERIES, TALLIES
from penstock.watch.rollups.views import KEPT, MOST_VALUES, OTHER, TALLIED, Grain, Kept, View

_MOST_SERIES = 200_000
"""That are kept in memory, some 150 bytes each; beyond it, all are forgotten and looked up again."""
_LONG: Final = 4_000
"""Entries of a histogram from which it is summed up: it has 2,700 buckets at most, and as a rule a few hundred."""
_HISTOGRAMS: Final = ("durations", "duration_counts", "firsts", "first_counts")
_COLUMNS: Final = ("at", "series", "view", *SUMS, *_HISTOGRAMS)

_MAKE = (
    "CREATE TEMP TABLE IF NOT EXISTS rollup_arrivals (LIKE rollup_minutes) ON COMMIT DELETE ROWS;"
    "CREATE TEMP TABLE IF NOT EXISTS rollup_tally_arrivals (LIKE rollup_tally_minutes) ON COMMIT DELETE ROWS"
)
_COPY = sql.SQL("COPY rollup_arrivals ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
_COPY_TALLIES = "COPY rollup_tally_arrivals (at, series, name, amount) FROM STDIN"
_ADD_SERIES = sql.SQL(
    "INSERT INTO rollup_series (view, fingerprint, {}) SELECT {} ON CONFLICT (fingerprint) DO NOTHING"
).format(
    sql.SQL(", ").join(map(sql.Identifier, KEPT)),
    sql.SQL(", ").join([sql.SQL("%s")] * (2 + len(KEPT))),
)


def _merge(grain: Grain) -> sql.Composed:
    """Add what has arrived to the table.  In one order, so that no two shippers wait for each other."""
    sums = [sql.SQL("{0} = t.{0} + excluded.{0}").format(sql.Identifier(name)) for name in SUMS]
    # A histogram is put behind what is there: most stay short.  `compaction` sums up those that do not.
    sums += [sql.SQL("{0} = t.{0} || excluded.{0}").format(sql.Identifier(name)) for name in _HISTOGRAMS]
    return sql.SQL(
        "INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM rollup_arrivals ORDER BY series, at"
        " ON CONFLICT (series, at, view) DO UPDATE SET {sums}"
    ).format(
        table=sql.Identifier(getattr(SUMS_OF_SERIES, grain)),
        columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
        sums=sql.SQL(", ").join(sums),
    )


def compaction(grain: Grain, *, most: int = _LONG) -> sql.Composed:
    """Of the rows that were just added to, sum up the histograms that have grown long."""
    return sql.SQL(
        "UPDATE {table} AS t SET"
        " (durations, duration_counts) = (SELECT * FROM rollup_sum(t.durations, t.duration_counts)),"
        " (firsts, first_counts) = (SELECT * FROM rollup_sum(t.firsts, t.first_counts))"
        " FROM rollup_arrivals AS a WHERE t.series = a.series AND t.at = a.at AND t.view = a.view"
        " AND cardinality(t.durations) > {most}"
    ).format(table=sql.Identifier(getattr(SUMS_OF_SERIES, grain)), most=sql.Literal(most))


def _merge_tallies(grain: Grain) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {} AS t (at, series, name, amount)"
        " SELECT at, series, name, amount FROM rollup_tally_arrivals ORDER BY at, name, series"
        " ON CONFLICT (at, name, series) DO UPDATE SET amount = t.amount + excluded.amount"
    ).format(sql.Identifier(getattr(TALLIES, grain)))


_ORDER: Final[tuple[Grain, ...]] = ("minute", "hour")
_COMPACT: Final[dict[Grain, sql.Composed]] = {grain: compaction(grain) for grain in _ORDER}
_MERGE: Final[dict[Grain, sql.Composed]] = {grain: _merge(grain) for grain in _ORDER}
_MERGE_TALLIES: Final[dict[Grain, sql.Composed]] = {grain: _merge_tallies(grain) for grain in _ORDER}
_NO_TIMES: Final = "{}\t{}\t{}\t{}"


class RollupWriter:
    """Of one connection, which is in autocommit: first `prepare` a batch, then `write` it within its transaction."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._series: dict[tuple[int, Values], int] = {}
        self._known: dict[Kept, set[str]] = {name: set() for name in KEPT}
        connection.execute(_MAKE)
        for name, value in connection.execute("SELECT dimension, value FROM rollup_values").fetchall():
            if name in self._known:
                self._known[name].add(value)

    def prepare(self, batch: Batch) -> list[Table]:
        """What the tables are to grow by, with a series for each cell.  Raises `psycopg.Error`."""
        self._learn(batch.values())
        tables = batch.tables(self._bounded)
        self._name({(table.view.number, values): table.view for table in tables for _, values in table.cells})
        return tables

    def write(self, tables: Sequence[Table]) -> None:
        """Add them.  To be called within the transaction that writes what they are of."""
        reopen(self._connection, {at for table in tables if table.view.number == 0 for at, _ in table.cells})
        texts: dict[int, str] = {}
        for grain in _ORDER:
            of_grain = [table for table in tables if table.grain == grain]
            with self._connection.cursor() as cursor:
                with cursor.copy(_COPY) as copy:
                    for table in of_grain:
                        copy.write("".join(self._lines(table, texts)))
                cursor.execute(_MERGE[grain])
                cursor.execute(_COMPACT[grain])
                cursor.execute("DELETE FROM rollup_arrivals")
                tallies = "".join(line for table in of_grain for line in self._tally_lines(table))
                if tallies:
                    with cursor.copy(_COPY_TALLIES) as copy:
                        copy.write(tallies)
                    cursor.execute(_MERGE_TALLIES[grain])
                    cursor.execute("DELETE FROM rollup_tally_arrivals")

    def _learn(self, all_values: Iterable[Values]) -> None:
        """Make values known that are not, as long as there is room for more of their dimension."""
        fresh: dict[tuple[Kept, str], None] = {}
        for values in all_values:
            for name, value in zip(KEPT, values, strict=True):
                if value not in self._known[name]:
                    fresh[(name, value)] = None
        for name, value in fresh:
            known = self._known[name]
            if len(known) < MOST_VALUES[name]:
                self._connection.execute(
                    "INSERT INTO rollup_values (dimension, value) VALUES (%s, %s) ON CONFLICT DO NOTHING", (name, value)
                )
                known.add(value)

    def _bounded(self, values: Values) -> Values:
        pairs = zip(KEPT, values, strict=True)
        return tuple(value if value in self._known[name] else OTHER for name, value in pairs)

    def _name(self, wanted: Mapping[tuple[int, Values], View]) -> None:
        """See that there is a number for each of these series."""
        if len(self._series) > _MOST_SERIES:
            self._series.clear()
        missing = {
            _fingerprint(number, values): (view, values)
            for (number, values), view in wanted.items()
            if (number, values) not in self._series
        }
        if not missing:
            return
        found = self._find(missing)
        if len(found) < len(missing):
            added = [_row(mark, *missing[mark]) for mark in sorted(missing.keys() - found.keys())]
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.executemany(_ADD_SERIES, added)
            found = self._find(missing)
        for mark, number in found.items():
            view, values = missing[mark]
            self._series[(view.number, values)] = number

    def _find(self, marks: Iterable[bytes]) -> dict[bytes, int]:
        query = "SELECT fingerprint, id FROM rollup_series WHERE fingerprint = ANY(%s)"
        return {bytes(mark): number for mark, number in self._connection.execute(query, (list(marks),)).fetchall()}

    def _lines(self, table: Table, texts: dict[int, str]) -> Iterator[str]:
        """For COPY.  `texts` are what cells have as text: most stand for a minute and for its hour."""
        number, has_times = table.view.number, table.view.has_times
        times: dict[int, str] = {}
        for (at, values), cell in table.cells.items():
            text = texts.get(id(cell)) if has_times else None
            if text is None:
                text = _text(cell, has_times=has_times)
                if has_times:
                    texts[id(cell)] = text
            time = times.get(at)
            if time is None:
                time = times[at] = _time(at)
            yield f"{time}\t{self._series[(number, values)]}\t{number}\t{text}\n"

    def _tally_lines(self, table: Table) -> Iterator[str]:
        if table.view is TALLIED:
            for (at, values), cell in table.cells.items():
                series = self._series[(table.view.number, values)]
                for name, amount in cell.tallies.items():
                    yield f"{_time(at)}\t{series}\t{_escaped(name)}\t{amount}\n"


def _text(cell: Cell, *, has_times: bool) -> str:
    """A cell's sums and histograms."""
    sums = "\t".join(map(str, cell.sums))
    return f"{sums}\t{_arrays(cell.durations)}\t{_arrays(cell.firsts)}" if has_times else f"{sums}\t{_NO_TIMES}"


def empty(connection: psycopg.Connection) -> None:
    """Delete every sum and let nobody add one until the transaction ends; series and known values stay."""
    tables = sql.SQL(", ").join(map(sql.Identifier, EVERY))
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(tables))
    for name in EVERY:
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _arrays(counts: dict[int, int]) -> str:
    """A histogram as the two columns that it is kept in."""
    if len(counts) == 1:
        ((bucket, count),) = counts.items()
        return f"{{{bucket}}}\t{{{count}}}"
    buckets = sorted(counts)
    return "{" + ",".join(map(str, buckets)) + "}\t{" + ",".join([str(counts[each]) for each in buckets]) + "}"


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _fingerprint(view: int, values: Values) -> bytes:
    digest = blake2b(f"{view}".encode(), digest_size=16)
    for value in values:
        text = value.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(4, "big") + text)
    return digest.digest()


def _row(mark: bytes, view: View, values: Values) -> Sequence[object]:
    by_name = dict(zip(view.dimensions, values, strict=True))
    return (view.number, mark, *(by_name.get(name) for name in KEPT))
