"""`/admin/v1/review`: who is in which group of reviewers, and erasing what the review keeps of somebody."""

from typing import Annotated

import psycopg
from fastapi import Path, Query

from penstock.admission.identity.audit import Change, Subject, erasure, record
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.review import views
from penstock.review.erasure import erase as erase_review
from penstock.review.reviewer import add_member, drop_member, members

router = admin_router("/review", "review")

Asked = Annotated[str | None, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Group = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Member = Annotated[
    str,
    Path(
        max_length=2000,
        pattern=r"^(key|user):[^\x00]+$",
        description="`key:` and a key's id, or `user:` and the user that a token names.",
    ),
]


@router.get("/groups", openapi_extra=needs("review.manage"), responses=errors(403, 404))
async def groups(plane: Plane, call: Caller, tenant: Asked = None) -> views.GroupList:
    """The groups that have members here."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection:
        return views.GroupList(groups=await members(connection, whose))


# Paths, since a user's id may have a slash in it.
@router.put(
    "/groups/{group}/members/{member:path}",
    status_code=204,
    openapi_extra=needs("review.manage"),
    responses=errors(403, 404),
)
async def add(plane: Plane, call: Caller, group: Group, member: Member, tenant: Asked = None) -> None:
    """Make somebody a member, from the next call on.  To say it again changes nothing."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        if await add_member(connection, whose, group, member):
            subject = Subject(id=group, tenant=whose, before=None, after={"member": member})
            await record(connection, call.change(), "review.member_added", subject)


@router.delete(
    "/groups/{group}/members/{member:path}",
    status_code=204,
    openapi_extra=needs("review.manage"),
    responses=errors(403, 404),
)
async def drop(plane: Plane, call: Caller, group: Group, member: Member, tenant: Asked = None) -> None:
    """Let somebody be none, from the next call on; what they have claimed is others' once the time is over."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        if await drop_member(connection, whose, group, member):
            subject = Subject(id=group, tenant=whose, before={"member": member}, after=None)
            await record(connection, call.change(), "review.member_removed", subject)


@router.delete("", openapi_extra=needs("review.erase"), responses=errors(403, 404))
async def erase(plane: Plane, call: Caller, tenant: Asked = None, user: Asked = None) -> views.Erased:
    """Delete the holds and remarks of a tenant, or of one of its users, with all that belongs to them."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        return views.Erased(holds=await erased(connection, call.change(), tenant=whose, user=user))


async def erased(connection: psycopg.AsyncConnection, change: Change, *, tenant: str, user: str | None) -> int:
    """Erase and put it on record; returns how many holds there were.  Inside a transaction."""
    found = await erase_review(connection, tenant=tenant, user=user, at=change.at.timestamp())
    await record(connection, change, "review.erased", erasure("review", tenant=tenant, user=user))
    return found
