"""The SQL of contents.  Every statement that reads names the tenants whose they are: what is another's is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import msgspec
import psycopg
import structlog
from psycopg.rows import class_row

from penstock.watch.contents.outbox import Row, asked_at, sound

SKEW_S: Final = 2.0
"""How far the clocks of an installation's machines may be apart: what was asked so shortly after an erasure is not
kept either."""
ERASURES_KEPT_S: Final = 30 * 86_400.0
"""What a machine brings from its outbox after this time may come back, if it is of before the erasure."""
MEET_ERASURES: LiteralString = "LOCK TABLE content_erasures IN ROW SHARE MODE"
"""First of whatever adds or deletes rows: an erasure comes before all of it or after all of it."""

_NOT_TAKEN: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
_ERASE_ALONE: LiteralString = "LOCK TABLE content_erasures IN EXCLUSIVE MODE"
_PUT: LiteralString = """
    INSERT INTO contents (id, tenant, "user", expires_at, key_id, sealed, marks)
    SELECT %(id)s, %(tenant)s, %(user)s, %(expires_at)s, %(key_id)s, %(sealed)s, %(marks)s
    WHERE %(expires_at)s > %(now)s::float8
        AND NOT EXISTS (
            SELECT FROM content_erasures AS e
            WHERE e.tenant = %(tenant)s AND (e."user" IS NULL OR e."user" = %(user)s) AND e.at >= %(at)s - %(skew_s)s)
    ON CONFLICT (id) DO NOTHING
"""
_READ: LiteralString = """
    SELECT id, tenant, key_id, sealed, expires_at FROM contents
    WHERE id = ANY (%(ids)s) AND (%(tenants)s::text[] IS NULL OR tenant = ANY (%(tenants)s)) AND expires_at > %(now)s
    ORDER BY id DESC
"""
_ERASE: LiteralString = """
    DELETE FROM contents WHERE tenant = %(tenant)s AND (%(user)s::text IS NULL OR "user" = %(user)s)
"""
_OLD: LiteralString = """
    DELETE FROM contents WHERE id IN (
        SELECT id FROM contents WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptRow:
    """`sealed` is bytes; its tenant and id open it."""

    id: str
    tenant: str
    key_id: str
    sealed: bytes
    expires_at: float


def write(connection: psycopg.Connection, rows: Sequence[Row], *, now: float) -> None:
    """In the control plane's thread: what a machine's outbox brings.  To do it again changes nothing.

    What the database does not take for what stands in it is left out: it would not take it the next time either.
    """
    values = [_values(row, now) for row in rows]
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(MEET_ERASURES)
            cursor.executemany(_PUT, values)
    except _NOT_TAKEN:
        for each in values:
            _write_alone(connection, each)


def _write_alone(connection: psycopg.Connection, values: dict[str, Any]) -> None:
    try:
        with connection.transaction():
            connection.execute(MEET_ERASURES)
            connection.execute(_PUT, values)
    except _NOT_TAKEN as error:
        _log.error("contents_refused", exchange=values["id"], reason=str(error).strip().partition("\n")[0])


def _values(row: Row, now: float) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "now": now, "at": asked_at(row.id), "skew_s": SKEW_S}


async def read(
    connection: psycopg.AsyncConnection, ids: Sequence[str], *, tenants: Sequence[str] | None, now: float
) -> list[KeptRow]:
    """Those of the exchanges that are kept, the newest first; of these tenants, or of all."""
    async with connection.cursor(row_factory=class_row(KeptRow)) as cursor:
        whose = None if tenants is None else [sound(tenant) for tenant in tenants]
        await cursor.execute(_READ, {"ids": list(ids), "tenants": whose, "now": now})
        return await cursor.fetchall()


async def erase(connection: psycopg.AsyncConnection, *, tenant: str, user: str | None, at: float) -> int:
    """Delete all of a tenant's, or of one of its users; returns how many exchanges there were.

    Inside a transaction.
    """
    # Nobody writes meanwhile: what was before is deleted, and what comes after meets the erasure.
    await connection.execute(_ERASE_ALONE)
    values = {"tenant": sound(tenant), "user": None if user is None else sound(user), "at": at}
    gone = await connection.execute(_ERASE, values)
    await connection.execute(
        'INSERT INTO content_erasures (at, tenant, "user") VALUES (%(at)s, %(tenant)s, %(user)s)', values
    )
    return gone.rowcount


def purge(connection: psycopg.Connection, *, now: float, most: int) -> int:
    """Delete what has ended, at most `most`; returns how many."""
    with connection.transaction():
        connection.execute(MEET_ERASURES)
        connection.execute("DELETE FROM content_erasures WHERE at < %s", (now - ERASURES_KEPT_S,))
        return connection.execute(_OLD, (now, most)).rowcount
