"""Tenants and their projects over the admin API."""

from typing import Annotated

import msgspec
from fastapi import Path, Query

from penstock.admission.identity import tenants as store
from penstock.admission.identity.tenants import ProjectRow, TenantRow
from penstock.console import identity_views as views
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.contents.erasing import erased as erased_contents
from penstock.console.guards.vault import erased
from penstock.console.knowledge.bases import delete_all
from penstock.console.knowledge.shelf import in_thread
from penstock.console.memory.erasing import erased as erased_memory
from penstock.console.review.groups import erased as erased_reviews

router = admin_router("/tenants", "tenants")

After = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
Limit = Annotated[int, Query(ge=1, le=1000)]
TenantId = Annotated[str, Path(max_length=300, pattern=r"^[^\x00]*$")]
ProjectId = TenantId


@router.get("", openapi_extra=needs("tenants.read"), responses=errors(403))
async def tenants(plane: Plane, call: Caller, after: After = None, limit: Limit = 100) -> views.TenantPage:
    """Tenants that are not deleted, by id; a caller within a tenant sees that one."""
    async with plane.database.connection() as connection:
        rows = await store.list_tenants(connection, scope=call.scope, after=after or "", limit=limit + 1)
    shown = rows[:limit]
    following = shown[-1].id if len(rows) > limit else None
    return views.TenantPage(items=[_tenant(row) for row in shown], next=following)


@router.post("", status_code=201, openapi_extra=needs("tenants.write"), responses=errors(403, 409))
async def make_tenant(plane: Plane, call: Caller, wanted: views.NewTenant) -> views.TenantView:
    """Make a tenant.  Its id is for good."""
    row = TenantRow(
        id=wanted.id,
        name=wanted.name or wanted.id,
        time_zone=wanted.time_zone,
        weight=wanted.weight,
        plan=wanted.plan,
        created_at=call.now,
    )
    async with plane.database.connection() as connection:
        return _tenant(await store.create_tenant(connection, row, call.change()))


@router.get("/{tenant}", openapi_extra=needs("tenants.read"), responses=errors(403, 404))
async def tenant(plane: Plane, call: Caller, tenant: TenantId) -> views.TenantView:
    """One tenant."""
    async with plane.database.connection() as connection:
        return _tenant(await store.read_tenant(connection, tenant, scope=call.scope))


@router.patch("/{tenant}", openapi_extra=needs("tenants.write"), responses=errors(403, 404))
async def alter_tenant(plane: Plane, call: Caller, tenant: TenantId, wanted: views.TenantChange) -> views.TenantView:
    """Change its name, time zone, weight or plan."""
    fields = wanted.model_dump(include=wanted.model_fields_set)
    async with plane.database.connection() as connection:
        return _tenant(await store.change_tenant(connection, tenant, fields, call.change()))


@router.post("/{tenant}/suspend", openapi_extra=needs("tenants.write"), responses=errors(403, 404))
async def suspend(plane: Plane, call: Caller, tenant: TenantId) -> views.TenantView:
    """Stop its keys and tokens at once; what is in flight ends as it would."""
    async with plane.database.connection() as connection:
        return _tenant(await store.suspend_tenant(connection, tenant, call.change()))


@router.post("/{tenant}/resume", openapi_extra=needs("tenants.write"), responses=errors(403, 404))
async def resume(plane: Plane, call: Caller, tenant: TenantId) -> views.TenantView:
    """Let a suspended tenant's keys and tokens work again."""
    async with plane.database.connection() as connection:
        return _tenant(await store.resume_tenant(connection, tenant, call.change()))


@router.delete("/{tenant}", status_code=204, openapi_extra=needs("tenants.write"), responses=errors(403, 404))
async def drop_tenant(plane: Plane, call: Caller, tenant: TenantId) -> None:
    """Delete it for good with all that is kept of it; what it has used stays in the ledger."""
    async with plane.database.connection() as connection:
        await store.read_tenant(connection, tenant, scope=call.scope)
    await in_thread(plane, lambda desk: delete_all(desk, tenant, call.change()))
    async with plane.database.connection() as connection, connection.transaction():
        await store.delete_tenant(connection, tenant, call.change())
        await erased(connection, call.change(), tenant=tenant, user=None)
        await erased_reviews(connection, call.change(), tenant=tenant, user=None)
        await erased_memory(connection, call.change(), tenant=tenant, user=None)
        await erased_contents(connection, call.change(), tenant=tenant, user=None)


@router.get("/{tenant}/projects", openapi_extra=needs("tenants.read"), responses=errors(403, 404))
async def projects(plane: Plane, call: Caller, tenant: TenantId) -> views.ProjectList:
    """Its projects that are not deleted."""
    async with plane.database.connection() as connection:
        rows = await store.list_projects(connection, tenant, scope=call.scope)
    return views.ProjectList(items=[_project(row) for row in rows])


@router.post(
    "/{tenant}/projects", status_code=201, openapi_extra=needs("projects.write"), responses=errors(403, 404, 409)
)
async def make_project(plane: Plane, call: Caller, tenant: TenantId, wanted: views.NewProject) -> views.ProjectView:
    """Make a project.  Its id is for good."""
    row = ProjectRow(tenant=tenant, id=wanted.id, name=wanted.name or wanted.id, created_at=call.now)
    async with plane.database.connection() as connection:
        return _project(await store.create_project(connection, row, call.change(), scope=call.scope))


@router.patch("/{tenant}/projects/{project}", openapi_extra=needs("projects.write"), responses=errors(403, 404))
async def alter_project(
    plane: Plane, call: Caller, tenant: TenantId, project: ProjectId, wanted: views.ProjectChange
) -> views.ProjectView:
    """Rename it."""
    async with plane.database.connection() as connection:
        row = await store.rename_project(connection, (tenant, project), wanted.name, call.change(), scope=call.scope)
    return _project(row)


@router.delete(
    "/{tenant}/projects/{project}", status_code=204, openapi_extra=needs("projects.write"), responses=errors(403, 404)
)
async def drop_project(plane: Plane, call: Caller, tenant: TenantId, project: ProjectId) -> None:
    """Delete it for good, and revoke its keys."""
    async with plane.database.connection() as connection:
        await store.delete_project(connection, (tenant, project), call.change(), scope=call.scope)


def _tenant(row: TenantRow) -> views.TenantView:
    return views.TenantView.model_validate(msgspec.structs.asdict(row))


def _project(row: ProjectRow) -> views.ProjectView:
    return views.ProjectView.model_validate(msgspec.structs.asdict(row))
