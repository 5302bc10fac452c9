"""The ledger's rows and sums as SQL, each over an index of its partitions."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from penstock.core.errors import MalformedRequest

GroupBy = Literal["model", "target", "tenant", "key", "project", "feature", "region", "outcome", "day"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUMS = sql.SQL(
    "count(*) AS exchanges, count(*) FILTER (WHERE outcome = 'completed') AS completed,"
    " coalesce(sum(input_tokens), 0)::bigint AS input_tokens,"
    " coalesce(sum(output_tokens), 0)::bigint AS output_tokens,"
    " coalesce(sum(cache_read_tokens), 0)::bigint AS cache_read_tokens,"
    " coalesce(sum(cost_nanousd), 0)::bigint AS cost_nanousd,"
    " count(*) FILTER (WHERE cost_nanousd IS NULL) AS unknown_cost,"
    " avg(duration_s) AS mean_duration_s,"
    " percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_s) AS p95_duration_s"
)


_TERMS: Final[dict[str, sql.SQL]] = {
    "since": sql.SQL("started_at >= %s"),
    "until": sql.SQL("started_at < %s"),
    "mark": sql.SQL("marks @> %s"),
    "min_cost_nanousd": sql.SQL("cost_nanousd >= %s"),
    "max_cost_nanousd": sql.SQL("cost_nanousd <= %s"),
    "min_duration_s": sql.SQL("duration_s >= %s"),
}
"""Of what is not simply the same as the value."""
_NOT_COMPLETED = sql.SQL("outcome <> 'completed'")
_MARKED = sql.SQL("marks <> '{}'")
_DEAR = sql.SQL("cost_nanousd >= 100000000")
"""What indexes of a part of the rows are of: said so, since the planner does not see it in a parameter."""
_DEAR_NANOUSD = 100_000_000


@dataclass(frozen=True, slots=True)
class LedgerChoice:
    """Which exchanges: `since` inclusive, `until` exclusive; what is None is not asked about.

    `mark` is something that happened, by its name (`watch.rollups.notes`).
    """

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    key: str | None = None
    user: str | None = None
    project: str | None = None
    feature: str | None = None
    region: str | None = None
    model: str | None = None
    target: str | None = None
    outcome: str | None = None
    outcome_code: str | None = None
    mark: str | None = None
    min_cost_nanousd: int | None = None
    max_cost_nanousd: int | None = None
    min_duration_s: float | None = None

    def conditions(self) -> tuple[list[sql.Composable], list[object]]:
        terms: list[sql.Composable] = [sql.SQL("true")]
        arguments: list[object] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                terms.append(_TERMS.get(field.name) or sql.SQL("{} = %s").format(sql.Identifier(field.name)))
                arguments.append([value] if field.name == "mark" else value)
        if self.outcome is not None and self.outcome != "completed":
            terms.append(_NOT_COMPLETED)
        if self.mark is not None:
            terms.append(_MARKED)
        if self.min_cost_nanousd is not None and self.min_cost_nanousd >= _DEAR_NANOUSD:
            terms.append(_DEAR)
        return terms, arguments


async def ledger_page(
    connection: psycopg.AsyncConnection, choice: LedgerChoice, *, after: str | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Rows, newest first, and the `after` of the next page.  Raises `MalformedRequest` for an `after` of nobody's."""
    terms, arguments = choice.conditions()
    if after is not None:
        terms.append(sql.SQL("(started_at, id) < (%s, %s)"))
        arguments += _place(after)
    query = sql.SQL("SELECT * FROM ledger WHERE {} ORDER BY started_at DESC, id DESC LIMIT %s").format(
        sql.SQL(" AND ").join(terms)
    )
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, [*arguments, limit + 1])
        rows = await cursor.fetchall()
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], f"{(last['started_at'] - _EPOCH) // timedelta(microseconds=1)}.{last['id']}"


def _place(after: str) -> tuple[datetime, str]:
    stamp, dot, row_id = after.partition(".")
    if not (dot and stamp.isascii() and stamp.isdecimal() and len(stamp) < 18):
        raise MalformedRequest("`after` is not a value that an earlier page gave as `next`.", field="after")
    return _EPOCH + timedelta(microseconds=int(stamp)), row_id


async def ledger_summary(
    connection: psycopg.AsyncConnection, choice: LedgerChoice, group_by: GroupBy
) -> list[dict[str, Any]]:
    """Sums by group, the largest cost first, a thousand groups at most."""
    terms, arguments = choice.conditions()
    group = sql.SQL("to_char(started_at, 'YYYY-MM-DD')") if group_by == "day" else sql.Identifier(group_by)
    query = sql.SQL(
        'SELECT {group} AS "group", {sums} FROM ledger WHERE {terms} GROUP BY 1'
        " ORDER BY cost_nanousd DESC, exchanges DESC LIMIT 1000"
    ).format(group=group, sums=_SUMS, terms=sql.SQL(" AND ").join(terms))
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, arguments)
        return await cursor.fetchall()


async def ledger_row(
    connection: psycopg.AsyncConnection, exchange: str, *, tenant: str | None
) -> dict[str, Any] | None:
    """One of them; None where there is none, or none of the tenant's."""
    query = "SELECT * FROM ledger WHERE id = %s AND (%s::text IS NULL OR tenant = %s)"
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, (exchange, tenant, tenant))
        return await cursor.fetchone()
