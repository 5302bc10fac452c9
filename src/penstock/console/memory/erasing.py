"""`/admin/v1/memory`: erasing what is kept of the conversations of a tenant, or of one of its users.

It is gone with the answer, for every process: nobody remembers a turn but the database.  What is under way at that
moment, or lies in a machine's outbox, is not kept either.
"""

from typing import Annotated

import psycopg
from fastapi import Query
from pydantic import BaseModel, Field

from penstock.admission.identity.audit import Change, erasure, record
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.memory import store

router = admin_router("/memory", "memory")

Asked = Annotated[str | None, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Erased(BaseModel):
    turns: int = Field(description="Questions with their answers, and items that were added.")


@router.delete("", openapi_extra=needs("memory.erase"), responses=errors(403, 404))
async def erase(plane: Plane, call: Caller, tenant: Asked = None, user: Asked = None) -> Erased:
    """Delete the conversations and answers of a tenant, or of one of its users."""
    whose = call.whose(tenant)
    async with plane.database.connection() as connection, connection.transaction():
        return Erased(turns=await erased(connection, call.change(), tenant=whose, user=user))


async def erased(connection: psycopg.AsyncConnection, change: Change, *, tenant: str, user: str | None) -> int:
    """Erase and put it on record; returns how many turns there were.  Inside a transaction."""
    found = await store.erase(connection, tenant=tenant, user=user, at=change.at.timestamp())
    await record(connection, change, "memory.erased", erasure("memory", tenant=tenant, user=user))
    return found
