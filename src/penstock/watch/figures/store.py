"""The figures' SQL: questions of the sums, over indexes on view and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from penstock.core.errors import MalformedRequest
from penstock.watch.figures.question import Question
from penstock.watch.figures.reading import Rows, rows_of
from penstock.watch.figures.sums import Sums, Times
from penstock.watch.rollups.batch import SUMS
from penstock.watch.rollups.tables import SUMS_OF_SERIES, TALLIES, TALLIES_OF_ALL
from penstock.watch.rollups.views import TALLIED

if TYPE_CHECKING:
    from penstock.watch.figures.adding import Histogram

_HISTOGRAMS: Final[dict[Times, tuple[str, str]]] = {
    "durations": ("durations", "duration_counts"),
    "firsts": ("firsts", "first_counts"),
}
_ONE_VIEW: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""Sums and times are of the same exchanges, whatever arrives meanwhile."""
_PLANNED: Final = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'; SET LOCAL cursor_tuple_fraction = 1"
"""Groups are made by a hash table, and rows of a cursor are all read: the planner guesses otherwise."""
_CURSOR: Final = "times"
_ROWS: Final = 500
"""So many at a time are added up, in some ten milliseconds."""
_COUNT: Final = SUMS[0]


@dataclass(frozen=True, slots=True)
class Line:
    """One group of one step: `at` is the step's beginning, None where there are none; `group` in the order asked."""

    at: datetime | None
    group: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True, slots=True)
class Tally:
    """How often `name` happened in the step that begins `at`, None where there are no steps."""

    at: datetime | None
    group: tuple[str, ...]
    name: str
    amount: int


_Query = tuple[sql.Composed, list[object]]


async def ask(connection: psycopg.AsyncConnection, question: Question) -> list[Line]:
    """The sums of each group with exchanges, in order of time and then of group.

    Where `connection` is in a transaction that is no repeatable read, times may be of exchanges that arrived since the
    sums were read.  Raises `MalformedRequest` and `psycopg.Error`.
    """
    is_alone = connection.info.transaction_status is TransactionStatus.IDLE
    async with connection.transaction():
        if is_alone:
            await connection.execute(_ONE_VIEW)
        await connection.execute(_PLANNED)
        lines = _Lines(question, await (await connection.execute(*_sums_query(question))).fetchall())
        if question.times:
            async with connection.cursor(_CURSOR, binary=True) as cursor:
                await cursor.execute(*_times_query(question))
                while rows := await cursor.fetchmany(_ROWS):
                    lines.add_times(rows)
    return lines.ordered()


def ask_now(connection: psycopg.Connection, question: Question) -> list[Line]:
    """As `ask`, for threads that have no event loop."""
    is_alone = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction():
        if is_alone:
            connection.execute(_ONE_VIEW)
        connection.execute(_PLANNED)
        lines = _Lines(question, connection.execute(*_sums_query(question)).fetchall())
        if question.times:
            with connection.cursor(_CURSOR, binary=True) as cursor:
                cursor.execute(*_times_query(question))
                while rows := cursor.fetchmany(_ROWS):
                    lines.add_times(rows)
    return lines.ordered()


async def ask_tallies(connection: psycopg.AsyncConnection, question: Question, prefixes: Sequence[str]) -> list[Tally]:
    """How often each thing whose name begins so happened: by tenant, assistant, release or outcome at most."""
    rows = await (await connection.execute(*_tally_query(question, prefixes))).fetchall()
    return [_tally(question, row) for row in rows]


def ask_tallies_now(connection: psycopg.Connection, question: Question, prefixes: Sequence[str]) -> list[Tally]:
    """As `ask_tallies`, for threads that have no event loop."""
    return [_tally(question, row) for row in connection.execute(*_tally_query(question, prefixes)).fetchall()]


def _sums_query(question: Question) -> _Query:
    rows = rows_of(question, SUMS_OF_SERIES, view=question.view.number)
    chosen, values = _chosen(question, view=question.view.number)
    keys = _keys(question, rows)
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys) + 1))
    query = sql.SQL(
        "SELECT {head}, {summed} FROM ({rows}) AS r JOIN rollup_series AS s ON s.id = r.series WHERE {chosen}"
        " GROUP BY {groups} HAVING {is_any}"
    ).format(
        head=sql.SQL(", ").join([sql.SQL("s.outcome"), *keys]),
        summed=sql.SQL(", ").join(rows.summed(name) for name in _summed_up(question)),
        rows=rows.query,
        chosen=chosen,
        groups=groups,
        is_any=rows.summed(_COUNT) + sql.SQL(" <> 0"),
    )
    return query, [*rows.arguments, *values]


def _times_query(question: Question) -> _Query:
    """What rows belong to, their sign, and their histograms: those of one time together, which is never too many."""
    # Imported here: numpy is ten megabytes and a twentieth of a start, which who asks for no times can do without.
    from penstock.watch.figures.adding import gathered  # noqa: PLC0415 - see above

    rows = rows_of(question, SUMS_OF_SERIES, view=question.view.number)
    chosen, values = _chosen(question, view=question.view.number)
    sign = sql.Identifier("r", "sign") if rows.is_signed else sql.SQL("1")
    keys = [*_keys(question, rows), sign, sql.SQL("r.at")]
    columns = [gathered(sql.Identifier("r", each)) for name in _asked(question) for each in _HISTOGRAMS[name]]
    query = sql.SQL("SELECT {} FROM ({}) AS r JOIN rollup_series AS s ON s.id = r.series WHERE {} GROUP BY {}").format(
        sql.SQL(", ").join([*keys, *columns]),
        rows.query,
        chosen,
        sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys))),
    )
    return query, [*rows.arguments, *values]


def _summed_up(question: Question) -> list[str]:
    """The exchanges first: outcomes are made of them."""
    return [name for name in SUMS if name == _COUNT or question.sums is None or name in question.sums]


def _asked(question: Question) -> list[Times]:
    return [name for name in _HISTOGRAMS if name in question.times]


def _tally_query(question: Question, prefixes: Sequence[str]) -> _Query:
    others = {*question.by, *question.filters} - set(TALLIED.dimensions)
    if others:
        raise MalformedRequest(f"What happened is not counted by {' and '.join(sorted(others))}.", field="by")
    is_of_all = not question.by and not question.filters
    rows = rows_of(question, TALLIES_OF_ALL if is_of_all else TALLIES, view=None)
    chosen, values = _chosen(question, view=None)
    keys = _keys(question, rows)
    groups = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(keys) + 1))
    query = sql.SQL(
        "SELECT r.name, {head}{amount} FROM ({rows}) AS r{whose} WHERE {chosen} AND r.name LIKE ANY(%s)"
        " GROUP BY {groups} HAVING {amount} <> 0 ORDER BY {groups}"
    ).format(
        head=sql.SQL("").join([each + sql.SQL(", ") for each in keys]),
        amount=rows.summed("amount"),
        rows=rows.query,
        whose=sql.SQL("" if is_of_all else " JOIN rollup_series AS s ON s.id = r.series"),
        chosen=chosen,
        groups=groups,
    )
    return query, [*rows.arguments, *values, [_like(prefix) for prefix in prefixes]]


def _like(prefix: str) -> str:
    for special in ("\\", "%", "_"):
        prefix = prefix.replace(special, "\\" + special)
    return prefix + "%"


def _chosen(question: Question, *, view: int | None) -> tuple[sql.Composed, list[object]]:
    terms: list[sql.Composable] = [sql.SQL("true")]
    arguments: list[object] = []
    if view is not None:
        terms.append(sql.SQL("s.view = %s"))
        arguments.append(view)
    for name, value in question.filters.items():
        terms.append(sql.SQL("s.{} = %s").format(sql.Identifier(name)))
        arguments.append(value)
    return sql.SQL(" AND ").join(terms), arguments


def _keys(question: Question, rows: Rows) -> list[sql.Composable]:
    """What is grouped by, besides the outcome or the name: the step first."""
    keys: list[sql.Composable] = [sql.SQL("s.{}").format(sql.Identifier(name)) for name in question.by]
    if question.step is None:
        return keys
    zone = sql.Literal(question.zone.key)
    return [sql.SQL("date_trunc({}, {}, {})").format(sql.Literal(question.step), rows.at, zone), *keys]


class _Lines:
    """The sums of each group, to which histograms are added."""

    def __init__(self, question: Question, rows: Sequence[tuple[Any, ...]]) -> None:
        self._has_step = question.step is not None
        self._width = width = len(question.by) + self._has_step
        self._asked = _asked(question)
        self._sums: dict[tuple[Any, ...], Sums] = {}
        self._times: dict[tuple[Any, ...], list[Histogram]] = {}
        names = _summed_up(question)
        unread = [name for name in SUMS if name not in names]
        for outcome, *rest in rows:
            key = tuple(rest[:width])
            sums = self._sums.get(key)
            if sums is None:
                sums = self._sums[key] = Sums()
                for name in unread:  # what nobody has read is not nought: whoever counts with it fails
                    setattr(sums, name, None)
            for name, amount in zip(names, rest[width:], strict=True):
                setattr(sums, name, getattr(sums, name) + amount)
            sums.outcomes[outcome] = sums.outcomes.get(outcome, 0) + rest[width]

    def add_times(self, rows: Sequence[tuple[Any, ...]]) -> None:
        from penstock.watch.figures.adding import Histogram  # noqa: PLC0415 - see `_times_query`

        width = self._width
        for row in rows:
            key = row[:width]
            if key not in self._sums:  # its first exchange has only just arrived
                continue
            histograms = self._times.get(key)
            if histograms is None:
                histograms = self._times[key] = [Histogram() for _ in self._asked]
            sign, _, *arrays = row[width:]
            for place, histogram in enumerate(histograms):
                histogram.add(arrays[2 * place], arrays[2 * place + 1], sign)

    def ordered(self) -> list[Line]:
        for key, histograms in self._times.items():
            for name, histogram in zip(self._asked, histograms, strict=True):
                setattr(self._sums[key], name, histogram.counts())
        return [
            Line(key[0] if self._has_step else None, tuple(key[self._has_step :]), sums)
            for key, sums in sorted(self._sums.items(), key=lambda item: item[0])
        ]


def _tally(question: Question, row: tuple[Any, ...]) -> Tally:
    name, *rest, amount = row
    has_step = question.step is not None
    return Tally(rest[0] if has_step else None, tuple(rest[has_step:]), name, amount)
