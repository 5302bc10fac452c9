"""`/admin/v1/savings`: what caches, tiers, shorter prompts and providers' own caches saved, out of the ledger."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.outcomes.store import SavingsRead, read_savings

router = admin_router("", "ledger")

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


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
    found = await read_savings(plane.database, tenant=call.narrowed(tenant), since_s=hours * 3600.0)
    return SavingsList(items=_joined(found))


def _joined(read: SavingsRead) -> list[Savings]:
    found = {(row["tenant"], row["model"]): Savings(**row, saved_nanousd=0, by={}, tiers={}) for row in read.totals}
    for row in read.saved:
        of = found.get((row["tenant"], row["model"]))
        if of is not None:
            of.by[row["by"]] = Saving(
                exchanges=row["exchanges"], tokens=row["tokens"], nanousd=row["nanousd"], unpriced=row["unpriced"]
            )
            of.saved_nanousd += row["nanousd"]
    for row in read.tiers:
        of = found.get((row["tenant"], row["model"]))
        if of is not None:
            of.tiers[row["tier"]] = row["exchanges"]
    return list(found.values())
