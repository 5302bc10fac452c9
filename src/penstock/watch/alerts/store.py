"""Alerts and their deliveries in PostgreSQL, for the whole fleet.  The primary key is what makes them be told once.

The courier inserts, the deliverer claims, the admin API reads and acknowledges.  Who routes, and who sends to a
channel, holds an advisory lock of its transaction meanwhile, so that one process does at a time and order is kept; the
lock of a dead process is free at once.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from penstock.storage.pool import connect
from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import Channel
from penstock.watch.alerts.deliver import Claim, Standing
from penstock.watch.alerts.silences import silenced_among

_INSERT = (
    "INSERT INTO alerts (id, kind, severity, tenant, subject, text, facts, at, arrived_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s) ON CONFLICT (id) DO NOTHING"
)
_ALERT: LiteralString = (
    "a.id, a.kind, a.severity, a.tenant, a.subject, a.text, a.facts, extract(epoch FROM a.at)::float8 AS at"
)
_ALONE = "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))"
_ROUTING, _SENDING = 7_316_051, 7_316_052
"""Advisory locks, by what they are for."""
_NEXT: LiteralString = (
    "d.state = 'waiting' AND d.next_at <= %(now)s AND NOT EXISTS (SELECT FROM alert_deliveries h"
    " WHERE h.webhook = d.webhook AND h.state = 'waiting' AND h.place < d.place AND h.next_at > %(now)s"
    " AND NOT h.is_refused)"
)
"""What is due, with nothing before it in the channel's order that still waits for its time."""
_DUE: LiteralString = (
    "SELECT webhook FROM alert_deliveries WHERE state = 'waiting' GROUP BY webhook"
    " HAVING min(place) FILTER (WHERE next_at <= %(now)s)"
    " < coalesce(min(place) FILTER (WHERE next_at > %(now)s AND NOT is_refused), 9223372036854775807)"
)
"""The channels with such a one, in a single pass however much waits."""
_CLAIM = sql.SQL(
    "SELECT d.attempts, extract(epoch FROM d.first_at)::float8 AS first_at, {} FROM alert_deliveries d"
    " JOIN alerts a ON a.id = d.alert WHERE d.webhook = %(channel)s AND {}"
    " ORDER BY d.place LIMIT 1 FOR UPDATE OF d SKIP LOCKED"
).format(sql.SQL(_ALERT), sql.SQL(_NEXT))
_UNROUTED = sql.SQL(
    "SELECT a.place, {} FROM alerts a WHERE a.routed_at IS NULL ORDER BY a.place LIMIT 500 FOR UPDATE SKIP LOCKED"
).format(sql.SQL(_ALERT))
_STANDINGS = (
    "SELECT d.webhook, count(*) FILTER (WHERE d.state = 'waiting'),"
    " extract(epoch FROM min(a.arrived_at) FILTER (WHERE d.state = 'waiting'))::float8,"
    " count(*) FILTER (WHERE d.state = 'given_up' AND a.acknowledged_at IS NULL),"
    " (array_agg(d.last_error ORDER BY d.next_at DESC) FILTER (WHERE d.last_error IS NOT NULL))[1]"
    " FROM alert_deliveries d JOIN alerts a ON a.id = d.alert WHERE d.state <> 'delivered' GROUP BY 1 ORDER BY 1"
)


def add(connection: psycopg.Connection, alerts: Sequence[Alert], now: float) -> None:
    """Add those that are not there yet, in the transaction that there is: for who writes down what they are about."""
    arrived_at = _time(now)
    rows = [
        (
            alert.id,
            alert.kind,
            alert.severity,
            alert.tenant,
            alert.subject,
            alert.text,
            msgspec.json.encode(alert.facts).decode(),
            _time(alert.at),
            arrived_at,
        )
        for alert in alerts
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)


class PostgresAlerts:
    """One connection: `take` for the courier, `deliver.Deliveries` for the deliverer.  For one thread."""

    def __init__(self, database_url: str) -> None:
        self._connection = connect(database_url, name="alerts")
        self._connection.autocommit = True
        # Whatever the server's default: an outbox forgets what it was told is safe.
        self._connection.execute("SET synchronous_commit = on")
        # A claim is held for as long as a receiver takes to answer; what ends it is its own timeout, or our death.
        self._connection.execute("SET idle_in_transaction_session_timeout = 0")

    @property
    def has_schema(self) -> bool:
        """Whether whoever migrates has been here: on a first start that takes a moment."""
        found = self._connection.execute("SELECT to_regclass('alert_silences') IS NOT NULL").fetchone()
        return found is not None and bool(found[0])

    def take(self, alerts: Sequence[Alert], now: float) -> None:
        """Add those that are not there yet, in one transaction.  Raises `DatabaseError`."""
        with self._connection.transaction():
            add(self._connection, alerts, now)

    def route(self, channels: Sequence[Channel], now: float) -> None:
        at = _time(now)
        with self._connection.transaction(), self._connection.cursor(row_factory=dict_row) as cursor:
            if not self._is_alone(_ROUTING, "alerts"):
                return
            rows = cursor.execute(_UNROUTED).fetchall()
            if not rows:
                return
            places = {row["id"]: row.pop("place") for row in rows}
            alerts = [msgspec.convert(row, Alert) for row in rows]
            silenced = silenced_among(self._connection, alerts, at)
            wanted = [
                (alert.id, channel.name, at, places[alert.id])
                for alert in alerts
                for channel in channels
                if alert.id not in silenced and channel.wants(alert)
            ]
            cursor.executemany(
                "INSERT INTO alert_deliveries (alert, webhook, next_at, place) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                wanted,
            )
            cursor.executemany(
                "UPDATE alerts SET routed_at = %s, silenced_by = %s WHERE id = %s",
                [(at, silenced.get(alert.id), alert.id) for alert in alerts],
            )

    def due(self, now: float) -> frozenset[str]:
        return frozenset(row[0] for row in self._connection.execute(_DUE, {"now": _time(now)}))

    @contextmanager
    def claim(self, channel: str, now: float) -> Generator[Claim | None]:
        with self._connection.transaction(), self._connection.cursor(row_factory=dict_row) as cursor:
            is_alone = self._is_alone(_SENDING, channel)
            row = cursor.execute(_CLAIM, {"channel": channel, "now": _time(now)}).fetchone() if is_alone else None
            if row is None:
                yield None
                return
            claim = Claim(attempts=row.pop("attempts"), first_at=row.pop("first_at"), alert=msgspec.convert(row, Alert))
            yield claim
            outcome = claim.outcome
            if outcome is None:
                return
            at = _time(outcome.at)
            cursor.execute(
                "UPDATE alert_deliveries SET state = %(state)s, attempts = attempts + 1,"
                " first_at = coalesce(first_at, %(at)s), next_at = coalesce(%(next_at)s, next_at),"
                " ended_at = %(ended_at)s, last_status = %(status)s, last_error = %(error)s,"
                " is_refused = %(is_refused)s WHERE alert = %(alert)s AND webhook = %(channel)s",
                {
                    "state": outcome.state,
                    "at": at,
                    "next_at": None if outcome.next_at is None else _time(outcome.next_at),
                    "ended_at": None if outcome.state == "waiting" else at,
                    "status": outcome.status,
                    "error": outcome.error,
                    "is_refused": outcome.is_refused,
                    "alert": claim.alert.id,
                    "channel": channel,
                },
            )

    def _is_alone(self, what: int, name: str) -> bool:
        """Whether nobody else does it until the transaction ends."""
        found = self._connection.execute(_ALONE, (what, name)).fetchone()
        return found is not None and bool(found[0])

    def standings(self) -> tuple[Standing, ...]:
        return tuple(Standing(*row) for row in self._connection.execute(_STANDINGS))

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChoice:
    """Which alerts: what is None is not asked about.  `scope` is the only tenant that the caller may see."""

    scope: str | None
    tenant: str | None = None
    kind: str | None = None
    since: datetime | None = None
    state: str | None = None


_CHOSEN = sql.SQL(
    "SELECT a.place, a.arrived_at, a.acknowledged_at, a.acknowledged_by, a.silenced_by, {},"
    " coalesce((SELECT jsonb_agg(jsonb_build_object('webhook', d.webhook, 'state', d.state, 'attempts', d.attempts,"
    " 'next_at', CASE WHEN d.state = 'waiting' THEN d.next_at END, 'ended_at', d.ended_at,"
    " 'last_status', d.last_status, 'last_error', d.last_error) ORDER BY d.webhook)"
    " FROM alert_deliveries d WHERE d.alert = a.id), '[]') AS deliveries FROM alerts a"
).format(sql.SQL(_ALERT))
_WANTED = sql.SQL(
    " WHERE (%(scope)s::text IS NULL OR a.tenant = %(scope)s) AND (%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)"
    " AND (%(kind)s::text IS NULL OR a.kind = %(kind)s) AND (%(since)s::timestamptz IS NULL OR a.at >= %(since)s)"
    " AND (%(after)s::bigint IS NULL OR a.place < %(after)s)"
    " AND CASE %(state)s::text WHEN 'open' THEN a.acknowledged_at IS NULL"
    " WHEN 'acknowledged' THEN a.acknowledged_at IS NOT NULL"
    " WHEN 'waiting' THEN EXISTS (SELECT FROM alert_deliveries d WHERE d.alert = a.id AND d.state = 'waiting')"
    " WHEN 'failed' THEN EXISTS (SELECT FROM alert_deliveries d WHERE d.alert = a.id AND d.state = 'given_up')"
    " ELSE true END ORDER BY a.place DESC LIMIT %(limit)s"
)


async def list_alerts(
    connection: psycopg.AsyncConnection, choice: AlertChoice, *, after: int | None, limit: int
) -> list[dict[str, Any]]:
    """Alerts with their deliveries, the last to arrive first, beginning behind the place `after`."""
    arguments = {
        "scope": choice.scope,
        "tenant": choice.tenant,
        "kind": choice.kind,
        "since": choice.since,
        "state": choice.state,
        "after": after,
        "limit": limit,
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_CHOSEN + _WANTED, arguments)
        return await cursor.fetchall()


async def acknowledge(
    connection: psycopg.AsyncConnection, alert_id: str, *, scope: str | None, actor: str, at: datetime
) -> tuple[dict[str, Any], bool] | None:
    """Note that somebody knows, in the transaction of the caller; the first to say so stays.

    Gives the alert and whether this changed anything; None where there is no such alert for the caller.
    """
    done = await connection.execute(
        "UPDATE alerts SET acknowledged_at = %(at)s, acknowledged_by = %(actor)s WHERE id = %(id)s"
        " AND acknowledged_at IS NULL AND (%(scope)s::text IS NULL OR tenant = %(scope)s)",
        {"id": alert_id, "at": at, "actor": actor, "scope": scope},
    )
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _CHOSEN + sql.SQL(" WHERE a.id = %s AND (%s::text IS NULL OR a.tenant = %s)"), (alert_id, scope, scope)
        )
        row = await cursor.fetchone()
    return None if row is None else (row, done.rowcount > 0)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
