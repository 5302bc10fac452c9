"""API keys in PostgreSQL: the control plane makes and revokes them, the data plane follows.

The data plane's request path never comes here: `KeyFollower` reads the table in a thread of its own, on every `NOTIFY`
and on a timer (so that a lost notification heals), and replaces the ring.  A database that is away changes nothing.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg
import structlog

from penstock.admission.keys import KeyEntry, KeyHash, KeyHasher, KeyRing, LiveKeys
from penstock.admission.snapshot import load_snapshot, save_snapshot
from penstock.core.exchange import Principal

CHANNEL = "penstock_keys"
"""What is notified when the table changes."""

_FIRST_RETRY_S = 0.5
_NOTIFY_CHECK_S = 0.5

_log = structlog.get_logger(__name__)


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key as an operator sees it."""

    id: str
    tenant: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def create_key(connection: psycopg.AsyncConnection, row: KeyRow, digest: KeyHash) -> None:
    """Store a key, and its tenant where that is new."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO tenants (id, name) VALUES (%s, %s) ON CONFLICT (id) DO NOTHING", (row.tenant, row.tenant)
        )
        await connection.execute(
            "INSERT INTO api_keys (id, tenant, prefix, hash, name, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (row.id, row.tenant, row.prefix, digest, row.name, row.created_at, row.expires_at),
        )
        await connection.execute(f"NOTIFY {CHANNEL}")


async def revoke_key(connection: psycopg.AsyncConnection, key_id: str, *, at: datetime) -> bool:
    """Revoke a key; the first time counts.  False where there is no such key."""
    async with connection.transaction():
        done = await connection.execute(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s", (at, key_id)
        )
        await connection.execute(f"NOTIFY {CHANNEL}")
        return done.rowcount == 1


async def list_keys(connection: psycopg.AsyncConnection, *, after: str, limit: int) -> tuple[KeyRow, ...]:
    """Keys in the order of their ids, beginning behind the id `after`."""
    found = await connection.execute(
        "SELECT id, tenant, name, prefix, created_at, expires_at, revoked_at FROM api_keys"
        " WHERE id > %s ORDER BY id LIMIT %s",
        (after, limit),
    )
    rows = await found.fetchall()
    return tuple(
        KeyRow(id=r[0], tenant=r[1], name=r[2], prefix=r[3], created_at=r[4], expires_at=r[5], revoked_at=r[6])
        for r in rows
    )


def read_entries(connection: psycopg.Connection) -> tuple[KeyEntry, ...]:
    """Every key that is not revoked."""
    rows = connection.execute(
        "SELECT hash, tenant, id, extract(epoch FROM expires_at)::double precision FROM api_keys"
        " WHERE revoked_at IS NULL"
    ).fetchall()
    return tuple(KeyEntry(bytes(row[0]), Principal(tenant=row[1], key=row[2]), row[3]) for row in rows)


class KeyFollower:
    """Keeps `keys` in step with the table.  `start` once, `stop` once; `stop` waits for the thread.

    `connect` gives a connection in autocommit mode, or None while the database's address is not known.  `fixed` are
    the keys that are not in the table.  The ring begins as the saved snapshot.
    """

    def __init__(
        self,
        *,
        keys: LiveKeys,
        hasher: KeyHasher,
        fixed: tuple[KeyEntry, ...],
        snapshot: Path,
        connect: Callable[[], psycopg.Connection | None],
        refresh_s: float,
    ) -> None:
        self._keys = keys
        self._hasher = hasher
        self._fixed = fixed
        self._snapshot = snapshot
        self._connect = connect
        self._refresh_s = refresh_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="penstock-keys", daemon=True)
        self._entries = load_snapshot(snapshot)
        self._replace()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=2 * _NOTIFY_CHECK_S)

    def _run(self) -> None:
        wait_s = _FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                connection = self._connect()
                if connection is not None:
                    with connection:
                        wait_s = _FIRST_RETRY_S
                        self._follow(connection)
            except psycopg.errors.UndefinedTable:
                _log.debug("keys_wait_for_the_schema")  # a first start: whoever migrates is at it
            except psycopg.Error as error:
                _log.warning("keys_not_refreshed", reason=str(error).strip(), retry_in_s=wait_s)
            self._stopping.wait(wait_s)
            wait_s = min(2 * wait_s, self._refresh_s)

    def _follow(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._refresh(connection)
        waited_s = 0.0
        while not self._stopping.is_set():
            is_notified = any(True for _ in connection.notifies(timeout=_NOTIFY_CHECK_S, stop_after=1))
            waited_s += _NOTIFY_CHECK_S
            if is_notified or waited_s >= self._refresh_s:
                self._refresh(connection)
                waited_s = 0.0

    def _refresh(self, connection: psycopg.Connection) -> None:
        entries = read_entries(connection)
        if entries == self._entries:
            return
        self._entries = entries
        self._replace()
        try:
            save_snapshot(self._snapshot, entries)
        except OSError as error:
            _log.warning("key_snapshot_not_saved", reason=str(error))

    def _replace(self) -> None:
        self._keys.replace(KeyRing(self._entries + self._fixed, self._hasher))
