"""What people say of an answer in more than a verdict: a rating, a better answer, or a text.

What people write may hold personal data: it comes here masked, is shown to reviewers alone, and goes with its user or
its tenant.  A verdict with its consequences travels beside this.  What is said of an exchange that the ledger does not
know, or knows as another tenant's, is shown to nobody, and forgotten after a day.  What it knows is *placed*: the
assistant whose answer it is about is written beside it.
"""

from collections.abc import Sequence
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row

from penstock.core.feedback import Remark
from penstock.review.erasure import MEET_ERASURES
from penstock.review.hold import named
from penstock.review.take import sound

FOLDER = "remarks"
"""Where those that wait lie, below the data directory."""

_INSERT: LiteralString = """
    INSERT INTO remarks (tenant, exchange, key, "user", rating, correction, comment, at)
    SELECT %(tenant)s, %(exchange)s, %(key)s, %(user)s, %(rating)s, %(correction)s, %(comment)s, %(at)s
    WHERE NOT EXISTS (
        SELECT FROM hold_erasures AS e
        WHERE e.tenant = %(tenant)s AND e.at >= %(at)s AND (e."user" IS NULL OR e."user" = %(user)s
            OR EXISTS (SELECT FROM ledger AS l
                WHERE l.id = %(exchange)s AND l.tenant = %(tenant)s AND l."user" = e."user")))
    ON CONFLICT (tenant, exchange, key, "user") DO UPDATE
        SET rating = excluded.rating, correction = excluded.correction, comment = excluded.comment, at = excluded.at
        WHERE remarks.at <= excluded.at
"""
_LIST: LiteralString = """
    SELECT r.tenant, r.exchange, r.key, r."user", r.rating, r.correction, r.comment, r.at FROM remarks AS r
    WHERE EXISTS (SELECT FROM ledger AS l WHERE l.id = r.exchange AND l.tenant = r.tenant)
        AND (%(scope)s::text IS NULL OR r.tenant = %(scope)s)
        AND (%(exchange)s::text IS NULL OR r.exchange = %(exchange)s)
        AND (%(most_rating)s::smallint IS NULL OR r.rating <= %(most_rating)s)
        AND (%(before)s::float8 IS NULL OR (r.at, r.exchange) < (%(before)s, %(before_exchange)s))
    ORDER BY r.at DESC, r.exchange DESC LIMIT %(most)s
"""
_PLACE: LiteralString = """
    UPDATE remarks AS r SET assistant = found.model
    FROM (
        SELECT w.ctid AS place, l.model FROM remarks AS w JOIN ledger AS l ON l.id = w.exchange AND l.tenant = w.tenant
        WHERE w.assistant IS NULL ORDER BY w.at LIMIT %s FOR UPDATE OF w SKIP LOCKED
    ) AS found
    WHERE r.ctid = found.place
"""
_RATINGS: LiteralString = """
    SELECT r.tenant, r.assistant AS model, r.rating, count(*) AS remarks FROM remarks AS r
    WHERE r.assistant IS NOT NULL AND r.rating IS NOT NULL AND r.at >= %(since)s
        AND (%(scope)s::text IS NULL OR r.tenant = %(scope)s)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 1000
"""


class Rated(msgspec.Struct, frozen=True):
    """How many gave a tenant's answers of one model this rating."""

    tenant: str
    model: str
    rating: int
    remarks: int


_decoder = msgspec.json.Decoder(Remark)


def decode_remark(payload: bytes) -> Remark:
    """A remark out of its JSON.  Raises `msgspec.DecodeError`."""
    return _decoder.decode(payload)


def insert_remarks(connection: psycopg.Connection, remarks: Sequence[Remark]) -> None:
    """Keep each under its key; those that were erased meanwhile stay away."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(MEET_ERASURES)
        cursor.executemany(_INSERT, [_row(each) for each in remarks])


async def insert_remark(connection: psycopg.AsyncConnection, remark: Remark) -> None:
    """As `insert_remarks`; inside a transaction."""
    await connection.execute(MEET_ERASURES)
    await connection.execute(_INSERT, _row(remark))


def place_remarks(connection: psycopg.Connection, *, most: int) -> int:
    """Place what waits and can be, at most `most`; returns how many.  Any number of processes may do so at once."""
    waits = connection.execute("SELECT EXISTS (SELECT FROM remarks WHERE assistant IS NULL)").fetchone()
    return connection.execute(_PLACE, (most,)).rowcount if waits is not None and waits[0] else 0


async def list_remarks(
    connection: psycopg.AsyncConnection,
    *,
    scope: str | None,
    exchange: str | None = None,
    most_rating: int | None = None,
    before: tuple[float, str] | None = None,
    most: int = 100,
) -> list[Remark]:
    """The newest first, made before `before` (a time and an exchange)."""
    at, name = before or (None, None)
    values = {
        "scope": scope,
        "exchange": exchange,
        "most_rating": most_rating,
        "before": at,
        "before_exchange": name,
        "most": most,
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_LIST, values)).fetchall()
    return msgspec.convert(rows, list[Remark])


async def ratings(connection: psycopg.AsyncConnection, *, scope: str | None, since: float) -> list[Rated]:
    """Ratings since then of exchanges that the ledger knows, by tenant, model and rating."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_RATINGS, {"scope": scope, "since": since})).fetchall()
    return msgspec.convert(rows, list[Rated])


def _row(remark: Remark) -> dict[str, object]:
    row = sound(msgspec.structs.asdict(remark))
    return {**row, **{name: named(row[name]) for name in ("exchange", "key", "user")}}
