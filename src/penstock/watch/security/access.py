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
    ), usual AS (
        SELECT tenant, key, max(n) AS most, count(DISTINCT date_trunc('day', at, 'UTC')) AS days, sum(n) AS whole,
            array_agg(DISTINCT extract(hour FROM at AT TIME ZONE 'UTC')::int) AS hours
        FROM used WHERE at < %(since)s GROUP BY 1, 2
    )
    SELECT used.tenant, used.key, used.at, used.n, usual.most, usual.days, used.n >= %(times)s * usual.most
        AND used.n >= %(least)s AS is_much,
        NOT (ARRAY[h, (h + 1) %% 24, (h + 23) %% 24] && usual.hours) AS is_new_hour
    FROM used JOIN usual USING (tenant, key),
        LATERAL (SELECT extract(hour FROM used.at AT TIME ZONE 'UTC')::int AS h) AS hour
    WHERE used.at >= %(since)s AND usual.days >= %(days)s AND usual.whole >= %(whole)s
        AND (used.n >= %(times)s * usual.most AND used.n >= %(least)s
            OR NOT (ARRAY[h, (h + 1) %% 24, (h + 23) %% 24] && usual.hours))
    ORDER BY used.n::float / usual.most DESC, used.at DESC LIMIT %(limit)s
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
