"""API keys over the admin API: make, list, change, rotate, revoke."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import Query

from penstock.admission.identity.access import covers
from penstock.admission.identity.faults import no_key
from penstock.admission.identity.roles import Actor
from penstock.admission.keys import KeyHash, NewKey, new_key
from penstock.admission.store import (
    KeyChoice,
    KeyRow,
    change_key,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from penstock.config.identity import Role
from penstock.console import identity_views as views
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.core.errors import Forbidden, MalformedRequest

router = admin_router("/keys", "keys")

Text = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("", openapi_extra=needs("keys.read"), responses=errors(403, 404))
async def keys(  # noqa: PLR0917 - named parameters of the query
    plane: Plane, call: Caller, tenant: Text = None, prefix: Text = None, after: Text = None, limit: Limit = 100
) -> views.KeyPage:
    """API keys, ended ones too, in the order in which they were made; `prefix` finds those that begin so."""
    choice = KeyChoice(scope=call.scope, tenant=call.narrowed(tenant), prefix=prefix)
    async with plane.database.connection() as connection:
        rows = await list_keys(connection, choice, after=after or "", limit=limit + 1)
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else None
    return views.KeyPage(items=[_view(row) for row in shown], next=following)


@router.post("", status_code=201, openapi_extra=needs("keys.write"), responses=errors(403, 404))
async def make_key(plane: Plane, call: Caller, wanted: views.NewKeyRequest) -> views.CreatedKey:
    """Make an API key; the data plane accepts it within a second or so.  This answer alone holds it.

    A caller who spans all tenants makes the tenant with it, where that is new.
    """
    call.narrowed(wanted.tenant)
    models = None if wanted.models is None else tuple(wanted.models)
    _demand_grant(call.actor, models, tuple(wanted.roles), wanted.project)
    made = new_key("live")
    row = KeyRow(
        id=plane.new_id("key"),
        tenant=wanted.tenant,
        project=wanted.project,
        name=wanted.name,
        prefix=made.prefix,
        models=models,
        priority=wanted.priority,
        feature=wanted.feature,
        roles=tuple(wanted.roles),
        created_at=call.now,
        expires_at=_future(wanted.expires_at, call.now),
        revoked_at=None,
    )
    async with plane.database.connection() as connection:
        await create_key(
            connection, row, plane.hasher.hash(made.text), call.change(), makes_tenant=call.actor.may("tenants.write")
        )
    return views.CreatedKey(key=made.text, **_view(row).model_dump())


@router.patch("/{key_id}", openapi_extra=needs("keys.write"), responses=errors(403, 404, 409))
async def alter_key(plane: Plane, call: Caller, key_id: str, wanted: views.KeyChange) -> views.KeyView:
    """Change what a key may do, or when it expires."""

    def revise(row: KeyRow) -> KeyRow:
        given = wanted.model_fields_set
        fields = wanted.model_dump(include=given)
        for name in ("models", "roles"):
            if fields.get(name) is not None:
                fields[name] = tuple(fields[name])
        if "expires_at" in given:
            fields["expires_at"] = _future(wanted.expires_at, call.now)
        # The one who changes a key must have all that it can do, before and after: else it could be used as a ladder.
        _demand_grant(call.actor, row.models, row.roles, row.project)
        revised = msgspec.structs.replace(row, **fields)
        _demand_grant(call.actor, revised.models, revised.roles, revised.project)
        return revised

    async with plane.database.connection() as connection:
        row = await change_key(connection, _id(key_id), revise, call.change(), scope=call.scope)
    return _view(row)


@router.post("/{key_id}/rotate", status_code=201, openapi_extra=needs("keys.write"), responses=errors(403, 404, 409))
async def turn_key(plane: Plane, call: Caller, key_id: str, wanted: views.Rotation | None = None) -> views.CreatedKey:
    """Make the key that replaces this one; this one ends after the overlap.  This answer alone holds the new one."""
    texts: list[NewKey] = []

    def make(old: KeyRow) -> tuple[KeyRow, KeyHash]:
        _demand_grant(call.actor, old.models, old.roles, old.project)
        made = new_key("live")
        texts.append(made)
        ends = None if old.expires_at is None else call.now + (old.expires_at - old.created_at)
        fresh = msgspec.structs.replace(
            old, id=plane.new_id("key"), prefix=made.prefix, created_at=call.now, expires_at=ends
        )
        return fresh, plane.hasher.hash(made.text)

    overlap_s = (wanted or views.Rotation()).overlap_s
    async with plane.database.connection() as connection:
        row = await rotate_key(connection, _id(key_id), make, call.change(), overlap_s=overlap_s, scope=call.scope)
    return views.CreatedKey(key=texts[0].text, **_view(row).model_dump())


@router.delete("/{key_id}", status_code=204, openapi_extra=needs("keys.write"), responses=errors(403, 404))
async def drop_key(plane: Plane, call: Caller, key_id: str) -> None:
    """Revoke a key for good; revoking it again changes nothing."""
    async with plane.database.connection() as connection:
        await revoke_key(connection, _id(key_id), call.change(), scope=call.scope)


def _demand_grant(actor: Actor, models: tuple[str, ...] | None, roles: tuple[Role, ...], project: str | None) -> None:
    """Nobody makes or changes a key that may more than they may themselves."""
    if not actor.may_grant(roles):
        raise Forbidden("This credential may not grant these roles: they allow more than its own.", field="roles")
    if not covers(actor.models, models):
        raise Forbidden("This credential may not grant these models: it has not got them itself.", field="models")
    if roles and project is not None:
        raise MalformedRequest("Roles hold for a whole tenant: a key of one project has none.", field="roles")


def _future(time: datetime | None, now: datetime) -> datetime | None:
    if time is None:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    if time <= now:
        raise MalformedRequest("`expires_at` is in the past.", field="expires_at")
    return time


def _id(key_id: str) -> str:
    if "\0" in key_id:
        raise no_key()
    return key_id


def _view(row: KeyRow) -> views.KeyView:
    return views.KeyView.model_validate(msgspec.structs.asdict(row))
