"""What the views of outcomes ask the ledger, as SQL."""

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.rows import dict_row

from penstock.console.store import Database

_TOTALS: LiteralString = """
    SELECT tenant, model, count(*) AS exchanges, coalesce(sum(cost_nanousd), 0)::bigint AS cost_nanousd
    FROM ledger WHERE started_at >= now() - make_interval(secs => %(since_s)s)
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
    GROUP BY 1, 2 ORDER BY exchanges DESC LIMIT 1000
"""
_SAVED: LiteralString = """
    SELECT tenant, model,
        CASE fact ->> 'fact' WHEN 'saved' THEN fact ->> 'by' ELSE 'cache_' || (fact ->> 'kind') END AS by,
        count(*) AS exchanges,
        coalesce(sum(CASE fact ->> 'fact' WHEN 'saved' THEN (fact ->> 'tokens')::bigint
            ELSE (fact ->> 'saved_input_tokens')::bigint + (fact ->> 'saved_output_tokens')::bigint END), 0)::bigint
            AS tokens,
        coalesce(sum(coalesce(fact ->> 'nanousd', fact ->> 'saved_nanousd')::bigint), 0)::bigint AS nanousd,
        count(*) FILTER (WHERE coalesce(fact ->> 'nanousd', fact ->> 'saved_nanousd') IS NULL) AS unpriced
    FROM ledger CROSS JOIN LATERAL jsonb_array_elements(facts) AS fact
    WHERE started_at >= now() - make_interval(secs => %(since_s)s)
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND fact ->> 'fact' IN ('saved', 'cache_hit')
    GROUP BY 1, 2, 3
"""
_TIERS: LiteralString = """
    SELECT tenant, model, fact ->> 'tier' AS tier, count(*) AS exchanges
    FROM ledger CROSS JOIN LATERAL jsonb_array_elements(facts) AS fact
    WHERE started_at >= now() - make_interval(secs => %(since_s)s)
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND fact ->> 'fact' = 'tier_chosen'
    GROUP BY 1, 2, 3 ORDER BY exchanges DESC
"""


@dataclass(frozen=True, slots=True)
class SavingsRead:
    """Rows by tenant and model: `totals` the busiest first, at most 1000; `saved` also by kind, `tiers` by tier."""

    totals: list[dict[str, Any]]
    saved: list[dict[str, Any]]
    tiers: list[dict[str, Any]]


async def read_savings(database: Database, *, tenant: str | None, since_s: float) -> SavingsRead:
    """Of the exchanges of the last `since_s` seconds, of one tenant or of all, at one moment."""
    chosen = {"tenant": tenant, "since_s": since_s}
    async with (
        database.connection() as connection,
        connection.transaction(),
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        # One moment for all three, so that the parts are of the same exchanges.
        await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        totals = await (await cursor.execute(_TOTALS, chosen)).fetchall()
        saved = await (await cursor.execute(_SAVED, chosen)).fetchall()
        tiers = await (await cursor.execute(_TIERS, chosen)).fetchall()
    return SavingsRead(totals, saved, tiers)
