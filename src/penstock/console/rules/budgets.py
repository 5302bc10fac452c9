"""Budgets over the admin API, and their overrides: so much more until then, for one of the file's budgets too."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Query, Response

from penstock.admission.identity.faults import Conflict
from penstock.admission.limits.rules import store as rule_store
from penstock.admission.limits.rules.store import OverrideRow, RuleRow, StatusChoice
from penstock.admission.limits.rules.written import budget_of
from penstock.config.limits import BudgetSettings, OverrideSettings
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.console.rules import rule
from penstock.console.rules.views import BudgetPage, BudgetView, CounterPage, NewBudget, NewOverride, OverrideView
from penstock.core.errors import ConfigError, MalformedRequest

router = admin_router("/budgets", "budgets")

Text = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Most = Annotated[int, Query(ge=1, le=1000)]


@router.get("", openapi_extra=needs("budgets.read"), responses=errors(403))
async def budgets(plane: Plane, call: Caller, after: Text = None, limit: Most = 100) -> BudgetPage:
    """Budgets by name, with their overrides; a caller within a tenant sees those that are its tenant's own."""
    items, following = rule.page(await _all(plane, call), after, limit)
    return BudgetPage(items=items, next=following)


@router.get("/status", openapi_extra=needs("budgets.read"), responses=errors(403, 404))
async def status(  # noqa: PLR0917 - named parameters of the query
    plane: Plane, call: Caller, name: Text = None, tenant: Text = None, after: Text = None, limit: Most = 100
) -> CounterPage:
    """What is used, reserved and left of each budget and value, and until when."""
    wanted = StatusChoice(rules=(), tenant=call.narrowed(tenant), after=after or "")
    return await rule.counters(plane, "budget", wanted=wanted, only=name, limit=limit)


@router.get("/{name}", openapi_extra=needs("budgets.read"), responses=errors(403, 404))
async def budget_named(plane: Plane, call: Caller, name: str) -> BudgetView:
    """One budget."""
    return await _seen(plane, call, name)


@router.put(
    "/{name}", openapi_extra=needs("budgets.write"), responses={201: {"model": BudgetView}, **errors(403, 404, 409)}
)
async def put_budget(plane: Plane, call: Caller, name: str, wanted: NewBudget, response: Response) -> BudgetView:
    """Make a budget, or replace it; data planes follow within a second or so, and what was spent stays spent.

    Another period, scope or selection is another budget: it begins at nothing spent.
    """
    row, _ = rule.to_store(plane, call, name, wanted, BudgetSettings)
    async with plane.database.connection() as connection:
        is_new = await rule_store.put_rule(connection, row, call.change(), scope=call.scope)
    response.status_code = 201 if is_new else 200
    return await _seen(plane, call, name)


@router.delete("/{name}", status_code=204, openapi_extra=needs("budgets.write"), responses=errors(403, 404))
async def drop_budget(plane: Plane, call: Caller, name: str) -> None:
    """Delete a budget of the database, and its overrides with it."""
    async with plane.database.connection() as connection:
        await rule_store.delete_rule(
            connection, "budget", rule.demand_nul_free(name, "budget"), call.change(), scope=call.scope
        )


@router.post(
    "/{name}/overrides", status_code=201, openapi_extra=needs("budgets.write"), responses=errors(403, 404, 409)
)
async def override(plane: Plane, call: Caller, name: str, wanted: NewOverride) -> OverrideView:
    """Raise a budget until then: in force within a second or so, and over by itself."""
    budget = await _seen(plane, call, name)
    until = wanted.until.replace(tzinfo=UTC) if wanted.until.tzinfo is None else wanted.until
    if until <= call.now:
        raise MalformedRequest("`until` is in the past.", field="until")
    said = OverrideSettings(raise_usd=wanted.raise_usd, until=until, where={str(k): v for k, v in wanted.where.items()})
    _demand_sound(plane, budget, said)
    row = OverrideRow(
        id=plane.new_id("ovr"),
        budget=name,
        tenant=budget.tenant,
        said=msgspec.json.encode(said).decode(),
        until=until,
        made_at=call.now,
        made_by=call.actor.id,
    )
    async with plane.database.connection() as connection:
        await rule_store.add_override(connection, row, call.change())
    return _stored_override(row)


@router.delete(
    "/{name}/overrides/{override_id}",
    status_code=204,
    openapi_extra=needs("budgets.write"),
    responses=errors(403, 404),
)
async def end_override(plane: Plane, call: Caller, name: str, override_id: str) -> None:
    """End an override now."""
    for each in (name, override_id):
        rule.demand_nul_free(each, "budget")
    async with plane.database.connection() as connection:
        await rule_store.end_override(connection, name, override_id, call.change(), scope=call.scope)


def _demand_sound(plane: ControlPlane, budget: BudgetView, said: OverrideSettings) -> None:
    if budget.hard_usd is None:
        raise Conflict("This budget has no hard amount: there is nothing to raise.")
    fields = budget.model_dump(exclude={"tenant", "origin", "changed_at", "overrides"})
    settings = msgspec.structs.replace(rule.read_settings(fields, BudgetSettings), overrides=(said,))
    try:
        budget_of(settings, plane.config.limit_store.on_loss)
    except ConfigError as error:
        raise MalformedRequest(error.message, field="where") from None


async def _seen(plane: ControlPlane, call: Call, name: str) -> BudgetView:
    for each in await _all(plane, call):
        if each.name == name:
            return each
    raise rule_store.no_rule("budget")


async def _all(plane: ControlPlane, call: Call) -> list[BudgetView]:
    async with plane.database.connection() as connection:
        rows = await rule_store.list_rules(connection, "budget", scope=call.scope)
        overrides = await rule_store.list_overrides(connection, scope=call.scope, now=call.now)
    by_budget: dict[str, list[OverrideView]] = {}
    for each in overrides:
        by_budget.setdefault(each.budget, []).append(_stored_override(each))
    shown = [_view(said, None, by_budget, call.now) for said in (plane.config.budgets if call.scope is None else ())]
    shown += [_view(msgspec.json.decode(row.said, type=BudgetSettings), row, by_budget, call.now) for row in rows]
    return sorted(shown, key=lambda each: each.name)


def _view(said: BudgetSettings, row: RuleRow | None, made: dict[str, list[OverrideView]], now: datetime) -> BudgetView:
    own = [_override(each, None) for each in said.overrides]
    return BudgetView.model_validate(
        {
            **msgspec.structs.asdict(said),
            "scope": list(said.scope),
            "thresholds": list(said.thresholds),
            "tenant": None if row is None else row.tenant,
            "origin": "file" if row is None else "database",
            "changed_at": None if row is None else row.changed_at,
            "overrides": [each for each in (*own, *made.get(said.name, ())) if each.until > now],
        }
    )


def _stored_override(row: OverrideRow) -> OverrideView:
    return _override(msgspec.json.decode(row.said, type=OverrideSettings), row)


def _override(said: OverrideSettings, row: OverrideRow | None) -> OverrideView:
    return OverrideView.model_validate(
        {
            "raise_usd": said.raise_usd,
            "until": said.until.replace(tzinfo=UTC) if said.until.tzinfo is None else said.until,
            "where": said.where,
            "id": None if row is None else row.id,
            "made_at": None if row is None else row.made_at,
            "made_by": None if row is None else row.made_by,
        }
    )
