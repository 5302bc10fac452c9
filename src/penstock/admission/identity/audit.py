"""The audit of admin changes: who changed what and when, in the transaction of the change itself.

The table takes no update and no delete.  What stood before and after is kept as digests and the names of the fields
that differ, so that the audit can prove a value without holding it.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Literal

import msgspec
import psycopg

Action = Literal[
    "tenant.created",
    "tenant.changed",
    "tenant.suspended",
    "tenant.resumed",
    "tenant.deleted",
    "project.created",
    "project.changed",
    "project.deleted",
    "key.created",
    "key.changed",
    "key.rotated",
    "key.revoked",
    "credential.set",
    "credential.resealed",
    "credential.removed",
    "limit.created",
    "limit.changed",
    "limit.deleted",
    "budget.created",
    "budget.changed",
    "budget.deleted",
    "budget.overridden",
    "budget.override_ended",
    "alert.acknowledged",
    "alert.silenced",
    "alert.unsilenced",
    "webhook.tested",
    "target.opened",
    "target.closed",
    "config.reloaded",
    "cache.dropped",
    "vault.erased",
    "base.created",
    "base.deleted",
    "base.queued",
    "document.handed_in",
    "document.removed",
    "memory.erased",
    "contents.read",
    "contents.searched",
    "contents.shown",
    "contents.erased",
    "hold.claimed",
    "hold.given_back",
    "hold.decided",
    "hold.messaged",
    "hold.commented",
    "hold.case_kept",
    "hold.second_claimed",
    "hold.second_decided",
    "review.member_added",
    "review.member_removed",
    "review.erased",
]

_INSERT = (
    "INSERT INTO audit (at, actor, actor_tenant, action, tenant, subject, fields, before_digest, after_digest,"
    " request_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for a change, in which request, and when."""

    actor: str
    actor_tenant: str | None
    request_id: str
    at: datetime


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change, as it is read back.  `id` grows with every row; gaps are changes that were rolled back."""

    id: int
    at: datetime
    actor: str
    actor_tenant: str | None
    action: str
    tenant: str | None
    subject: str
    fields: tuple[str, ...]
    before_digest: str | None
    after_digest: str | None
    request_id: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is changed: its id, its tenant, and its values before (None: not there yet) and after (None: gone)."""

    id: str
    tenant: str | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


def erasure(of: str, *, tenant: str, user: str | None) -> Subject:
    """Of a tenant's data, or of one user's: whose it was stays provable by the digest, and does not stay written."""
    return Subject(id=of, tenant=tenant, before={"tenant": tenant, "user": user}, after=None)


async def record(connection: psycopg.AsyncConnection, change: Change, action: Action, subject: Subject) -> None:
    """Write the change down; to be called inside its transaction."""
    await connection.execute(_INSERT, _values(change, action, subject))


def record_now(connection: psycopg.Connection, change: Change, action: Action, subject: Subject) -> None:
    """As `record`, for a thread's connection."""
    connection.execute(_INSERT, _values(change, action, subject))


def _values(change: Change, action: Action, subject: Subject) -> tuple[object, ...]:
    before, after = subject.before or {}, subject.after or {}
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return (
        change.at,
        change.actor,
        change.actor_tenant,
        action,
        subject.tenant,
        subject.id,
        names,
        digest(subject.before),
        digest(subject.after),
        change.request_id,
    )


def digest(values: Mapping[str, object] | None) -> str | None:
    """SHA-256 over the values as JSON with sorted keys; None for nothing."""
    if values is None:
        return None
    return sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()


async def list_audit(
    connection: psycopg.AsyncConnection, *, scope: str | None, subject: str | None, before: int | None, limit: int
) -> tuple[AuditRow, ...]:
    """Changes, newest first, older than the row `before`; those of one tenant only where `scope` names it."""
    found = await connection.execute(
        "SELECT id, at, actor, actor_tenant, action, tenant, subject, fields, before_digest, after_digest, request_id"
        " FROM audit WHERE (%(scope)s::text IS NULL OR tenant = %(scope)s)"
        " AND (%(subject)s::text IS NULL OR subject = %(subject)s)"
        " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
        {"scope": scope, "subject": subject, "before": before, "limit": limit},
    )
    return tuple(
        AuditRow(
            id=r[0],
            at=r[1],
            actor=r[2],
            actor_tenant=r[3],
            action=r[4],
            tenant=r[5],
            subject=r[6],
            fields=tuple(r[7]),
            before_digest=r[8],
            after_digest=r[9],
            request_id=r[10],
        )
        for r in await found.fetchall()
    )
