"""What was left out of prompts, in PostgreSQL, where every control plane can read it until its time is over."""

from collections.abc import Sequence

import psycopg

from penstock.routing.compaction.compactor import LeftOut
from penstock.routing.compaction.retained import Entry, decode_parts


def write(connection: psycopg.Connection, entries: Sequence[Entry]) -> None:
    """Add what is new and remove what is over, in one transaction; the same entry twice is one."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO left_out (exchange, tenant, expires_at, parts) VALUES (%s, %s, to_timestamp(%s), %s)"
            " ON CONFLICT (exchange) DO NOTHING",
            [(each.exchange, each.tenant, each.expires_at, each.parts) for each in entries],
        )
        cursor.execute("DELETE FROM left_out WHERE expires_at < now()")


def read(connection: psycopg.Connection, exchange: str, *, tenant: str | None) -> tuple[LeftOut, ...]:
    """What the exchange's prompt lost, if it is `tenant`'s (None: whoever's); empty where nothing is kept."""
    row = connection.execute(
        "SELECT parts FROM left_out WHERE exchange = %s AND expires_at >= now() AND (%s::text IS NULL OR tenant = %s)",
        (exchange, tenant, tenant),
    ).fetchone()
    return decode_parts(bytes(row[0])) if row is not None else ()
