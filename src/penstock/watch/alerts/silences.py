"""Silences: nobody is told, until then, of what matches; it is written down and listed all the same.

The deliverer asks once, when an alert is routed.  What was silenced is never told later, but a rule that still fires
when the silence is over is told again (`watch.rules`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import is_match

MOST = 500
"""That are in force at once."""
RULE_KINDS = ("rule.firing", "rule.resolved")
_COLUMNS: LiteralString = "id, rule, kind, tenant, subject, until, reason, made_at, made_by, ended_at, ended_by"
_END: LiteralString = (  # noqa: S608 - our own words
    "UPDATE alert_silences SET ended_at = %(at)s, ended_by = %(actor)s WHERE id = %(id)s AND ended_at IS NULL"
    " AND until > %(at)s AND (%(scope)s::text IS NULL OR tenant = %(scope)s) RETURNING "
) + _COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What is None matches all; `kind` is exact or ends in `*`.  That of a tenant matches its alerts alone."""

    id: str
    until: datetime
    reason: str
    made_at: datetime
    made_by: str
    rule: str | None = None
    kind: str | None = None
    tenant: str | None = None
    subject: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None

    def matches(self, alert: Alert) -> bool:
        is_of_rule = alert.kind in RULE_KINDS and alert.subject == self.rule
        return (
            (self.rule is None or is_of_rule)
            and (self.kind is None or is_match(self.kind, alert.kind))
            and (self.tenant is None or alert.tenant == self.tenant)
            and (self.subject is None or alert.subject == self.subject)
        )


def in_force(connection: psycopg.Connection, at: datetime) -> list[Silence]:
    """The oldest first."""
    with connection.cursor(row_factory=class_row(Silence)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM alert_silences WHERE ended_at IS NULL AND until > %s ORDER BY made_at, id"  # noqa: S608 - our own words
            " LIMIT %s",
            (at, MOST),
        ).fetchall()


def silenced_among(connection: psycopg.Connection, alerts: Sequence[Alert], at: datetime) -> dict[str, str]:
    """Which alerts nobody is told of, and by which silence.

    That a rule no longer fires is not told either to people who were never told that it does.
    """
    silences = in_force(connection, at)
    found = {
        alert.id: silence.id for alert in alerts for silence in reversed(silences) if silence.matches(alert)
    }  # the oldest of those that match
    ends = {alert.id: str(alert.facts.get("told")) for alert in alerts if alert.kind == "rule.resolved"}
    if ends:
        rows = connection.execute(
            "SELECT id, silenced_by FROM alerts WHERE id = ANY(%s) AND silenced_by IS NOT NULL", (list(ends.values()),)
        )
        unheard: dict[str, str] = {row[0]: row[1] for row in rows} | found
        found |= {end: unheard[told] for end, told in ends.items() if told in unheard and end not in found}
    return found


async def make(connection: psycopg.AsyncConnection, silence: Silence, *, now: datetime) -> bool:
    """Whether there was room for one more.  In the transaction of the caller."""
    row = await (
        await connection.execute("SELECT count(*) FROM alert_silences WHERE ended_at IS NULL AND until > %s", (now,))
    ).fetchone()
    if row is None or row[0] >= MOST:
        return False
    await connection.execute(
        "INSERT INTO alert_silences (id, rule, kind, tenant, subject, until, reason, made_at, made_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            silence.id,
            silence.rule,
            silence.kind,
            silence.tenant,
            silence.subject,
            silence.until,
            silence.reason,
            silence.made_at,
            silence.made_by,
        ),
    )
    return True


async def list_silences(
    connection: psycopg.AsyncConnection, *, scope: str | None, now: datetime, past: bool
) -> list[dict[str, Any]]:
    """Those in force, the last made first; with `past` those that are over too."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"SELECT {_COLUMNS} FROM alert_silences WHERE (%(scope)s::text IS NULL OR tenant = %(scope)s)"  # noqa: S608 - our own words
            " AND (%(past)s OR (ended_at IS NULL AND until > %(now)s)) ORDER BY made_at DESC, id DESC LIMIT 1000",
            {"scope": scope, "past": past, "now": now},
        )
        return await cursor.fetchall()


async def end(
    connection: psycopg.AsyncConnection, silence_id: str, *, scope: str | None, actor: str, at: datetime
) -> dict[str, Any] | None:
    """End it now, in the transaction of the caller; None where there is none in force for the caller."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _END,
            {"id": silence_id, "at": at, "actor": actor, "scope": scope},
        )
        return await cursor.fetchone()


def as_json(silence: Silence) -> dict[str, Any]:
    """For the audit."""
    return {name: value for name, value in msgspec.to_builtins(silence).items() if value is not None}
