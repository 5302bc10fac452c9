"""The admin API, `/admin/v1`: what is served, what was settled, who may call.  Guarded by the admin token."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPBearer

import penstock
from penstock.admission.keys import new_key
from penstock.admission.store import KeyRow, create_key, list_keys, revoke_key
from penstock.config.digest import redacted
from penstock.console import views
from penstock.console.plane import ControlPlane
from penstock.console.store import GroupBy, LedgerChoice, ledger_page, ledger_summary
from penstock.console.token import is_admin
from penstock.core.errors import AuthError, MalformedRequest, PenstockError


class UnknownKey(PenstockError):
    code = "unknown_key"
    status = 404


def plane_of(request: Request) -> ControlPlane:
    """The control plane that the application was made with."""
    plane: ControlPlane = request.app.state.plane
    return plane


Plane = Annotated[ControlPlane, Depends(plane_of)]


def _require_admin(request: Request, plane: Plane) -> None:
    if not is_admin(plane.admin_token, request.headers.get("authorization")):
        raise AuthError("This needs the admin token: send it as `Authorization: Bearer <token>`.")


def _errors(*statuses: int) -> "dict[int | str, dict[str, Any]]":
    return {status: {"model": views.ErrorView} for status in statuses}


router = APIRouter(
    prefix="/admin/v1",
    tags=["admin"],
    dependencies=[Depends(HTTPBearer(auto_error=False, description="The admin token.")), Depends(_require_admin)],
    responses=_errors(400, 401, 503),
)


@router.get("/status")
async def status(plane: Plane) -> views.StatusView:
    """Version, configuration, health and shipping at one glance."""
    shipped = plane.shipping.status
    return views.StatusView(
        version=penstock.__version__,
        config_hash=plane.config.config_hash,
        uptime_s=plane.clock.monotonic() - plane.started_s,
        health=await plane.health(),
        shipped_records=0 if shipped is None else shipped.shipped_records,
        shipping_error=None if shipped is None else shipped.last_error,
    )


@router.get("/models")
def models(plane: Plane) -> list[views.ModelView]:
    """The model names that are shown to callers, and where each leads."""
    catalog = plane.catalog.get()
    found = [(name, catalog.resolve(name)) for name in catalog.names()]
    return [
        views.ModelView(name=name, targets=[target.name for target in route.targets], max_attempts=route.max_attempts)
        for name, route in found
    ]


@router.get("/providers")
def providers(plane: Plane) -> list[views.ProviderView]:
    """The providers that can be called, without their credentials."""
    shown: list[views.ProviderView] = []
    for provider in plane.catalog.get().providers():
        settings = plane.config.providers.get(provider.name)
        reference = None if settings is None or settings.api_key is None else settings.api_key.shown()
        shown.append(
            views.ProviderView(
                name=provider.name,
                dialect=provider.dialect,
                is_configured=settings is not None,
                base_url=None if settings is None else settings.base_url,
                api_key=reference,
            )
        )
    return shown


@router.get("/config")
def config(plane: Plane) -> views.ConfigView:
    """Every setting in force, secrets as references, and the hash that stands in each ledger row."""
    settings = plane.config
    return views.ConfigView(config_hash=settings.config_hash, file=settings.file, settings=redacted(settings))


Text = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


def _choice(
    *,
    since: Annotated[datetime | None, Query(description="Inclusive; ISO 8601, UTC without a zone.")] = None,
    until: Annotated[datetime | None, Query(description="Exclusive.")] = None,
    tenant: Text = None,
    key: Text = None,
    model: Text = None,
    target: Text = None,
    outcome: Text = None,
) -> LedgerChoice:
    return LedgerChoice(
        since=_utc(since), until=_utc(until), tenant=tenant, key=key, model=model, target=target, outcome=outcome
    )


def _utc(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


Choice = Annotated[LedgerChoice, Depends(_choice)]
Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/ledger")
async def ledger(plane: Plane, choice: Choice, after: Text = None, limit: Limit = 100) -> views.LedgerPage:
    """Settled exchanges, newest first, page by page."""
    async with plane.database.connection() as connection:
        rows, following = await ledger_page(connection, choice, after=after, limit=limit)
    return views.LedgerPage(items=[views.LedgerEntry.model_validate(row) for row in rows], next=following)


@router.get("/ledger/summary")
async def summary(plane: Plane, choice: Choice, group_by: GroupBy = "model") -> views.LedgerSummary:
    """Exchanges, tokens, cost and time, summed by group."""
    async with plane.database.connection() as connection:
        rows = await ledger_summary(connection, choice, group_by)
    return views.LedgerSummary(group_by=group_by, groups=[views.LedgerGroup.model_validate(row) for row in rows])


@router.get("/keys")
async def keys(plane: Plane, after: Text = None, limit: Limit = 100) -> views.KeyPage:
    """API keys, revoked ones too, in the order in which they were made."""
    async with plane.database.connection() as connection:
        rows = await list_keys(connection, after=after or "", limit=limit + 1)
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else None
    return views.KeyPage(items=[_key_view(row) for row in shown], next=following)


@router.post("/keys", status_code=201)
async def make_key(plane: Plane, wanted: views.NewKeyRequest) -> views.CreatedKey:
    """Make an API key; the data plane accepts it within a second or so.  This answer alone holds it."""
    now = datetime.fromtimestamp(plane.clock.now(), UTC)
    expires_at = _utc(wanted.expires_at)
    if expires_at is not None and expires_at <= now:
        raise MalformedRequest("`expires_at` is in the past.", field="expires_at")
    if "\0" in wanted.name:
        raise MalformedRequest("`name` holds a NUL character.", field="name")
    made = new_key("live")
    row = KeyRow(
        id=plane.new_key_id(),
        tenant=wanted.tenant,
        name=wanted.name,
        prefix=made.prefix,
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
    )
    async with plane.database.connection() as connection:
        await create_key(connection, row, plane.hasher.hash(made.text))
    return views.CreatedKey(key=made.text, **_key_view(row).model_dump())


@router.delete("/keys/{key_id}", status_code=204, responses=_errors(404))
async def drop_key(plane: Plane, key_id: str) -> None:
    """Revoke a key for good; revoking it again changes nothing."""
    now = datetime.fromtimestamp(plane.clock.now(), UTC)
    async with plane.database.connection() as connection:
        if "\0" in key_id or not await revoke_key(connection, key_id, at=now):
            raise UnknownKey("There is no such key.")


def _key_view(row: KeyRow) -> views.KeyView:
    return views.KeyView(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        prefix=row.prefix,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
