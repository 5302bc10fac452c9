"""Which rows of the sums a question is answered from: the fewest that are whole.

Of a long time those of closed months (`rollups.closing`), then of closed days, then of hours; all in one statement, so
that what is closed or reopened meanwhile is seen as it was before, or as it is after.
"""

from collections.abc import Mapping
from typing import Final, LiteralString

from psycopg import sql

from penstock.watch.figures.question import Question
from penstock.watch.rollups.views import Dimension

_CLOSED: LiteralString = """
    WITH asked AS (SELECT %s::timestamptz AS since, %s::timestamptz AS until),
    months AS MATERIALIZED (
        SELECT at FROM rollup_closed, asked WHERE {has_months} AND grain = 'month' AND at >= since
            AND (at AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC' <= until
    ), days AS MATERIALIZED (
        SELECT at FROM rollup_closed, asked WHERE grain = 'day' AND at >= since AND at + interval '24 hours' <= until
            AND date_trunc('month', at, 'UTC') NOT IN (SELECT at FROM months)
    ), hours AS MATERIALIZED (
        SELECT at FROM asked, generate_series(since, until - interval '1 hour', '1 hour') AS at
        WHERE date_trunc('day', at, 'UTC') NOT IN (SELECT at FROM days)
            AND date_trunc('month', at, 'UTC') NOT IN (SELECT at FROM months)
    )
"""
_FROM: Final = sql.SQL("SELECT * FROM {} WHERE {}at = ANY(ARRAY(SELECT at FROM {}))")
_BETWEEN: Final = sql.SQL("SELECT * FROM {} WHERE {}at >= %s AND at < %s")
_FEW: Final[frozenset[Dimension]] = frozenset({"tenant", "project", "key"})
"""One value of these has a small part of a view's series."""
_GRAINS: Final = ("months", "days", "hours")


def rows_of(question: Question, tables: str, *, view: int | None) -> tuple[sql.Composed, list[object]]:
    """A query of the rows, and its arguments.  `tables` is what the names of the tables begin with."""
    since, until = question.aligned()
    of_view = sql.SQL("") if view is None else sql.SQL("view = {} AND ").format(sql.Literal(view))
    if view is not None and question.filters.keys() & _FEW:
        of_view += _of_series(view, question.filters)
    if question.grain == "minute" or not _has_whole_days(question):
        return _BETWEEN.format(sql.Identifier(f"{tables}{question.grain}s"), of_view), [since, until]
    has_months = sql.Literal(question.step in {None, "month"})
    rows = [_FROM.format(sql.Identifier(tables + grain), of_view, sql.Identifier(grain)) for grain in _GRAINS]
    return sql.SQL(_CLOSED).format(has_months=has_months) + sql.SQL(" UNION ALL ").join(rows), [since, until]


def _of_series(view: int, filters: Mapping[Dimension, str]) -> sql.Composed:
    """Their numbers first: rows of one tenant are found by them, not among those of all tenants."""
    terms = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in filters.items()]
    chosen = sql.SQL(" AND ").join([sql.SQL("view = {}").format(sql.Literal(view)), *terms])
    return sql.SQL("series = ANY(ARRAY(SELECT id FROM rollup_series WHERE {})) AND ").format(chosen)


def _has_whole_days(question: Question) -> bool:
    """Whether days of UTC lie each within one of its steps."""
    if question.step is None:
        return True
    return question.step in {"day", "month"} and question.zone.key == "UTC"
