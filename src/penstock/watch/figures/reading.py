"""Which rows of the sums a question is answered from: the fewest that are whole.

Of a long time those of closed months (`rollups.closing`), then of closed days, then of hours; all in one statement, so
that what is closed or reopened meanwhile is seen as it was before, or as it is after.

A closed day is one of UTC.  Where days of another zone are asked for, whose midnight is a few hours away, it is taken
for the zone's day in which most of it lies; the hours on the other side of midnight are taken off that one again and
added to the day beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, LiteralString

from psycopg import sql

from penstock.watch.figures.question import Question
from penstock.watch.rollups.views import Dimension

_ASKED: LiteralString = "WITH asked AS (SELECT %s::timestamptz AS since, %s::timestamptz AS until), "
_CLOSED: LiteralString = """
    months AS MATERIALIZED (
        SELECT at FROM rollup_closed, asked WHERE {has_months} AND grain = 'month' AND at >= since
            AND (at AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC' <= until
    ), days AS MATERIALIZED (
        SELECT at FROM rollup_closed, asked WHERE grain = 'day' AND at >= since AND at + interval '24 hours' <= until
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
        SELECT at, {midnight} AS midnight FROM rollup_closed, asked
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
_GRAINS: Final = ("months", "days", "hours")


@dataclass(frozen=True, slots=True)
class Tables:
    """What is kept of each grain, and its columns."""

    minutes: str
    hours: str
    days: str
    months: str
    columns: LiteralString = "*"

    def rows(self, grain: str, of_view: sql.Composable) -> sql.Composed:
        """The beginning of a query of one of them; `grain` is the name of its field."""
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(self.columns), sql.Identifier(getattr(self, grain)), of_view
        )


SUM_TABLES: Final = Tables("rollup_minutes", "rollup_hours", "rollup_days", "rollup_months")
TALLY_TABLES: Final = Tables("rollup_tally_minutes", "rollup_tally_hours", "rollup_tally_days", "rollup_tally_months")
TALLY_TABLES_OF_ALL: Final = replace(
    TALLY_TABLES,
    days="rollup_tally_all_days",
    months="rollup_tally_all_months",
    columns="at, name, amount",
)
"""Where nobody asks whose they are."""


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
    of_view = sql.SQL("") if view is None else sql.SQL("view = {} AND ").format(sql.Literal(view))
    if view is not None and question.filters.keys() & _FEW:
        of_view += _of_series(view, question.filters)
    if question.grain == "minute" or question.step in {"minute", "hour"}:
        query = _BETWEEN.format(tables.rows(f"{question.grain}s", of_view))
        return Rows(query, [since, until])
    is_signed = question.step == "day" and question.zone.key != "UTC"
    query = _near(question, tables, of_view) if is_signed else _whole(question, tables, of_view)
    return Rows(sql.SQL(_ASKED) + query, [since, until], is_signed=is_signed)


def _whole(question: Question, tables: Tables, of_view: sql.Composable) -> sql.Composed:
    """Where days of UTC lie each within one step, or are left out where they do not."""
    is_utc = question.zone.key == "UTC"
    is_whole = sql.SQL("true")
    if question.step == "month" and not is_utc:
        is_whole = sql.SQL(_IN_ONE_MONTH).format(zone=sql.Literal(question.zone.key))
    has_months = sql.Literal(question.step is None or (question.step == "month" and is_utc))
    closed = sql.SQL(_CLOSED).format(has_months=has_months, is_whole=is_whole)
    chosen = closed + sql.SQL(_HOURS).format(is_open=_IN_NO_MONTH)
    rows = [_FROM.format(tables.rows(grain, of_view), sql.Identifier(grain)) for grain in _GRAINS]
    return chosen + sql.SQL(" UNION ALL ").join(rows)


def _near(question: Question, tables: Tables, of_view: sql.Composable) -> sql.Composed:
    """Where a step is a day of a zone: see the module."""
    zone = sql.Literal(question.zone.key)

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
            of=_FROM.format(tables.rows("days" if name == "days" else "hours", of_view), sql.Identifier(name)),
        )
        for text, name in rows
    ]
    near = sql.SQL(_NEAR).format(midnight=midnight("at"), near=_NEAR_IS)
    chosen = near + sql.SQL(_HOURS).format(is_open=sql.SQL("true"))
    return chosen + sql.SQL(" UNION ALL ").join(parts)


def _of_series(view: int, filters: Mapping[Dimension, str]) -> sql.Composed:
    """Their numbers first: rows of one tenant are found by them, not among those of all tenants."""
    terms = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in filters.items()]
    chosen = sql.SQL(" AND ").join([sql.SQL("view = {}").format(sql.Literal(view)), *terms])
    return sql.SQL("series = ANY(ARRAY(SELECT id FROM rollup_series WHERE {})) AND ").format(chosen)
