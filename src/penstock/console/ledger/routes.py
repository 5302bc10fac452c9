"""`/admin/v1/ledger`: settled exchanges, found by whatever is known of them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.ledger import views
from penstock.console.ledger.faults import UnknownExchange
from penstock.console.ledger.store import GroupBy, LedgerChoice, ledger_page, ledger_row, ledger_summary

router = admin_router("/ledger", "ledger")

_Text = Annotated[str | None, Field(max_length=300, pattern=r"^[^\x00]*$")]
_Amount = Annotated[int | None, Field(ge=-(2**63), lt=2**63)]


class Asked(BaseModel):
    """Which exchanges: all that is said must be so.  What is not a filter is refused: a typing error would find all."""

    model_config = ConfigDict(extra="forbid")

    since: Annotated[datetime | None, Field(description="Inclusive; ISO 8601, UTC without a zone.")] = None
    until: Annotated[datetime | None, Field(description="Exclusive.")] = None
    tenant: _Text = None
    key: _Text = None
    user: _Text = None
    project: _Text = None
    feature: _Text = None
    region: _Text = None
    model: _Text = None
    target: _Text = None
    outcome: _Text = None
    outcome_code: _Text = None
    mark: Annotated[_Text, Field(description="Something that happened, by its name: `masked:email`.")] = None
    min_cost_nanousd: _Amount = None
    max_cost_nanousd: _Amount = None
    min_duration_s: Annotated[float | None, Field(ge=0, allow_inf_nan=False)] = None

    def choice(self, call: Call) -> LedgerChoice:
        """What was asked for, as far as the caller sees it.  Raises `UnknownTenant` for another's."""
        given: dict[str, Any] = self.model_dump(include=set(Asked.model_fields))
        given |= {"since": _utc(self.since), "until": _utc(self.until), "tenant": call.narrowed(self.tenant)}
        return LedgerChoice(**given)


class AskedPage(Asked):
    after: Annotated[_Text, Field(description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class AskedSummary(Asked):
    group_by: GroupBy = "model"


@router.get("", openapi_extra=needs("ledger.read"))
async def ledger(plane: Plane, call: Caller, asked: Annotated[AskedPage, Query()]) -> views.LedgerPage:
    """Settled exchanges, newest first, page by page."""
    choice = asked.choice(call)
    async with plane.database.connection() as connection:
        rows, following = await ledger_page(connection, choice, after=asked.after, limit=asked.limit)
    return views.LedgerPage(items=[views.LedgerEntry.model_validate(row) for row in rows], next=following)


@router.get("/summary", openapi_extra=needs("ledger.read"))
async def summary(plane: Plane, call: Caller, asked: Annotated[AskedSummary, Query()]) -> views.LedgerSummary:
    """Exchanges, tokens, cost and time, summed by group from the rows themselves: `/admin/v1/figures` is faster."""
    choice = asked.choice(call)
    async with plane.database.connection() as connection:
        rows = await ledger_summary(connection, choice, asked.group_by)
    return views.LedgerSummary(group_by=asked.group_by, groups=[views.LedgerGroup.model_validate(row) for row in rows])


@router.get("/{exchange}", openapi_extra=needs("ledger.read"), responses=errors(404))
async def exchange(
    plane: Plane, call: Caller, exchange: Annotated[str, Path(max_length=300, pattern=r"^[^\x00]*$")]
) -> views.LedgerEntry:
    """One exchange, with every fact of it."""
    async with plane.database.connection() as connection:
        row = await ledger_row(connection, exchange, tenant=call.scope)
    if row is None:
        raise UnknownExchange(f"There is no exchange {exchange!r} here, or it has not been shipped yet.")
    return views.LedgerEntry.model_validate(row)


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
