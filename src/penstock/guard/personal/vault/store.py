"""The vault's SQL: conversations in and out, and whose were erased.

`link` calls it from its threads, the control plane from its event loop.  A row holds who it belongs to, when it ends,
and bytes that only the installation's key opens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from penstock.guard.personal.vault.scope import Scope, user_holder

CHANNEL: Final = "penstock_vault"

ERASURES_KEPT_DAYS: Final = 7
"""A process that was away for longer than this keeps nothing of what it had."""
_OVERLAP: Final = 1_000
"""Places are given before rows are committed, so that one may come to light behind another that was read."""

_READ = "SELECT key, version, key_id, sealed, expires_at FROM vault WHERE key = ANY (%s)"
_WRITE = """
    INSERT INTO vault AS kept (key, tenant, holder, key_id, version, expires_at, sealed)
    SELECT %(key)s, %(tenant)s, %(holder)s, %(key_id)s, %(version)s + 1, %(expires_at)s, %(sealed)s
    WHERE NOT EXISTS (
        SELECT FROM vault_erasures AS e
        WHERE e.place > %(heard)s AND e.tenant = %(tenant)s AND (e.holder IS NULL OR e.holder = %(holder)s))
    ON CONFLICT (key) DO UPDATE SET place = DEFAULT, key_id = excluded.key_id, version = excluded.version,
        expires_at = greatest(kept.expires_at, excluded.expires_at), sealed = excluded.sealed
    WHERE kept.version = %(version)s
"""
_TOUCH = "UPDATE vault SET expires_at = greatest(expires_at, %s) WHERE key = %s AND version = %s"
_PURGE = "DELETE FROM vault WHERE key IN (SELECT key FROM vault WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)"


@dataclass(frozen=True, slots=True)
class Row:
    """What is kept of a conversation."""

    version: int
    key_id: str
    sealed: bytes
    expires_at: float


@dataclass(frozen=True, slots=True)
class Erasure:
    """Of a tenant's conversations, or of one holder's."""

    tenant: str
    holder: str | None

    def concerns(self, scope: Scope) -> bool:
        return scope.tenant == self.tenant and self.holder in {None, scope.holder}


@dataclass(frozen=True, slots=True)
class News:
    """What has changed since a place: erasures in their order, and versions by key."""

    erasures: tuple[Erasure, ...]
    last_erasure: int
    versions: dict[bytes, int]
    last_row: int


def read(connection: psycopg.Connection, keys: Sequence[bytes]) -> dict[bytes, Row]:
    """The rows that there are, ended ones too."""
    rows: list[tuple[bytes, int, str, bytes, float]] = connection.execute(_READ, (list(keys),)).fetchall()
    return {key: Row(version, key_id, sealed, ends) for key, version, key_id, sealed, ends in rows}


def write(connection: psycopg.Connection, scope: Scope, row: Row, *, heard: int) -> bool:
    """Put the row in place of that of `row.version`, 0 where there was none; False where another has come first.

    `heard` is the last erasure that the row's process had heard of: one that came later and concerns it forbids it.
    """
    values = {
        "key": scope.key,
        "tenant": scope.tenant,
        "holder": scope.holder,
        "key_id": row.key_id,
        "version": row.version,
        "expires_at": row.expires_at,
        "sealed": row.sealed,
        "heard": heard,
    }
    return connection.execute(_WRITE, values).rowcount == 1


def touch(connection: psycopg.Connection, key: bytes, *, version: int, expires_at: float) -> bool:
    """Let it live longer; False where it is another by now, or gone."""
    return connection.execute(_TOUCH, (expires_at, key, version)).rowcount == 1


def tell(connection: psycopg.Connection) -> None:
    """Wake who follows."""
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def read_news(connection: psycopg.Connection, *, after_erasure: int | None, after_row: int | None) -> News:
    """What came after these places.  Without them there is nothing in memory yet that it could concern."""
    if after_erasure is None or after_row is None:
        found = connection.execute(
            "SELECT (SELECT coalesce(max(place), 0) FROM vault_erasures), (SELECT coalesce(max(place), 0) FROM vault)"
        ).fetchone()
        last_erasure, last_row = (0, 0) if found is None else (int(found[0]), int(found[1]))
        return News((), last_erasure, {}, last_row)
    erased: list[tuple[int, str, str | None]] = connection.execute(
        "SELECT place, tenant, holder FROM vault_erasures WHERE place > %s ORDER BY place", (after_erasure,)
    ).fetchall()
    rows: list[tuple[int, bytes, int]] = connection.execute(
        "SELECT place, key, version FROM vault WHERE place > %s", (after_row - _OVERLAP,)
    ).fetchall()
    return News(
        tuple(Erasure(tenant, holder) for _, tenant, holder in erased),
        erased[-1][0] if erased else after_erasure,
        {key: version for _, key, version in rows},
        max((after_row, *(place for place, _, _ in rows))),
    )


def purge(connection: psycopg.Connection, *, now: float, most: int) -> int:
    """Delete what has ended; returns how many conversations."""
    connection.execute("DELETE FROM vault_erasures WHERE at < now() - make_interval(days => %s)", (ERASURES_KEPT_DAYS,))
    return connection.execute(_PURGE, (now, most)).rowcount


async def erase(connection: psycopg.AsyncConnection, *, tenant: str, user: str | None) -> int:
    """Delete a tenant's conversations, or one user's of it, and tell every process; returns how many there were.

    Inside a transaction.
    """
    # Nobody writes meanwhile: what was sealed before is deleted, and what comes after meets the erasure.
    await connection.execute("LOCK TABLE vault IN SHARE ROW EXCLUSIVE MODE")
    holder = None if user is None else user_holder(user)
    deleted = await connection.execute(
        "DELETE FROM vault WHERE tenant = %s AND (%s::text IS NULL OR holder = %s)", (tenant, holder, holder)
    )
    await connection.execute("INSERT INTO vault_erasures (tenant, holder) VALUES (%s, %s)", (tenant, holder))
    await connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return deleted.rowcount
