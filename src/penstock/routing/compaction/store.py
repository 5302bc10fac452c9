"""What was left out of prompts, in PostgreSQL, where every control plane can read it until its time is over."""

from collections.abc import Sequence
from functools import partial
from typing import Final, LiteralString

import psycopg

from penstock.routing.compaction.retained import Entry, Retained, Shown, decode_parts
from penstock.storage.follow import Following

READ: Final[LiteralString] = (
    "SELECT parts FROM left_out WHERE exchange = %(exchange)s AND expires_at >= now()"
    " AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)"
)
"""One row of `decode_parts`, or none; without a tenant whoever's it is."""
_CLEAN_EVERY_S: Final = 60.0


def write(connection: psycopg.Connection, entries: Sequence[Entry]) -> None:
    """Add what is new; the same entry twice is one."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO left_out (exchange, tenant, expires_at, parts) VALUES (%s, %s, to_timestamp(%s), %s)"
            " ON CONFLICT (exchange) DO NOTHING",
            [(each.exchange, each.tenant, each.expires_at, each.parts) for each in entries],
        )


def clean(connection: psycopg.Connection) -> None:
    """Remove what is over."""
    connection.execute("DELETE FROM left_out WHERE expires_at < now()")


def read(connection: psycopg.Connection, exchange: str, *, tenant: str | None) -> tuple[Shown, ...]:
    """What the exchange's prompt lost, if it is `tenant`'s (None: whoever's); empty where nothing is kept."""
    row = connection.execute(READ, {"exchange": exchange, "tenant": tenant}).fetchone()
    return decode_parts(bytes(row[0])) if row is not None else ()


def shipping(retained: Retained) -> Following:
    """For a `Follower` of the data plane: brings what is new to the database every second, removes what is over."""
    return Following("left-out", (), _CLEAN_EVERY_S, clean, partial(_ship, retained))


def _ship(retained: Retained, connection: psycopg.Connection) -> None:
    entries = retained.take()
    if not entries:
        return
    try:
        write(connection, entries)
    except psycopg.Error:
        retained.give_back(entries)
        raise
