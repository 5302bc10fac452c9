"""Feedback in PostgreSQL.  A verdict has no consequences until the exchange that it is about is in the ledger.

Then it is *placed*: what the ledger knows of the exchange is written beside it (its model, its tier, whose answer it
was given, when it began, and whether a model or a cache completed what a caller had asked for), and every process reads
on from the last place that it has seen.  So feedback on an exchange that never was, or that is another tenant's,
changes nothing, and is forgotten after a day.

`app` brings it here in the data plane, the console from the control plane.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from penstock.core.feedback import Feedback, Verdict

CHANNEL = "penstock_feedback"

_LOCK = 7_016_842_113
"""Of whoever places feedback: one at a time, so that places are in the order of commits."""
_FORGOTTEN_AFTER_S = 86_400.0

_INSERT: LiteralString = """
    INSERT INTO feedback (tenant, exchange, key, "user", verdict, reason, at)
    VALUES (%(tenant)s, %(exchange)s, %(key)s, %(user)s, %(verdict)s, %(reason)s, %(at)s)
    ON CONFLICT (tenant, exchange, key, "user") DO UPDATE
        SET verdict = excluded.verdict, reason = excluded.reason, at = excluded.at,
            place = CASE WHEN feedback.verdict = excluded.verdict THEN feedback.place END
        WHERE feedback.at <= excluded.at
"""
_PLACE: LiteralString = """
    UPDATE feedback AS f
    SET place = nextval('feedback_place'), model = found.model, tier = found.tier, answer = found.answer,
        began = found.began, is_answer = found.is_answer
    FROM (
        SELECT waiting.ctid AS at, ledger.model, tier.name AS tier, answer.id AS answer, ledger.started_at AS began,
            ledger.outcome = 'completed' AND NOT ledger.facts @> '[{"fact": "summarised"}]' AND NOT jsonb_path_exists(
                ledger.facts, '$[*] ? (@.fact == "fell_back" && @.targets.size() == 0)') AS is_answer
        FROM feedback AS waiting JOIN ledger ON ledger.id = waiting.exchange AND ledger.tenant = waiting.tenant
        LEFT JOIN LATERAL (
            SELECT fact ->> 'tier' AS name FROM jsonb_array_elements(ledger.facts) AS fact
            WHERE fact ->> 'fact' = 'tier_chosen' AND NOT (fact ->> 'is_shadow')::boolean LIMIT 1
        ) AS tier ON true
        LEFT JOIN LATERAL (
            SELECT CASE fact ->> 'fact' WHEN 'cache_stored' THEN ledger.id ELSE fact ->> 'answer' END AS id
            FROM jsonb_array_elements(ledger.facts) AS fact
            WHERE fact ->> 'fact' IN ('cache_hit', 'cache_stored') LIMIT 1
        ) AS answer ON true
        WHERE waiting.place IS NULL ORDER BY waiting.at LIMIT %(most)s
    ) AS found
    WHERE f.ctid = found.at
    RETURNING f.place, f.tenant, f.exchange, f.verdict, f.model, f.tier, f.answer
"""
_NEWS: LiteralString = """
    SELECT place, tenant, exchange, verdict, model, tier, answer FROM feedback
    WHERE place > %s ORDER BY place LIMIT %s
"""
_COUNTS: LiteralString = """
    SELECT tenant, model, tier, count(*) FILTER (WHERE verdict = 'good') AS good,
        count(*) FILTER (WHERE verdict = 'bad') AS bad
    FROM feedback
    WHERE place IS NOT NULL AND at >= %(since)s AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
    GROUP BY 1, 2, 3 ORDER BY count(*) DESC LIMIT 1000
"""
_OF_EXCHANGE: LiteralString = """
    SELECT tenant, exchange, key, "user", verdict, reason, at FROM feedback
    WHERE exchange = %(exchange)s AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s) ORDER BY at LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """Feedback with what the ledger knows: `answer` is the exchange that made one which a cache gave or kept."""

    place: int
    tenant: str
    exchange: str
    verdict: Verdict
    model: str
    tier: str | None
    answer: str | None


class Tally(msgspec.Struct, frozen=True):
    """How many verdicts there were on a tenant's exchanges with one model and tier."""

    tenant: str
    model: str
    tier: str | None
    good: int
    bad: int


def insert(connection: psycopg.Connection, feedback: Sequence[Feedback]) -> None:
    """Keep it, each under its key.  A verdict that changes is placed anew; one that is only repeated is not."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_INSERT, [_row(each) for each in feedback])


async def insert_one(connection: psycopg.AsyncConnection, feedback: Feedback) -> None:
    """As `insert`."""
    await connection.execute(_INSERT, _row(feedback))


def place(connection: psycopg.Connection, *, now: float, most: int) -> list[Placed]:
    """Place what waits and can be, and tell every process; inside a transaction.

    Empty where another process is at it.
    """
    row = connection.execute("SELECT EXISTS (SELECT FROM feedback WHERE place IS NULL)").fetchone()
    if row is None or not row[0]:
        return []
    held = connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
    if held is None or not held[0]:
        return []
    connection.execute("DELETE FROM feedback WHERE place IS NULL AND at < %s", (now - _FORGOTTEN_AFTER_S,))
    with connection.cursor(row_factory=class_row(Placed)) as cursor:
        placed = cursor.execute(_PLACE, {"most": most}).fetchall()
    if placed:
        connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return placed


def last_place(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(max(place), 0) FROM feedback").fetchone()
    return 0 if row is None else int(row[0])


def read_news(connection: psycopg.Connection, *, after: int, most: int) -> list[Placed]:
    """What was placed after `after`, in order."""
    with connection.cursor(row_factory=class_row(Placed)) as cursor:
        return cursor.execute(_NEWS, (after, most)).fetchall()


async def tenant_of(connection: psycopg.AsyncConnection, exchange: str, tenant: str | None) -> str | None:
    """Whose exchange it is, if it is in the ledger and `tenant`'s (None: whoever's)."""
    query = "SELECT tenant FROM ledger WHERE id = %s AND (%s::text IS NULL OR tenant = %s)"
    row = await (await connection.execute(query, (exchange, tenant, tenant))).fetchone()
    return None if row is None else str(row[0])


async def of_exchange(connection: psycopg.AsyncConnection, exchange: str, *, tenant: str | None) -> list[Feedback]:
    """All that was said of one exchange, the oldest first."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_OF_EXCHANGE, {"exchange": exchange, "tenant": tenant})).fetchall()
    return msgspec.convert(rows, list[Feedback])


async def counts(connection: psycopg.AsyncConnection, *, tenant: str | None, since: float) -> list[Tally]:
    """Verdicts since a Unix time, by tenant, model and tier; the most first."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_COUNTS, {"tenant": tenant, "since": since})).fetchall()
    return msgspec.convert(rows, list[Tally])


def _row(feedback: Feedback) -> dict[str, object]:
    return msgspec.structs.asdict(feedback)
