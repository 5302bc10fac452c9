"""Keys that are used as they were never used before: at another hour of the day, or far more than ever in one hour.

A simple measure over the sums by hour.  It knows keys that have been used on enough days before; of others it says
nothing.  A finding is a reason to look, and no proof of anything: a new time zone and a new customer look the same.
"""

from datetime import datetime, timedelta
from typing import Final, LiteralString

import msgspec
import psycopg

BEFORE: Final = timedelta(days=28)
"""What is usual is told of so long before what is asked about."""
LEAST_DAYS: Final = 7
LEAST_BEFORE: Final = 200
"""Exchanges and days with any, before, for a key to be known."""
TIMES: Final = 3
LEAST_NOW: Final = 50
"""Exchanges in an hour that are unusually many: `TIMES` as many as in the busiest hour before, and so many at least."""

_UNUSUAL: LiteralString = """
    WITH used AS (
        SELECT s.tenant, s.key, r.at, sum(r.exchanges)::bigint AS n
        FROM rollup_hours AS r JOIN rollup_series AS s ON s.id = r.series
        WHERE r.view = 8 AND s.view = 8 AND r.at >= %(before)s AND r.at < %(until)s
            AND (%(tenant)s::text IS NULL OR s.tenant = %(tenant)s)
        GROUP BY 1, 2, 3
    ), marked AS (
        SELECT *, extract(hour FROM at AT TIME ZONE 'UTC')::int AS h,
            extract(day FROM %(since)s::timestamptz - at)::int AS ago
        FROM used
    ), usual AS (  -- hours of the day and days as bits: to sort them takes ten times as long
        SELECT tenant, key, max(n) AS most, sum(n) AS whole, bit_or(1 << h) AS hours,
            bit_count(bit_or(1 << ago)::bit(32)) AS days
        FROM marked WHERE at < %(since)s GROUP BY 1, 2
    ), told AS (
        SELECT m.tenant, m.key, m.at, m.n, u.most, u.days, m.n >= %(times)s * u.most AND m.n >= %(least)s AS is_much,
            u.hours & ((1 << h) | (1 << (h + 1) %% 24) | (1 << (h + 23) %% 24)) = 0 AS is_new_hour
        FROM marked AS m JOIN usual AS u USING (tenant, key)
        WHERE m.at >= %(since)s AND u.days >= %(days)s AND u.whole >= %(whole)s
    )
    SELECT * FROM told WHERE is_much OR is_new_hour ORDER BY n::float / most DESC, at DESC LIMIT %(limit)s
"""


class Unusual(msgspec.Struct, frozen=True):
    """One hour of a key: `most` is that of its busiest hour before, `days` those on which it was used."""

    tenant: str
    key: str
    at: datetime
    exchanges: int
    most: int
    days: int
    is_much: bool
    is_new_hour: bool


async def read_unusual(
    connection: psycopg.AsyncConnection, *, since: datetime, until: datetime, tenant: str | None, limit: int
) -> list[Unusual]:
    """The most unusual first."""
    values = {
        "before": since - BEFORE,
        "since": since,
        "until": until,
        "tenant": tenant,
        "times": TIMES,
        "least": LEAST_NOW,
        "days": LEAST_DAYS,
        "whole": LEAST_BEFORE,
        "limit": limit,
    }
    return [Unusual(*row) for row in await (await connection.execute(_UNUSUAL, values)).fetchall()]
