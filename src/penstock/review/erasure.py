"""Erasing what the review keeps of a tenant or of one of its users, and what is kept for long enough.

With a hold go its texts, its history, what was released, its opinions, its case and its deliveries.  What still lies in
an outbox at that moment does not come back: the erasure is remembered for as long as an outbox may be away.
"""

from typing import LiteralString

import psycopg

from penstock.review.hold import named

ERASURES_KEPT_S = 30 * 86_400.0
"""What a machine brings from its outbox after this time may come back, if it is of before the erasure."""
MEET_ERASURES: LiteralString = "LOCK TABLE hold_erasures IN ROW SHARE MODE"
"""First of whatever adds something that an erasure may mean, or locks anything before the hold that it belongs to.

So an erasure comes before all of that, or after all of it.  One that locked the tables themselves would wait for
somebody who has locked a hold, and who waits to change it.
"""

_DAY_S = 86_400.0
_MAY_ERASE: LiteralString = "SELECT set_config('penstock.erasing', 'on', true)"
_ERASE: LiteralString = 'DELETE FROM holds WHERE tenant = %(tenant)s AND (%(user)s::text IS NULL OR "user" = %(user)s)'
_ERASE_REMARKS: LiteralString = """
    DELETE FROM remarks AS r WHERE r.tenant = %(tenant)s AND (%(user)s::text IS NULL OR r."user" = %(user)s
        OR EXISTS (SELECT FROM ledger AS l
            WHERE l.id = r.exchange AND l.tenant = r.tenant AND l."user" = %(user)s))
"""
"""Of a user what it said, and what others said of its exchanges."""
_NOTE: LiteralString = 'INSERT INTO hold_erasures (at, tenant, "user") VALUES (%(at)s, %(tenant)s, %(user)s)'
_PURGE: LiteralString = """
    DELETE FROM holds WHERE id IN (
        SELECT id FROM holds WHERE ended_at < %s ORDER BY ended_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_FORGET_REMARKS: LiteralString = """
    DELETE FROM remarks WHERE ctid IN (
        SELECT r.ctid FROM remarks AS r WHERE r.at < %s AND r.assistant IS NULL
            AND NOT EXISTS (SELECT FROM ledger AS l WHERE l.id = r.exchange AND l.tenant = r.tenant)
        ORDER BY r.at LIMIT %s FOR UPDATE OF r SKIP LOCKED)
"""
_PURGE_REMARKS: LiteralString = """
    DELETE FROM remarks WHERE ctid IN (
        SELECT ctid FROM remarks WHERE at < %s ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED)
"""


async def erase(connection: psycopg.AsyncConnection, *, tenant: str, user: str | None, at: float) -> int:
    """Delete a tenant's holds and remarks, or one user's of it; returns how many holds there were.

    Inside a transaction.
    """
    # Nobody adds meanwhile: what was before is deleted, and what comes after meets the erasure.
    await connection.execute("LOCK TABLE hold_erasures IN EXCLUSIVE MODE")
    await connection.execute(_MAY_ERASE)
    whose = {"tenant": tenant, "user": None if user is None else named(user), "at": at}
    gone = await connection.execute(_ERASE, whose)
    await connection.execute(_ERASE_REMARKS, whose)
    if user is None:
        await connection.execute("DELETE FROM hold_members WHERE tenant = %s", (tenant,))
    await connection.execute(_NOTE, whose)
    await connection.execute("SELECT set_config('penstock.erasing', 'off', true)")
    return gone.rowcount


def purge(connection: psycopg.Connection, *, now: float, keep_days: float, most: int) -> int:
    """Delete holds that were ended, and remarks that were made, longer ago; returns how many holds.

    Remarks on what no exchange of their tenant was go after a day.  What nobody has decided stays, however old.  At
    most `most` of each: call it again while there are more.
    """
    before = now - keep_days * _DAY_S
    with connection.transaction():
        connection.execute(MEET_ERASURES)
        connection.execute(_MAY_ERASE)
        connection.execute("DELETE FROM hold_erasures WHERE at < %s", (now - ERASURES_KEPT_S,))
        connection.execute(_FORGET_REMARKS, (now - _DAY_S, most))
        connection.execute(_PURGE_REMARKS, (before, most))
        return connection.execute(_PURGE, (before, most)).rowcount
