"""`/admin/v1/vault`: erasing what the tokens of a tenant's conversations, or of one user's, stand for.

It is gone from the database with the answer, and from every process within a second of it; from one that cannot hear
of it, as soon as it can.
"""

from typing import Annotated

import psycopg
from fastapi import Query
from pydantic import BaseModel, Field

from penstock.admission.identity.audit import Change, erasure, record
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.guard.personal.vault import store

router = admin_router("/vault", "guards")

Asked = Annotated[str | None, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Erased(BaseModel):
    conversations: int = Field(description="That lay in the database; those in memory are not counted.")


@router.delete("", openapi_extra=needs("vault.erase"), responses=errors(403, 404))
async def erase(plane: Plane, call: Caller, tenant: Asked = None, user: Asked = None) -> Erased:
    """Forget the conversations of a tenant, or of one of its users."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        return Erased(conversations=await erased(connection, call.change(), tenant=whose, user=user))


async def erased(connection: psycopg.AsyncConnection, change: Change, *, tenant: str, user: str | None) -> int:
    """Erase and put it on record; returns how many conversations there were.  Inside a transaction."""
    found = await store.erase(connection, tenant=tenant, user=user)
    await record(connection, change, "vault.erased", erasure("vault", tenant=tenant, user=user))
    return found
