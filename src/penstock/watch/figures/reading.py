"""Which rows of the sums a question is answered from: the fewest that are whole.

Of a long time those of closed months (`rollups.closing`), then of closed days, then of hours; all in one statement, so
that what is closed or reopened meanwhile is seen as it was before, or as it is after.

A closed day is one of UTC.  Where days of another zone are asked for, whose midnight is a few hours away, it is taken
for the zone's day in which most of it lies; the hours on the other side of midnight are taken off that one again and
added to the day beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString, TypeAlias
from zoneinfo import ZoneInfo

from psycopg import sql

from penstock.watch.figures.question import Question, Step
from penstock.watch.rollups.tables import Tables
from penstock.watch.rollups.views import Dimension

_ASKED: LiteralString = "WITH asked AS (SELECT %s::timestamptz AS since, %s::timestamptz AS until), "
_CLOSED: LiteralString = """
    months AS MATERIALIZED (
        SELECT at FROM rollup_whole, asked WHERE {has_months} AND grain = 'month' AND at >= since
            AND (at AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC' <= until
    ), days AS MATERIALIZED (
        SELECT at FROM rollup_whole, asked WHERE grain = 'day' AND at >= since AND at + interval '24 hours' <= until
            AND date_trunc('month', at, 'UTC') NOT IN (SELECT at FROM months) AND {is_whole}
    ), """
_IN_ONE_MONTH: LiteralString = (
    "date_trunc('month', at, {zone}) = date_trunc('month', at + interval '24 hours' - interval '1 second', {zone})"
)
_HOURS: LiteralString = """
    hours AS MATERIALIZED (
        SELECT at FROM asked, generate_series(since, until - interval '1 hour', '1 hour') AS at
        WHERE date_trunc('day', at, 'UTC') NOT IN (SELECT at FROM days) AND {is_open}
    )
"""
_IN_NO_MONTH: Final = sql.SQL("date_trunc('month', at, 'UTC') NOT IN (SELECT at FROM months)")
_NEAR: LiteralString = """
    closed AS (
        SELECT at, {midnight} AS midnight FROM rollup_whole, asked
        WHERE grain = 'day' AND at >= since AND at + interval '24 hours' <= until
    ), days AS MATERIALIZED (
        SELECT at, midnight FROM closed WHERE date_trunc('hour', midnight, 'UTC') = midnight
            AND (midnight <= at OR least(midnight - at, at + interval '24 hours' - midnight) <= {near})
    ), edges AS MATERIALIZED (
        SELECT hour AS at FROM days, generate_series(at, at + interval '23 hours', '1 hour') AS hour
        WHERE midnight > at AND (hour < midnight) = (midnight - at <= {near})
    ), """
"""`edges` are the hours of closed days on the shorter side of the zone's midnight."""
_MIDNIGHT: Final = "date_trunc('day', {day} + interval '24 hours' - interval '1 second', {zone})"
"""Where the zone's day begins in which the day of UTC ends: within that, or at its beginning, or before."""
_MOSTLY: Final = "CASE WHEN {midnight} - {day} <= {near} THEN greatest({midnight}, {day}) ELSE {day} END"
"""A moment of the zone's day in which most of the day of UTC lies."""
_NEAR_IS: Final = sql.SQL("interval '6 hours'")
_BOTH_WAYS: Final = """
    SELECT c.*, v.moment, v.sign FROM ({of}) AS c
        CROSS JOIN LATERAL (VALUES (c.at, 1), ({mostly_of_its_day}, -1)) AS v (moment, sign)
"""
_FROM: Final = sql.SQL("{}at = ANY(ARRAY(SELECT at FROM {}))")
_BETWEEN: Final = sql.SQL("{}at >= %s AND at < %s")
_FEW: Final[frozenset[Dimension]] = frozenset({"tenant", "project", "key"})
"""One value of these has a small part of a view's series."""
_UTC: Final = ZoneInfo("UTC")
_Grain: TypeAlias = Literal["minute", "hour", "day", "month"]
_PARTS: Final[tuple[tuple[_Grain, LiteralString], ...]] = (("month", "months"), ("day", "days"), ("hour", "hours"))
"""Grains, and what of them is chosen."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A query of rows with its arguments.

    Where `is_signed`, a row has a `sign`, by which whatever it counts is multiplied, and a `moment`: it counts for the
    step in which that lies.  Elsewhere it counts for the step of its `at`.
    """

    query: sql.Composed
    arguments: list[object]
    is_signed: bool = False

    @property
    def at(self) -> sql.SQL:
        """What of a row `r` says for which step it counts."""
        return sql.SQL("r.moment") if self.is_signed else sql.SQL("r.at")

    def summed(self, name: str) -> sql.Composed:
        """The sum of a column of rows `r`."""
        times = sql.SQL(" * r.sign" if self.is_signed else "")
        return sql.SQL("sum(r.{}{})::bigint").format(sql.Identifier(name), times)


def rows_of(question: Question, tables: Tables, *, view: int | None) -> Rows:
    """What answers it: rows of one view, or of tables that have none."""
    since, until = question.aligned()
    chosen = of_view(view, question.filters)
    if question.grain == "minute":
        return Rows(_BETWEEN.format(_rows(tables, "minute", chosen)), [since, until])
    return rows_of_hours((since, until), tables, chosen, step=question.step, zone=question.zone)


def rows_of_hours(
    span: tuple[datetime, datetime],
    tables: Tables,
    chosen: sql.Composed,
    *,
    step: Step | None = None,
    zone: ZoneInfo = _UTC,
) -> Rows:
    """Those of whole hours, whatever their number, for steps of hours and longer ones.

    `chosen` begins their terms, and ends with AND if there is any.
    """
    if step == "hour":
        return Rows(_BETWEEN.format(_rows(tables, "hour", chosen)), [*span])
    is_utc = zone.key == "UTC"
    if step == "day" and not is_utc:
        return Rows(sql.SQL(_ASKED) + _near(zone, tables, chosen), [*span], is_signed=True)
    is_whole = sql.SQL("true")
    if step == "month" and not is_utc:
        is_whole = sql.SQL(_IN_ONE_MONTH).format(zone=sql.Literal(zone.key))
    has_months = step is None or (step == "month" and is_utc)
    return Rows(sql.SQL(_ASKED) + _whole(tables, chosen, has_months=has_months, is_whole=is_whole), [*span])


def of_view(view: int | None, filters: Mapping[Dimension, str]) -> sql.Composed:
    """Of one tenant the numbers of its series first: its rows are found by them, not among those of all tenants."""
    if view is None:
        return sql.Composed([])
    chosen = sql.SQL("view = {} AND ").format(sql.Literal(view))
    if filters.keys() & _FEW:
        series = sql.SQL(" AND ").join([sql.SQL("view = {}").format(sql.Literal(view)), *terms_of(filters)])
        chosen += sql.SQL("series = ANY(ARRAY(SELECT id FROM rollup_series WHERE {})) AND ").format(series)
    return chosen


def terms_of(filters: Mapping[Dimension, str], *, of: LiteralString = "") -> list[sql.Composed]:
    """One for each; `of` is the table's name and a dot, where one is needed.

    For queries that are executed with arguments: psycopg takes each % of them for a placeholder.
    """
    return [
        sql.SQL("{}{} = {}").format(
            sql.SQL(of),
            sql.Identifier(name),
            sql.Literal(value.replace("%", "%%")),
        )
        for name, value in filters.items()
    ]


def _rows(tables: Tables, grain: _Grain, chosen: sql.Composed) -> sql.Composed:
    """The beginning of a query of one of them."""
    return sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(tables.columns), sql.Identifier(getattr(tables, grain)), chosen
    )


def _whole(tables: Tables, of_rows: sql.Composed, *, has_months: bool, is_whole: sql.Composable) -> sql.Composed:
    """Where days of UTC lie each within one step, or are left out where they do not."""
    closed = sql.SQL(_CLOSED).format(has_months=sql.Literal(has_months), is_whole=is_whole)
    chosen = closed + sql.SQL(_HOURS).format(is_open=_IN_NO_MONTH)
    rows = [_FROM.format(_rows(tables, grain, of_rows), sql.Identifier(name)) for grain, name in _PARTS]
    return chosen + sql.SQL(" UNION ALL ").join(rows)


def _near(of: ZoneInfo, tables: Tables, of_rows: sql.Composed) -> sql.Composed:
    """Where a step is a day of a zone: see the module."""
    zone = sql.Literal(of.key)

    def midnight(day: LiteralString) -> sql.Composed:
        return sql.SQL(_MIDNIGHT).format(day=sql.SQL(day), zone=zone)

    def mostly(day: LiteralString) -> sql.Composed:
        return sql.SQL(_MOSTLY).format(day=sql.SQL(day), midnight=midnight(day), near=_NEAR_IS)

    rows: tuple[tuple[LiteralString, LiteralString], ...] = (
        ("SELECT c.*, {mostly_of_it} AS moment, 1 AS sign FROM ({of}) AS c", "days"),
        ("SELECT c.*, c.at, 1 FROM ({of}) AS c", "hours"),
        (_BOTH_WAYS, "edges"),
    )
    parts = [
        sql.SQL(text).format(
            mostly_of_it=mostly("c.at"),
            mostly_of_its_day=mostly("date_trunc('day', c.at, 'UTC')"),
            of=_FROM.format(_rows(tables, "day" if name == "days" else "hour", of_rows), sql.Identifier(name)),
        )
        for text, name in rows
    ]
    near = sql.SQL(_NEAR).format(midnight=midnight("at"), near=_NEAR_IS)
    chosen = near + sql.SQL(_HOURS).format(is_open=sql.SQL("true"))
    return chosen + sql.SQL(" UNION ALL ").join(parts)
