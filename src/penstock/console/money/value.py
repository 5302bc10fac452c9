"""`/admin/v1/costs/value`: cost, savings, and what answers are worth by the operator's own figures."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from pydantic import BaseModel, Field

from penstock.config.money.prices import ValueSettings
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.figures.routes import require_kept
from penstock.console.money.asking import Asked, Since, Until, between
from penstock.console.money.worth import SavedRow, WorthRow, read_worth
from penstock.watch.figures.question import Question

router = admin_router("/costs", "ledger")

RESOLVED_AS = (
    "completed by a model or a cache, not held for a person, not a canned answer, and nobody's feedback called it bad"
)
_NANO = 1_000_000_000


class SavedView(BaseModel):
    nanousd: int = Field(description="Negative where a provider was paid for keeping what nobody came back for.")
    exchanges: int
    unpriced: int = Field(description="Exchanges among them whose price is not known: no part of the sum.")


class Inputs(BaseModel):
    """What the configuration says of the model, in US dollars as decimals; null where it says nothing."""

    usd_per_resolved: str | None
    usd_per_handling: str | None


class ModelValue(BaseModel):
    """One model, or assistant.  An interaction is an exchange that a caller asked for."""

    model: str
    exchanges: int = Field(description="With those that Penstock asked for itself, such as summaries.")
    interactions: int
    resolved: int
    held: int = Field(description="Given to a person.")
    cost_nanousd: int
    unknown_cost: int = Field(description="Exchanges whose cost is not known: it is more than it says.")
    saved: dict[str, SavedView] = Field(description="cache, compaction, routing, prompt_cache.")
    saved_nanousd: int
    inputs: Inputs
    value_nanousd: int | None = Field(description="resolved * usd_per_resolved; null without that setting.")
    handling_nanousd: int | None = Field(description="Not spent: resolved * usd_per_handling; null without it.")
    return_nanousd: int | None = Field(description="value + handling - cost; null where neither is configured.")
    roi: str | None = Field(description="return / cost, as a decimal; null without a return, or without a known cost.")
    reason: str | None = Field(description="Why there is no return, or what it leaves out.")


class Value(BaseModel):
    """Nothing is assumed: what the configuration does not name is null.  What was saved is in no return."""

    since: datetime
    until: datetime
    tenant: str | None
    resolved_as: str = RESOLVED_AS
    models: list[ModelValue]
    cost_nanousd: int
    saved_nanousd: int
    return_nanousd: int | None = Field(description="Of the models with a configured value; null where there are none.")
    valued_cost_nanousd: int = Field(description="What those cost.")
    roi: str | None


@router.get("/value", openapi_extra=needs("ledger.read"), responses=errors(403, 404))
async def value(plane: Plane, call: Caller, tenant: Asked = None, since: Since = None, until: Until = None) -> Value:
    """Cost, savings, resolved interactions and their worth, by model; of whole hours, where it is more than six."""
    begins, ends = between(since, until, call.now)
    question = Question(since=begins, until=ends)
    require_kept(plane, question, call.now)
    whose = call.narrowed(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = await read_worth(connection, question, whose)
    settings = {name: model.value for name, model in plane.config.models.items()}
    models = [_model(row, [each for each in found.saved if each.model == row.model], settings) for row in found.rows]
    valued = [each for each in models if each.return_nanousd is not None]
    total = sum(each.return_nanousd or 0 for each in valued) if valued else None
    cost = sum(each.cost_nanousd for each in valued)
    return Value(
        since=found.since,
        until=found.until,
        tenant=whose,
        models=models,
        cost_nanousd=sum(each.cost_nanousd for each in models),
        saved_nanousd=sum(each.saved_nanousd for each in models),
        return_nanousd=total,
        valued_cost_nanousd=cost,
        roi=_ratio(total, cost),
    )


def _model(row: WorthRow, saved: Sequence[SavedRow], settings: Mapping[str, ValueSettings | None]) -> ModelValue:
    said = settings.get(row.model) or ValueSettings()
    worth = worth_of(row.resolved, said.usd_per_resolved)
    handling = worth_of(row.resolved, said.usd_per_handling)
    is_told = worth is not None or handling is not None
    gain = (worth or 0) + (handling or 0) - row.cost_nanousd if is_told else None
    return ModelValue(
        model=row.model,
        exchanges=row.exchanges,
        interactions=row.interactions,
        resolved=row.resolved,
        held=row.held,
        cost_nanousd=row.cost_nanousd,
        unknown_cost=row.unknown_cost,
        saved={
            each.by: SavedView(nanousd=each.nanousd, exchanges=each.exchanges, unpriced=each.unpriced) for each in saved
        },
        saved_nanousd=sum(each.nanousd for each in saved),
        inputs=Inputs(usd_per_resolved=_said(said.usd_per_resolved), usd_per_handling=_said(said.usd_per_handling)),
        value_nanousd=worth,
        handling_nanousd=handling,
        return_nanousd=gain,
        roi=_ratio(gain, row.cost_nanousd),
        reason="; ".join(_reasons(row, is_told=is_told)) or None,
    )


def _reasons(row: WorthRow, *, is_told: bool) -> Iterable[str]:
    if not is_told:
        yield f"`models.{row.model}.value` is not configured: nothing is known of what an answer is worth"
    if row.unknown_cost:
        yield f"the cost of {row.unknown_cost} exchanges is not known: it is more, and the return less"


def worth_of(count: int, usd: Decimal | None) -> int | None:
    """Nano-dollars of so many; None where no amount is named."""
    return None if usd is None else int((count * usd * _NANO).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _ratio(gain: int | None, cost: int) -> str | None:
    return None if gain is None or cost == 0 else f"{Decimal(gain) / Decimal(cost):.4f}"


def _said(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"
