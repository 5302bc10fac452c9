"""Limits over the admin API: those of the configuration file, to be seen, and those of the database, to be changed."""

from typing import Annotated

import msgspec
from fastapi import Query, Response

from penstock.admission.limits.rules import store as rule_store
from penstock.admission.limits.rules.store import RuleRow, StatusChoice
from penstock.config.limits import LimitSettings
from penstock.console.access import Call, Caller, Plane, admin_router, errors, needs
from penstock.console.plane import ControlPlane
from penstock.console.rules import rule
from penstock.console.rules.views import CounterPage, LimitPage, LimitView, NewLimit

router = admin_router("/limits", "limits")

Text = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Most = Annotated[int, Query(ge=1, le=1000)]


@router.get("", openapi_extra=needs("limits.read"), responses=errors(403))
async def limits(plane: Plane, call: Caller, after: Text = None, limit: Most = 100) -> LimitPage:
    """Limits by name; a caller within a tenant sees those that are its tenant's own."""
    items, following = rule.page(await _all(plane, call), after, limit)
    return LimitPage(items=items, next=following)


@router.get("/status", openapi_extra=needs("limits.read"), responses=errors(403, 404))
async def status(  # noqa: PLR0917 - named parameters of the query
    plane: Plane, call: Caller, name: Text = None, tenant: Text = None, after: Text = None, limit: Most = 100
) -> CounterPage:
    """What is used, reserved and left of each limit and value, and until when."""
    wanted = StatusChoice(rules=(), tenant=call.narrowed(tenant), after=after or "")
    return await rule.counters(plane, "limit", wanted=wanted, only=name, limit=limit)


@router.get("/{name}", openapi_extra=needs("limits.read"), responses=errors(403, 404))
async def limit_named(plane: Plane, call: Caller, name: str) -> LimitView:
    """One limit."""
    for each in await _all(plane, call):
        if each.name == name:
            return each
    raise rule_store.no_rule("limit")


@router.put(
    "/{name}", openapi_extra=needs("limits.write"), responses={201: {"model": LimitView}, **errors(403, 404, 409)}
)
async def put_limit(plane: Plane, call: Caller, name: str, wanted: NewLimit, response: Response) -> LimitView:
    """Make a limit, or replace it; data planes follow within a second or so, and what was counted still counts.

    Another unit, period, scope or selection is another limit: it begins at nothing used.
    """
    row, _ = rule.to_store(plane, call, name, wanted, LimitSettings)
    async with plane.database.connection() as connection:
        is_new = await rule_store.put_rule(connection, row, call.change(), scope=call.scope)
    response.status_code = 201 if is_new else 200
    return _stored(row)


@router.delete("/{name}", status_code=204, openapi_extra=needs("limits.write"), responses=errors(403, 404))
async def drop_limit(plane: Plane, call: Caller, name: str) -> None:
    """Delete a limit of the database."""
    async with plane.database.connection() as connection:
        await rule_store.delete_rule(
            connection, "limit", rule.demand_nul_free(name, "limit"), call.change(), scope=call.scope
        )


async def _all(plane: ControlPlane, call: Call) -> list[LimitView]:
    async with plane.database.connection() as connection:
        rows = await rule_store.list_rules(connection, "limit", scope=call.scope)
    fixed = plane.config.limits if call.scope is None else ()
    shown = [_view(said, None, origin="file") for said in fixed] + [_stored(row) for row in rows]
    return sorted(shown, key=lambda each: each.name)


def _stored(row: RuleRow) -> LimitView:
    return _view(msgspec.json.decode(row.said, type=LimitSettings), row, origin="database")


def _view(said: LimitSettings, row: RuleRow | None, *, origin: str) -> LimitView:
    return LimitView.model_validate(
        {
            **msgspec.structs.asdict(said),
            "scope": list(said.scope),
            "tenant": None if row is None else row.tenant,
            "origin": origin,
            "changed_at": None if row is None else row.changed_at,
        }
    )
