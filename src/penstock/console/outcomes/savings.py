"""`/admin/v1/savings`: what caches, tiers, shorter prompts and providers' own caches saved, out of the ledger."""

from typing import Annotated, Any, LiteralString

from fastapi import APIRouter, Query
from psycopg.rows import dict_row
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, errors, needs

router = APIRouter(tags=["ledger"])

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]

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


class Saving(BaseModel):
    """Of one kind.  Money is at the prices of each exchange's own time."""

    exchanges: int
    tokens: int = Field(description="That were not sent or made, or were read for less.")
    nanousd: int = Field(description="Negative where a provider was paid for keeping what nobody came back for.")
    unpriced: int = Field(description="Exchanges among them whose price is not known.")


class Savings(BaseModel):
    """Of one tenant's exchanges with one model."""

    tenant: str
    model: str
    exchanges: int
    cost_nanousd: int = Field(description="What was spent, where it is known.")
    saved_nanousd: int = Field(description="The sum of all kinds.")
    by: dict[str, Saving] = Field(
        description="cache_exact, cache_similar, cache_shared, compaction, routing, prompt_cache."
    )
    tiers: dict[str, int] = Field(description="Exchanges by the tier that was chosen for them.")


class SavingsList(BaseModel):
    items: list[Savings]


@router.get("/savings", openapi_extra=needs("ledger.read"), responses=errors(403))
async def savings(
    plane: Plane,
    call: Caller,
    tenant: Asked = None,
    hours: Annotated[float, Query(gt=0, le=24 * 366, description="Of the ledger.")] = 24.0,
) -> SavingsList:
    """What was spent and what was not, by tenant and model; the busiest first, at most 1000."""
    chosen = {"tenant": call.narrowed(tenant), "since_s": hours * 3600.0}
    async with (
        plane.database.connection() as connection,
        connection.transaction(),
        connection.cursor(row_factory=dict_row) as cursor,
    ):
        # One moment for all three, so that the parts are of the same exchanges.
        await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        totals = await (await cursor.execute(_TOTALS, chosen)).fetchall()
        saved = await (await cursor.execute(_SAVED, chosen)).fetchall()
        tiers = await (await cursor.execute(_TIERS, chosen)).fetchall()
    return SavingsList(items=_joined(totals, saved, tiers))


def _joined(totals: list[dict[str, Any]], saved: list[dict[str, Any]], tiers: list[dict[str, Any]]) -> list[Savings]:
    found = {(row["tenant"], row["model"]): Savings(**row, saved_nanousd=0, by={}, tiers={}) for row in totals}
    for row in saved:
        of = found.get((row["tenant"], row["model"]))
        if of is not None:
            of.by[row["by"]] = Saving(
                exchanges=row["exchanges"], tokens=row["tokens"], nanousd=row["nanousd"], unpriced=row["unpriced"]
            )
            of.saved_nanousd += row["nanousd"]
    for row in tiers:
        of = found.get((row["tenant"], row["model"]))
        if of is not None:
            of.tiers[row["tier"]] = row["exchanges"]
    return list(found.values())
