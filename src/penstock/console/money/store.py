"""What the views of money ask the ledger, as SQL: each bounded in time, each sum of whole numbers and so exact.

One function for each question, so that one that rollups can answer is answered from there by changing it here alone.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import psycopg
from psycopg import sql
from psycopg.rows import class_row

BESIDE: Final = sql.SQL("""facts @> '[{"fact": "extra_call_billed"}]'""")
_UNKNOWN = sql.SQL("started_at >= %(since)s AND started_at < %(until)s AND cost_nanousd IS NULL")
_UNPRICED = sql.SQL("""
    SELECT target, sum(exchanges)::bigint AS exchanges, max(last_at) AS last_at FROM (
        SELECT target, count(*) AS exchanges, max(started_at) AS last_at
        FROM ledger WHERE {unknown} AND NOT {extra} AND usage_accuracy <> 'unknown'
        GROUP BY target
        UNION ALL
        SELECT fact ->> 'target', count(DISTINCT ledger.id), max(started_at)
        FROM ledger CROSS JOIN LATERAL jsonb_array_elements(facts) AS fact
        WHERE {unknown} AND {extra}
            AND ((fact ->> 'fact' = 'price_unknown' AND usage_accuracy <> 'unknown')
                OR (fact ->> 'fact' = 'extra_call_billed' AND fact ->> 'cost_nanousd' IS NULL
                    AND fact ->> 'accuracy' <> 'unknown'))
        GROUP BY 1
    ) AS called
    GROUP BY target ORDER BY exchanges DESC, target LIMIT 1000
""").format(unknown=_UNKNOWN, extra=BESIDE)
"""An exchange of one call has no cost since its target has no price; of several, facts say which of them.

The first are read from an index that has all of this (`ledger_unknown_cost`), whose conditions these are.
"""
_UNUSED = sql.SQL("""
    SELECT (SELECT count(*) FROM ledger WHERE {unknown} AND NOT {extra} AND usage_accuracy = 'unknown')
        + (SELECT count(*) FROM ledger WHERE {unknown} AND {extra} AND usage_accuracy = 'unknown')
""").format(unknown=_UNKNOWN, extra=BESIDE)
_BILLED = sql.SQL("""
    SELECT timezone(%(zone)s, started_at)::date AS day, target, count(*)::bigint AS calls,
        count(*) FILTER (WHERE cost_nanousd IS NULL)::bigint AS unknown_cost,
        count(*) FILTER (WHERE accuracy <> 'exact')::bigint AS estimated,
        sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
        coalesce(sum(cost_nanousd), 0)::bigint AS nanousd,
        coalesce(sum(cost_nanousd) FILTER (WHERE accuracy <> 'exact'), 0)::bigint AS estimated_nanousd
    FROM (
        SELECT started_at, target, usage_accuracy AS accuracy, input_tokens - coalesce(beside.tokens_in, 0)
                AS input_tokens, output_tokens - coalesce(beside.tokens_out, 0) AS output_tokens,
            cost_nanousd - coalesce(beside.nanousd, 0) AS cost_nanousd
        FROM ledger LEFT JOIN LATERAL (
            SELECT sum((fact ->> 'input_tokens')::bigint) AS tokens_in,
                sum((fact ->> 'output_tokens')::bigint) AS tokens_out,
                sum((fact ->> 'cost_nanousd')::bigint) AS nanousd
            FROM jsonb_array_elements(facts) AS fact WHERE fact ->> 'fact' = 'extra_call_billed'
        ) AS beside ON {extra}
        WHERE started_at >= %(since)s AND started_at < %(until)s AND starts_with(target, %(prefix)s)
        UNION ALL
        SELECT started_at, fact ->> 'target', fact ->> 'accuracy', (fact ->> 'input_tokens')::bigint,
            (fact ->> 'output_tokens')::bigint, (fact ->> 'cost_nanousd')::bigint
        FROM ledger CROSS JOIN LATERAL jsonb_array_elements(facts) AS fact
        WHERE started_at >= %(since)s AND started_at < %(until)s AND {extra}
            AND fact ->> 'fact' = 'extra_call_billed' AND starts_with(fact ->> 'target', %(prefix)s)
    ) AS calls
    WHERE input_tokens + output_tokens > 0 OR cost_nanousd IS DISTINCT FROM 0
    GROUP BY 1, 2
""").format(extra=BESIDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `since` on and before `until`; of one tenant or model, or of all."""

    since: datetime
    until: datetime
    tenant: str | None = None
    model: str | None = None

    def values(self) -> dict[str, object]:
        return {"since": self.since, "until": self.until, "tenant": self.tenant, "model": self.model}


@dataclass(frozen=True, slots=True)
class UnpricedRow:
    """Exchanges with a call of a target whose price nobody knew."""

    target: str
    exchanges: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class BilledRow:
    """Calls of one target on one day.  `unknown_cost` of them are in no sum of money."""

    day: date
    target: str
    calls: int
    unknown_cost: int
    estimated: int
    input_tokens: int
    output_tokens: int
    nanousd: int
    estimated_nanousd: int


async def read_unpriced(connection: psycopg.AsyncConnection, span: Span) -> tuple[list[UnpricedRow], int]:
    """By target, the most exchanges first; and how many exchanges have no cost because nobody said what they used."""
    async with connection.cursor(row_factory=class_row(UnpricedRow)) as cursor:
        rows = await (await cursor.execute(_UNPRICED, span.values())).fetchall()
    unused = await (await connection.execute(_UNUSED, span.values())).fetchone()
    return rows, 0 if unused is None else int(unused[0])


async def read_billed(connection: psycopg.AsyncConnection, span: Span, *, provider: str, zone: str) -> list[BilledRow]:
    """What was called of a provider, by day of the zone: answers and the calls beside them, each at its own target."""
    values = {**span.values(), "prefix": f"{provider}/", "zone": zone}
    async with connection.cursor(row_factory=class_row(BilledRow)) as cursor:
        return await (await cursor.execute(_BILLED, values)).fetchall()
