"""The control plane's way to PostgreSQL, and its questions to the ledger as SQL."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg
from psycopg import errors, sql
from psycopg.rows import dict_row
from psycopg_pool import PoolClosed, PoolTimeout

from penstock.core.errors import MalformedRequest, Overloaded
from penstock.storage.late import LatePool

GroupBy = Literal["model", "target", "tenant", "key", "outcome", "day"]

_CHECK_TIMEOUT_S = 1.0
_RETRY_AFTER_S = 2.0
_AWAY = "The database cannot be reached; what was settled meanwhile waits in the local journal."
_BUSY = "The database was busy with other changes of the same things; nothing was changed, try again."
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


class Database:
    """A pool that opens once the database's address is known, and from then on heals by itself.

    `find_url` gives the address or, while the embedded server is still starting, None.
    """

    def __init__(self, find_url: Callable[[], str | None]) -> None:
        self._pool = LatePool(find_url, name="control", max_size=4)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def is_up(self) -> bool:
        """Whether the ledger can be asked now; waits a second at most."""
        try:
            async with self.connection(timeout_s=_CHECK_TIMEOUT_S) as connection:
                await connection.execute("SELECT FROM ledger LIMIT 0")
        except (psycopg.Error, Overloaded):
            return False
        return True

    @asynccontextmanager
    async def connection(self, *, timeout_s: float | None = None) -> AsyncGenerator[psycopg.AsyncConnection]:
        """A connection for one request.  Raises `Overloaded` where the database is away."""
        pool = await self._pool.opened()
        if pool is None:
            raise Overloaded(_AWAY, retry_after_s=_RETRY_AFTER_S)
        try:
            async with pool.connection(timeout=timeout_s) as connection:
                yield connection
        except (errors.DeadlockDetected, errors.LockNotAvailable, errors.QueryCanceled) as error:
            raise Overloaded(_BUSY, retry_after_s=_RETRY_AFTER_S, detail=str(error)) from error
        except (psycopg.OperationalError, PoolTimeout, PoolClosed) as error:
            raise Overloaded(_AWAY, retry_after_s=_RETRY_AFTER_S, detail=str(error)) from error


@dataclass(frozen=True, slots=True)
class LedgerChoice:
    """Which exchanges: `since` inclusive, `until` exclusive; what is None is not asked about."""

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None
    key: str | None = None
    model: str | None = None
    target: str | None = None
    outcome: str | None = None

    def conditions(self) -> tuple[list[sql.Composable], list[object]]:
        terms: list[sql.Composable] = [sql.SQL("true")]
        arguments: list[object] = []
        if self.since is not None:
            terms.append(sql.SQL("started_at >= %s"))
            arguments.append(self.since)
        if self.until is not None:
            terms.append(sql.SQL("started_at < %s"))
            arguments.append(self.until)
        for column in ("tenant", "key", "model", "target", "outcome"):
            value = getattr(self, column)
            if value is not None:
                terms.append(sql.SQL("{} = %s").format(sql.Identifier(column)))
                arguments.append(value)
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
