"""API keys in PostgreSQL: the control plane makes and revokes them, the data plane follows.

The data plane's request path never comes here: `KeyFollower` reads keys, tenants and credentials in a thread of its
own, on every `NOTIFY` and on a timer (so that a lost notification heals), and replaces the ring.  A database that is
away changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg
import structlog
from psycopg import sql
from psycopg.rows import TupleRow

from penstock.admission.identity.audit import Action, Change, Subject, record
from penstock.admission.identity.faults import Conflict, no_key, no_project, no_tenant
from penstock.admission.identity.known import Known
from penstock.admission.identity.reading import read_known
from penstock.admission.keys import KeyEntry, KeyHash, KeyHasher, KeyRing, LiveKeys
from penstock.admission.snapshot import load_snapshot, save_snapshot
from penstock.config.identity import Role
from penstock.core.exchange import Priority
from penstock.storage.follow import Follower, Following, Source

CHANNEL = "penstock_keys"
"""What is notified when keys, tenants or credentials change."""
ANNOUNCE: LiteralString = f"NOTIFY {CHANNEL}"

_COLUMNS: LiteralString = (
    "id, tenant, project, name, prefix, models, priority, feature, roles, created_at, expires_at, revoked_at,"
    " replaced_by"
)

_log = structlog.get_logger(__name__)


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A key as an operator sees it.  `models` None is every model; `replaced_by` is the key that it was rotated to."""

    id: str
    tenant: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    project: str | None = None
    models: tuple[str, ...] | None = None
    priority: Priority = "interactive"
    feature: str | None = None
    roles: tuple[Role, ...] = ()
    replaced_by: str | None = None


class KeyChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys to list.  `scope` is the only tenant that the caller may see, None for all."""

    scope: str | None = None
    tenant: str | None = None
    prefix: str | None = None


async def create_key(
    connection: psycopg.AsyncConnection, row: KeyRow, digest: KeyHash, change: Change, *, makes_tenant: bool = False
) -> None:
    """Store a key and, with `makes_tenant`, its tenant where that is new.

    Raises `UnknownTenant` and `UnknownProject`, for deleted ones too.
    """
    async with connection.transaction():
        if makes_tenant:
            await _make_tenant(connection, row.tenant, change)
        await _demand_owner(connection, row.tenant, row.project)
        await _insert(connection, row, digest)
        await _record(connection, change, "key.created", None, row)


async def revoke_key(
    connection: psycopg.AsyncConnection, key_id: str, change: Change, *, scope: str | None = None
) -> None:
    """Revoke a key; the first time counts.  Raises `UnknownKey`."""
    async with connection.transaction():
        before = await _locked(connection, key_id, scope)
        if before.revoked_at is not None:
            return
        await connection.execute("UPDATE api_keys SET revoked_at = %s WHERE id = %s", (change.at, key_id))
        after = msgspec.structs.replace(before, revoked_at=change.at)
        await _record(connection, change, "key.revoked", before, after)


async def change_key(
    connection: psycopg.AsyncConnection,
    key_id: str,
    revise: Callable[[KeyRow], KeyRow],
    change: Change,
    *,
    scope: str | None,
) -> KeyRow:
    """Change a key's name, expiry, models, priority, feature and roles to what `revise` makes of them.

    Raises `UnknownKey`, `Conflict` for one that has ended, and whatever `revise` raises.
    """
    async with connection.transaction():
        before = _alive(await _locked(connection, key_id, scope), change.at)
        after = revise(before)
        is_longer = after.expires_at is None or (before.expires_at is not None and after.expires_at > before.expires_at)
        if before.replaced_by is not None and is_longer and after.expires_at != before.expires_at:
            raise Conflict("This key was rotated: its time can be cut, not prolonged.")
        await connection.execute(
            "UPDATE api_keys SET name = %s, expires_at = %s, models = %s, priority = %s, feature = %s, roles = %s"
            " WHERE id = %s",
            (
                after.name,
                after.expires_at,
                _array(after.models),
                after.priority,
                after.feature,
                list(after.roles),
                key_id,
            ),
        )
        await _record(connection, change, "key.changed", before, after)
    return after


async def rotate_key(
    connection: psycopg.AsyncConnection,
    key_id: str,
    make: Callable[[KeyRow], tuple[KeyRow, KeyHash]],
    change: Change,
    *,
    overlap_s: float,
    scope: str | None,
) -> KeyRow:
    """Put the key that `make` gives beside the old one, which ends after `overlap_s`, or earlier where it would anyway.

    Raises `UnknownKey`, `Conflict` for one that has ended or was rotated already, and whatever `make` raises.
    """
    async with connection.transaction():
        before = _alive(await _locked(connection, key_id, scope), change.at)
        if before.replaced_by is not None:
            raise Conflict("This key was rotated already: rotate the one that replaced it.")
        await _demand_owner(connection, before.tenant, before.project)
        made, digest = make(before)
        ends = change.at + timedelta(seconds=overlap_s)
        if before.expires_at is not None:
            ends = min(ends, before.expires_at)
        await _insert(connection, made, digest)
        await connection.execute(
            "UPDATE api_keys SET expires_at = %s, replaced_by = %s WHERE id = %s", (ends, made.id, key_id)
        )
        after = msgspec.structs.replace(before, expires_at=ends, replaced_by=made.id)
        await _record(connection, change, "key.rotated", before, after)
        await _record(connection, change, "key.created", None, made)
    return made


async def list_keys(
    connection: psycopg.AsyncConnection, choice: KeyChoice | None = None, *, after: str, limit: int
) -> tuple[KeyRow, ...]:
    """Keys in the order of their ids, beginning behind the id `after`."""
    chosen = choice or KeyChoice()
    found = await connection.execute(
        sql.SQL(
            "SELECT {} FROM api_keys WHERE id > %(after)s"
            " AND (%(scope)s::text IS NULL OR tenant = %(scope)s)"
            " AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)"
            ' AND (%(prefix)s::text IS NULL OR starts_with(prefix COLLATE "C", %(prefix)s))'
            " ORDER BY id LIMIT %(limit)s"
        ).format(sql.SQL(_COLUMNS)),
        {**msgspec.structs.asdict(chosen), "after": after, "limit": limit},
    )
    return tuple(_row(each) for each in await found.fetchall())


async def _make_tenant(connection: psycopg.AsyncConnection, tenant: str, change: Change) -> None:
    made = await connection.execute(
        "INSERT INTO tenants (id, name, created_at) VALUES (%s, %s, %s) ON CONFLICT (id) DO NOTHING",
        (tenant, tenant, change.at),
    )
    if made.rowcount:
        values = {"id": tenant, "name": tenant, "created_at": change.at}
        await record(connection, change, "tenant.created", Subject(id=tenant, tenant=tenant, before=None, after=values))


async def _demand_owner(connection: psycopg.AsyncConnection, tenant: str, project: str | None) -> None:
    """Hold tenant and project as they are until the transaction ends: neither can be deleted beside it."""
    found = await connection.execute("SELECT FROM tenants WHERE id = %s AND deleted_at IS NULL FOR SHARE", (tenant,))
    if await found.fetchone() is None:
        raise no_tenant()
    if project is None:
        return
    found = await connection.execute(
        "SELECT FROM projects WHERE tenant = %s AND id = %s AND deleted_at IS NULL FOR SHARE", (tenant, project)
    )
    if await found.fetchone() is None:
        raise no_project()


async def _insert(connection: psycopg.AsyncConnection, row: KeyRow, digest: KeyHash) -> None:
    await connection.execute(
        "INSERT INTO api_keys (id, tenant, project, prefix, hash, name, models, priority, feature, roles, created_at,"
        " expires_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            row.id,
            row.tenant,
            row.project,
            row.prefix,
            digest,
            row.name,
            _array(row.models),
            row.priority,
            row.feature,
            list(row.roles),
            row.created_at,
            row.expires_at,
        ),
    )


async def _locked(connection: psycopg.AsyncConnection, key_id: str, scope: str | None) -> KeyRow:
    found = await connection.execute(
        sql.SQL("SELECT {} FROM api_keys WHERE id = %s AND (%s::text IS NULL OR tenant = %s) FOR UPDATE").format(
            sql.SQL(_COLUMNS)
        ),
        (key_id, scope, scope),
    )
    row = await found.fetchone()
    if row is None:
        raise no_key()
    return _row(row)


def _alive(row: KeyRow, now: datetime) -> KeyRow:
    if row.revoked_at is not None:
        raise Conflict("This key is revoked.")
    if row.expires_at is not None and row.expires_at <= now:
        raise Conflict("This key has expired.")
    return row


async def _record(
    connection: psycopg.AsyncConnection, change: Change, action: Action, before: KeyRow | None, after: KeyRow
) -> None:
    await record(
        connection,
        change,
        action,
        Subject(
            id=after.id,
            tenant=after.tenant,
            before=None if before is None else msgspec.structs.asdict(before),
            after=msgspec.structs.asdict(after),
        ),
    )
    await connection.execute(ANNOUNCE)


def _array(models: tuple[str, ...] | None) -> list[str] | None:
    return None if models is None else list(models)


def _row(row: TupleRow) -> KeyRow:
    return KeyRow(
        id=row[0],
        tenant=row[1],
        project=row[2],
        name=row[3],
        prefix=row[4],
        models=None if row[5] is None else tuple(row[5]),
        priority=row[6],
        feature=row[7],
        roles=tuple(row[8]),
        created_at=row[9],
        expires_at=row[10],
        revoked_at=row[11],
        replaced_by=row[12],
    )


@dataclass(frozen=True, slots=True)
class Heed:
    """What else happens as keys are followed.

    `tell` hears what is known: the saved snapshot at once, every change later, from the follower's thread.  `tend` is
    given the connection after each reading.
    """

    tell: Callable[[Known], None]
    tend: Callable[[psycopg.Connection], object] | None = None


class KeyFollower:
    """Keeps `keys` in step with the tables.  `start` once, `stop` once; `stop` waits for the thread.

    `connect` gives a connection in autocommit mode, or None while the database's address is not known.  `fixed` are
    the keys that are not in the table; those of a tenant that is suspended or deleted do not count.  The ring begins as
    the saved snapshot.
    """

    def __init__(
        self,
        *,
        keys: LiveKeys,
        hasher: KeyHasher,
        fixed: tuple[KeyEntry, ...],
        snapshot: Path,
        connect: Source,
        refresh_s: float,
        heed: Heed | None = None,
    ) -> None:
        self._keys = keys
        self._hasher = hasher
        self._fixed = fixed
        self._snapshot = snapshot
        self._heed = heed
        self._follower = Follower(Following("keys", (CHANNEL,), refresh_s, self._refresh), connect)
        self._known = load_snapshot(snapshot)
        self._replace()

    def start(self) -> None:
        self._follower.start()

    def stop(self) -> None:
        self._follower.stop()

    def _refresh(self, connection: psycopg.Connection) -> None:
        known = read_known(connection)
        if known != self._known:
            self._known = known
            self._replace()
            try:
                save_snapshot(self._snapshot, known)
            except OSError as error:
                _log.warning("key_snapshot_not_saved", reason=str(error))
        if self._heed is not None and self._heed.tend is not None:
            self._heed.tend(connection)

    def _replace(self) -> None:
        stopped = {tenant.id for tenant in self._known.tenants if not tenant.is_active}
        fixed = tuple(entry for entry in self._fixed if entry.principal.tenant not in stopped)
        self._keys.replace(KeyRing(self._known.keys + fixed, self._hasher))
        if self._heed is not None:
            self._heed.tell(self._known)
