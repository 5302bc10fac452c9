"""One reading of all that a plane must know of keys, tenants and credentials.  Called by the follower in `store`."""

import psycopg
from psycopg.rows import TupleRow

from penstock.admission.identity.known import Known, SealedCredential, TenantEntry
from penstock.admission.keys import KeyEntry
from penstock.core.exchange import Principal


def read_known(connection: psycopg.Connection) -> Known:
    """Every key that may be used, every tenant, and every sealed credential, as of one moment."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        keys = connection.execute(
            "SELECT k.hash, k.tenant, k.id, extract(epoch FROM k.expires_at)::double precision, k.project, k.models,"
            " k.priority, k.feature, k.roles, t.weight"
            " FROM api_keys k JOIN tenants t ON t.id = k.tenant"
            " LEFT JOIN projects p ON p.tenant = k.tenant AND p.id = k.project"
            " WHERE k.revoked_at IS NULL AND t.suspended_at IS NULL AND t.deleted_at IS NULL AND p.deleted_at IS NULL"
            " ORDER BY k.id"
        ).fetchall()
        tenants = connection.execute(
            "SELECT t.id, t.suspended_at IS NULL AND t.deleted_at IS NULL, t.weight,"
            " array(SELECT p.id FROM projects p WHERE p.tenant = t.id AND p.deleted_at IS NULL)"
            " FROM tenants t ORDER BY t.id"
        ).fetchall()
        sealed = connection.execute(
            "SELECT provider, key_id, nonce, sealed FROM provider_credentials ORDER BY provider"
        ).fetchall()
    return Known(
        keys=tuple(_entry(row) for row in keys),
        tenants=tuple(TenantEntry(row[0], row[1], row[2], frozenset(row[3])) for row in tenants),
        credentials=tuple(SealedCredential(row[0], row[1], bytes(row[2]), bytes(row[3])) for row in sealed),
    )


def _entry(row: TupleRow) -> KeyEntry:
    principal = Principal(
        tenant=row[1],
        key=row[2],
        project=row[4],
        models=None if row[5] is None else tuple(row[5]),
        priority=row[6],
        feature=row[7],
        roles=tuple(row[8]),
        weight=row[9],
    )
    return KeyEntry(bytes(row[0]), principal, row[3])
