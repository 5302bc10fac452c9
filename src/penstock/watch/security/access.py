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
    WITH days AS MATERIALIZED (  -- closed ones: how each key was used on them is kept
        SELECT at FROM rollup_whole
        WHERE grain = 'day' AND at >= %(before)s AND at + interval '24 hours' <= %(since)s
    ), used AS (
        SELECT s.tenant, s.key, r.at, sum(r.exchanges)::bigint AS n,
            extract(hour FROM r.at AT TIME ZONE 'UTC')::int AS h
        FROM rollup_hours AS r JOIN rollup_series AS s ON s.id = r.series
        WHERE r.view = 8 AND s.view = 8 AND (%(tenant)s::text IS NULL OR s.tenant = %(tenant)s)
            AND r.at = ANY(ARRAY(
                SELECT at FROM generate_series(
                    %(before)s::timestamptz, %(until)s::timestamptz - interval '1 hour', '1 hour') AS at
                WHERE date_trunc('day', at, 'UTC') NOT IN (SELECT at FROM days)))
        GROUP BY 1, 2, 3
    ), before AS (
        SELECT tenant, key, at, busiest AS most, exchanges AS whole, hours FROM rollup_key_days
        WHERE at IN (SELECT at FROM days) AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        UNION ALL SELECT tenant, key, at, n, n, 1 << h FROM used WHERE at < %(since)s
    ), usual AS (  -- hours of the day and days (UTC) as bits: to sort them takes ten times as long
        SELECT tenant, key, max(most) AS most, sum(whole) AS whole, bit_or(hours) AS hours,
            bit_count(bit_or(1 << ((%(since)s::timestamptz AT TIME ZONE 'UTC')::date
                - (at AT TIME ZONE 'UTC')::date))::bit(32)) AS days
        FROM before GROUP BY 1, 2
    ), told AS (
        SELECT m.tenant, m.key, m.at, m.n, u.most, u.days, m.n >= %(times)s * u.most AND m.n >= %(least)s AS is_much,
            u.hours & ((1 << h) | (1 << (h + 1) %% 24) | (1 << (h + 23) %% 24)) = 0 AS is_new_hour
        FROM used AS m JOIN usual AS u USING (tenant, key)
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
