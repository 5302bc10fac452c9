"""Tenants and their projects in PostgreSQL.  Called by the admin API; every change is audited and announced.

`scope` is the only tenant that the caller may see, None for one who spans them all: another's is not there.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from penstock.admission.identity.audit import Action, Change, Subject, record
from penstock.admission.identity.faults import Conflict, no_project, no_tenant
from penstock.admission.store import ANNOUNCE

_TENANT: LiteralString = "id, name, time_zone, weight, plan, created_at, suspended_at, deleted_at"
_PROJECT: LiteralString = "tenant, id, name, created_at, deleted_at"


class TenantRow(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant.  `weight` is its share where there is not room for all; `time_zone` says when its day begins."""

    id: str
    name: str
    time_zone: str
    weight: float
    plan: str | None
    created_at: datetime
    suspended_at: datetime | None = None
    deleted_at: datetime | None = None


class ProjectRow(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    id: str
    name: str
    created_at: datetime
    deleted_at: datetime | None = None


async def list_tenants(
    connection: psycopg.AsyncConnection, *, scope: str | None, after: str, limit: int
) -> tuple[TenantRow, ...]:
    """Tenants that are not deleted, in the order of their ids, beginning behind the id `after`."""
    found = await connection.execute(
        sql.SQL(
            "SELECT {} FROM tenants WHERE id > %s AND deleted_at IS NULL AND (%s::text IS NULL OR id = %s)"
            " ORDER BY id LIMIT %s"
        ).format(sql.SQL(_TENANT)),
        (after, scope, scope, limit),
    )
    return tuple(_tenant(row) for row in await found.fetchall())


async def read_tenant(connection: psycopg.AsyncConnection, tenant: str, *, scope: str | None) -> TenantRow:
    """Raises `UnknownTenant`, for a deleted one and another's too."""
    return await _read(connection, tenant, scope=scope, lock="")


async def create_tenant(connection: psycopg.AsyncConnection, row: TenantRow, change: Change) -> TenantRow:
    """Raises `Conflict` where the id is taken; that of a deleted tenant stays taken, since the ledger names it."""
    async with connection.transaction():
        done = await connection.execute(
            "INSERT INTO tenants (id, name, time_zone, weight, plan, created_at) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (id) DO NOTHING",
            (row.id, row.name, row.time_zone, row.weight, row.plan, row.created_at),
        )
        if not done.rowcount:
            raise Conflict(f"There is or was a tenant `{row.id}` already.")
        await _record(connection, change, "tenant.created", None, row)
    return row


async def change_tenant(
    connection: psycopg.AsyncConnection, tenant: str, fields: Mapping[str, object], change: Change
) -> TenantRow:
    """Set `name`, `time_zone`, `weight` and `plan`, those that are given.  Raises `UnknownTenant`."""
    allowed = {name: fields[name] for name in ("name", "time_zone", "weight", "plan") if name in fields}
    return await _set(connection, tenant, allowed, change, "tenant.changed")


async def suspend_tenant(connection: psycopg.AsyncConnection, tenant: str, change: Change) -> TenantRow:
    """Its keys and tokens stop at once, until it is resumed; what is in flight ends as it would."""
    return await _set(connection, tenant, {"suspended_at": change.at}, change, "tenant.suspended")


async def resume_tenant(connection: psycopg.AsyncConnection, tenant: str, change: Change) -> TenantRow:
    return await _set(connection, tenant, {"suspended_at": None}, change, "tenant.resumed")


async def delete_tenant(connection: psycopg.AsyncConnection, tenant: str, change: Change) -> None:
    """For good, and its keys with it; the row stays.  Raises `UnknownTenant`."""
    async with connection.transaction():
        await _set(connection, tenant, {"deleted_at": change.at}, change, "tenant.deleted")
        await connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE tenant = %s", (change.at, tenant)
        )


async def list_projects(
    connection: psycopg.AsyncConnection, tenant: str, *, scope: str | None
) -> tuple[ProjectRow, ...]:
    """Raises `UnknownTenant`."""
    await read_tenant(connection, tenant, scope=scope)
    found = await connection.execute(
        sql.SQL("SELECT {} FROM projects WHERE tenant = %s AND deleted_at IS NULL ORDER BY id").format(
            sql.SQL(_PROJECT)
        ),
        (tenant,),
    )
    return tuple(_project(row) for row in await found.fetchall())


async def create_project(
    connection: psycopg.AsyncConnection, row: ProjectRow, change: Change, *, scope: str | None
) -> ProjectRow:
    """Raises `UnknownTenant`, and `Conflict` where the id is taken, if only by a deleted one."""
    async with connection.transaction():
        await _read(connection, row.tenant, scope=scope, lock="FOR SHARE")
        done = await connection.execute(
            "INSERT INTO projects (tenant, id, name, created_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (tenant, id) DO NOTHING",
            (row.tenant, row.id, row.name, row.created_at),
        )
        if not done.rowcount:
            raise Conflict(f"There is or was a project `{row.id}` already.")
        await _record(connection, change, "project.created", None, row)
    return row


async def rename_project(
    connection: psycopg.AsyncConnection, project: tuple[str, str], name: str, change: Change, *, scope: str | None
) -> ProjectRow:
    """`project` is the ids of the tenant and of the project in it.  Raises `UnknownProject`."""
    async with connection.transaction():
        before = await _locked_project(connection, project, scope=scope)
        await connection.execute("UPDATE projects SET name = %s WHERE tenant = %s AND id = %s", (name, *project))
        after = msgspec.structs.replace(before, name=name)
        await _record(connection, change, "project.changed", before, after)
    return after


async def delete_project(
    connection: psycopg.AsyncConnection, project: tuple[str, str], change: Change, *, scope: str | None
) -> None:
    """For good, and its keys with it.  Raises `UnknownProject`."""
    async with connection.transaction():
        before = await _locked_project(connection, project, scope=scope)
        await connection.execute(
            "UPDATE projects SET deleted_at = %s WHERE tenant = %s AND id = %s", (change.at, *project)
        )
        await connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE tenant = %s AND project = %s",
            (change.at, *project),
        )
        after = msgspec.structs.replace(before, deleted_at=change.at)
        await _record(connection, change, "project.deleted", before, after)


async def _read(
    connection: psycopg.AsyncConnection, tenant: str, *, scope: str | None, lock: LiteralString
) -> TenantRow:
    if scope not in (None, tenant):
        raise no_tenant()
    found = await connection.execute(
        sql.SQL("SELECT {} FROM tenants WHERE id = %s AND deleted_at IS NULL {}").format(
            sql.SQL(_TENANT), sql.SQL(lock)
        ),
        (tenant,),
    )
    row = await found.fetchone()
    if row is None:
        raise no_tenant()
    return _tenant(row)


async def _set(
    connection: psycopg.AsyncConnection, tenant: str, fields: Mapping[str, object], change: Change, action: Action
) -> TenantRow:
    async with connection.transaction():
        before = await _read(connection, tenant, scope=None, lock="FOR UPDATE")
        after = msgspec.structs.replace(before, **fields)
        await connection.execute(
            "UPDATE tenants SET name = %s, time_zone = %s, weight = %s, plan = %s, suspended_at = %s, deleted_at = %s"
            " WHERE id = %s",
            (after.name, after.time_zone, after.weight, after.plan, after.suspended_at, after.deleted_at, tenant),
        )
        await _record(connection, change, action, before, after)
    return after


async def _locked_project(
    connection: psycopg.AsyncConnection, project: tuple[str, str], *, scope: str | None
) -> ProjectRow:
    if scope not in (None, project[0]):
        raise no_project()
    found = await connection.execute(
        sql.SQL("SELECT {} FROM projects WHERE tenant = %s AND id = %s AND deleted_at IS NULL FOR UPDATE").format(
            sql.SQL(_PROJECT)
        ),
        project,
    )
    row = await found.fetchone()
    if row is None:
        raise no_project()
    return _project(row)


async def _record(
    connection: psycopg.AsyncConnection,
    change: Change,
    action: Action,
    before: TenantRow | ProjectRow | None,
    after: TenantRow | ProjectRow,
) -> None:
    tenant, subject = (
        (after.id, after.id) if isinstance(after, TenantRow) else (after.tenant, f"{after.tenant}/{after.id}")
    )
    earlier = None if before is None else msgspec.structs.asdict(before)
    await record(
        connection,
        change,
        action,
        Subject(id=subject, tenant=tenant, before=earlier, after=msgspec.structs.asdict(after)),
    )
    await connection.execute(ANNOUNCE)


def _tenant(row: TupleRow) -> TenantRow:
    return TenantRow(
        id=row[0],
        name=row[1],
        time_zone=row[2],
        weight=row[3],
        plan=row[4],
        created_at=row[5],
        suspended_at=row[6],
        deleted_at=row[7],
    )


def _project(row: TupleRow) -> ProjectRow:
    return ProjectRow(tenant=row[0], id=row[1], name=row[2], created_at=row[3], deleted_at=row[4])
