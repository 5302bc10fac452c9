"""Which rows of the sums a question is answered from: the fewest that are whole.

Of a long time those of closed months (`rollups.closing`), then of closed days, then of hours; all in one statement, so
that what is closed or reopened meanwhile is seen as it was before, or as it is after.
"""

from typing import Final, LiteralString

from psycopg import sql

from penstock.watch.figures.question import Question

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
_GRAINS: Final = ("months", "days", "hours")


def rows_of(question: Question, tables: str, *, view: int | None) -> tuple[sql.Composed, list[object]]:
    """A query of the rows, and its arguments.  `tables` is what the names of the tables begin with."""
    since, until = question.aligned()
    of_view = sql.SQL("") if view is None else sql.SQL("view = {} AND ").format(sql.Literal(view))
    if question.grain == "minute" or not _has_whole_days(question):
        return _BETWEEN.format(sql.Identifier(f"{tables}{question.grain}s"), of_view), [since, until]
    has_months = sql.Literal(question.step in {None, "month"})
    rows = [_FROM.format(sql.Identifier(tables + grain), of_view, sql.Identifier(grain)) for grain in _GRAINS]
    return sql.SQL(_CLOSED).format(has_months=has_months) + sql.SQL(" UNION ALL ").join(rows), [since, until]


def _has_whole_days(question: Question) -> bool:
    """Whether days of UTC lie each within one of its steps."""
    if question.step is None:
        return True
    return question.step in {"day", "month"} and question.zone.key == "UTC"
