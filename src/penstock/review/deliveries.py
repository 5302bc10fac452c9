"""Which webhooks have been told of which release: told once each, by whichever control plane claims it.

A row's lock is the claim, so the claim of a process that died is free at once.  What is told is that something was
released, never what: the text is fetched by who asked, and lies here once only.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import psycopg
from psycopg.rows import dict_row

_AT_ONCE = 500
_RELEASE: LiteralString = """
    SELECT r.place, r.hold, r.at, r.is_message, h.exchange, h.tenant, h.model, h."user", h.conversation, h.state
    FROM hold_releases AS r JOIN holds AS h ON h.id = r.hold
"""
_UNROUTED: LiteralString = _RELEASE + " WHERE NOT r.is_routed ORDER BY r.place LIMIT %s FOR UPDATE OF r SKIP LOCKED"
_ROUTE: LiteralString = """
    INSERT INTO hold_deliveries (release, webhook, next_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
_DUE: LiteralString = "SELECT DISTINCT webhook FROM hold_deliveries WHERE state = 'waiting' AND next_at <= %s"
_CLAIM: LiteralString = """
    SELECT release, attempts, first_at FROM hold_deliveries
    WHERE webhook = %s AND state = 'waiting' AND next_at <= %s ORDER BY next_at, release LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_SETTLE: LiteralString = """
    UPDATE hold_deliveries SET state = %(state)s, attempts = attempts + 1, first_at = coalesce(first_at, %(at)s),
        next_at = coalesce(%(next_at)s, next_at), ended_at = CASE WHEN %(state)s <> 'waiting' THEN %(at)s::float8 END,
        last_status = %(status)s, last_error = %(error)s
    WHERE release = %(release)s AND webhook = %(webhook)s
"""
_STANDINGS: LiteralString = """
    SELECT d.webhook, count(*) FILTER (WHERE d.state = 'waiting') AS waiting,
        min(r.at) FILTER (WHERE d.state = 'waiting') AS oldest_at,
        (array_agg(d.last_error ORDER BY d.next_at DESC) FILTER (WHERE d.last_error IS NOT NULL))[1] AS last_error
    FROM hold_deliveries AS d JOIN hold_releases AS r ON r.place = d.release WHERE d.state = 'waiting'
    GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a webhook is told of a release."""

    place: int
    hold: str
    at: float
    is_message: bool
    exchange: str
    tenant: str
    model: str
    user: str | None
    conversation: str | None
    state: str


@dataclass(frozen=True, slots=True)
class Attempted:
    """How far a delivery is; `next_at` is None unless it waits for another attempt."""

    state: Literal["waiting", "delivered", "given_up"]
    at: float
    next_at: float | None
    status: int | None
    error: str | None


@dataclass(slots=True)
class Pending:
    """A delivery that is ours to attempt.  Set `attempted` within the block; without it nothing has happened."""

    told: Told
    attempts: int
    first_at: float | None
    attempted: Attempted | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one webhook has not been told yet."""

    webhook: str
    waiting: int
    oldest_at: float | None
    last_error: str | None


def route(
    connection: psycopg.Connection, webhooks: Sequence[tuple[str, Callable[[Told], bool]]], *, now: float
) -> None:
    """Make the deliveries of releases that are new: names, and whether a webhook wants one."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        found = [Told(**row) for row in cursor.execute(_UNROUTED, (_AT_ONCE,)).fetchall()]
        if not found:
            return
        wanted = [(each.place, name, now) for each in found for name, wants in webhooks if wants(each)]
        if wanted:
            cursor.executemany(_ROUTE, wanted)
        places = [each.place for each in found]
        cursor.execute("UPDATE hold_releases SET is_routed = true WHERE place = ANY (%s)", (places,))


def due(connection: psycopg.Connection, *, now: float) -> frozenset[str]:
    """The webhooks that something is due for."""
    return frozenset(row[0] for row in connection.execute(_DUE, (now,)))


@contextmanager
def claim(connection: psycopg.Connection, webhook: str, *, now: float) -> Generator[Pending | None]:
    """The next delivery that is due and that nobody else is at; what was attempted is kept after the block."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_CLAIM, (webhook, now)).fetchone()
        told: dict[str, Any] | None = None
        if row is not None:
            told = cursor.execute(_RELEASE + " WHERE r.place = %s", (row["release"],)).fetchone()
        if row is None or told is None:
            yield None
            return
        pending = Pending(Told(**told), row["attempts"], row["first_at"])
        yield pending
        done = pending.attempted
        if done is not None:
            values = {"state": done.state, "at": done.at, "next_at": done.next_at, "status": done.status}
            values |= {"error": done.error, "release": row["release"], "webhook": webhook}
            cursor.execute(_SETTLE, values)


def standings(connection: psycopg.Connection) -> tuple[Waiting, ...]:
    """What waits, by webhook."""
    return tuple(Waiting(*row) for row in connection.execute(_STANDINGS))
