"""Erasing what is kept of the exchanges of a tenant, or of one of its users.

It is gone with the answer.  What lies in a machine's outbox at that moment, or is under way, is not kept either.
"""

import psycopg

from penstock.admission.identity.audit import Change, erasure, record
from penstock.watch.contents import store


async def erased(connection: psycopg.AsyncConnection, change: Change, *, tenant: str, user: str | None) -> int:
    """Erase and put it on record; returns how many exchanges there were.  Inside a transaction."""
    found = await store.erase(connection, tenant=tenant, user=user, at=change.at.timestamp())
    await record(connection, change, "contents.erased", erasure("contents", tenant=tenant, user=user))
    return found
