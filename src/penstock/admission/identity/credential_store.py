"""Sealed credentials of providers in PostgreSQL: set over the admin API, sealed anew when the key changes."""

from datetime import UTC, datetime

import msgspec
import psycopg

from penstock.admission.identity.audit import Change, Subject, record, record_now
from penstock.admission.identity.credentials import CannotOpen, Sealer, last_chars
from penstock.admission.identity.faults import UnknownCredential
from penstock.admission.identity.known import SealedCredential
from penstock.admission.store import ANNOUNCE


class CredentialRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stored credential as an operator sees it."""

    provider: str
    key_id: str
    last_chars: str
    set_at: datetime


async def list_credentials(connection: psycopg.AsyncConnection) -> tuple[CredentialRow, ...]:
    found = await connection.execute(
        "SELECT provider, key_id, last_chars, set_at FROM provider_credentials ORDER BY provider"
    )
    return tuple(
        CredentialRow(provider=r[0], key_id=r[1], last_chars=r[2], set_at=r[3]) for r in await found.fetchall()
    )


async def set_credential(
    connection: psycopg.AsyncConnection, sealer: Sealer, provider: str, credential: str, change: Change
) -> CredentialRow:
    """Store a credential in place of what was there; planes that follow use it within a second or so."""
    sealed = sealer.seal(provider, credential)
    row = CredentialRow(provider=provider, key_id=sealer.key_id, last_chars=last_chars(credential), set_at=change.at)
    async with connection.transaction():
        before = await _locked(connection, provider)
        await connection.execute(
            "INSERT INTO provider_credentials (provider, key_id, nonce, sealed, last_chars, set_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (provider) DO UPDATE SET key_id = EXCLUDED.key_id,"
            " nonce = EXCLUDED.nonce, sealed = EXCLUDED.sealed, last_chars = EXCLUDED.last_chars,"
            " set_at = EXCLUDED.set_at",
            (provider, sealed.key_id, sealed.nonce, sealed.sealed, row.last_chars, row.set_at),
        )
        await record(connection, change, "credential.set", _subject(provider, before, row))
        await connection.execute(ANNOUNCE)
    return row


async def remove_credential(connection: psycopg.AsyncConnection, provider: str, change: Change) -> None:
    """Raises `UnknownCredential`."""
    async with connection.transaction():
        before = await _locked(connection, provider)
        if before is None:
            raise UnknownCredential("There is no stored credential of that provider.")
        await connection.execute("DELETE FROM provider_credentials WHERE provider = %s", (provider,))
        await record(connection, change, "credential.removed", _subject(provider, before, None))
        await connection.execute(ANNOUNCE)


def reseal(connection: psycopg.Connection, sealer: Sealer, *, now: float) -> int:
    """Seal under the current key whatever an earlier one can still open.  How many that were.

    Called by the control plane's follower after each reading; a row that cannot be opened is left as it is, and is a
    problem in `/health`.
    """
    change = Change(actor="control-plane", actor_tenant=None, request_id="reseal", at=datetime.fromtimestamp(now, UTC))
    done = 0
    with connection.transaction():
        rows = connection.execute(
            "SELECT provider, key_id, nonce, sealed, last_chars, set_at FROM provider_credentials"
            " WHERE key_id <> %s FOR UPDATE",
            (sealer.key_id,),
        ).fetchall()
        for row in rows:
            try:
                text = sealer.open(SealedCredential(row[0], row[1], bytes(row[2]), bytes(row[3])))
            except CannotOpen:
                continue
            before = CredentialRow(provider=row[0], key_id=row[1], last_chars=row[4], set_at=row[5])
            fresh = sealer.seal(before.provider, text)
            connection.execute(
                "UPDATE provider_credentials SET key_id = %s, nonce = %s, sealed = %s WHERE provider = %s",
                (fresh.key_id, fresh.nonce, fresh.sealed, fresh.provider),
            )
            after = msgspec.structs.replace(before, key_id=fresh.key_id)
            record_now(connection, change, "credential.resealed", _subject(before.provider, before, after))
            done += 1
        if done:
            connection.execute(ANNOUNCE)
    return done


async def _locked(connection: psycopg.AsyncConnection, provider: str) -> CredentialRow | None:
    found = await connection.execute(
        "SELECT provider, key_id, last_chars, set_at FROM provider_credentials WHERE provider = %s FOR UPDATE",
        (provider,),
    )
    row = await found.fetchone()
    return None if row is None else CredentialRow(provider=row[0], key_id=row[1], last_chars=row[2], set_at=row[3])


def _subject(provider: str, before: CredentialRow | None, after: CredentialRow | None) -> Subject:
    return Subject(
        id=f"credential:{provider}",
        tenant=None,
        before=None if before is None else msgspec.structs.asdict(before),
        after=None if after is None else msgspec.structs.asdict(after),
    )
