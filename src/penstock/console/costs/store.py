"""Daily sums of the ledger, as SQL: one statement a series, over an index on the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import psycopg
from psycopg import sql

from penstock.watch.forecast.month import Month, midnight
from penstock.watch.forecast.outlook import MOST_DAYS

_PROFILE_DAYS = 28
_UNKNOWN_SHARE = 0.05
"""Of a day's exchanges: where the price of more is not known, the day's sum says nothing of the level."""
_SUMS = sql.SQL(
    "SELECT timezone(%s, started_at)::date AS day, extract(hour FROM timezone(%s, started_at))::int AS hour,"
    " coalesce(sum(cost_nanousd), 0) AS nanousd, count(*) AS exchanges,"
    " count(*) FILTER (WHERE cost_nanousd IS NULL) AS unknown"
    " FROM ledger WHERE started_at >= %s AND started_at < %s AND {} GROUP BY 1, 2"
)
_COLUMNS = {"tenant": "tenant", "key": "key", "user": "user", "assistant": "model"}
COUNTED = frozenset(_COLUMNS)
"""The dimensions that the ledger keeps: a budget for any other one cannot be told from it."""


@dataclass(slots=True)
class DaySpend:
    """`unknown` of the `exchanges` have no known cost: it is not in `nanousd`, which is then too low."""

    nanousd: int = 0
    exchanges: int = 0
    unknown: int = 0

    @property
    def is_told(self) -> bool:
        return self.unknown <= self.exchanges * _UNKNOWN_SHARE


@dataclass(slots=True)
class Spend:
    """By day of the local calendar, days with nothing left out; `hours` are sums by hour of the last four weeks."""

    days: dict[date, DaySpend] = field(default_factory=dict[date, DaySpend])
    hours: list[int] = field(default_factory=lambda: [0] * 24)


async def read_spend(
    connection: psycopg.AsyncConnection, month: Month, *, now: datetime, of: Mapping[str, str | None]
) -> Spend:
    """Of the month as far as it has come, and of the days before it that a forecast looks at.

    `of` are dimensions of `COUNTED` and the value of each, None where the exchange has none.
    """
    today = now.astimezone(month.zone).date()
    since = midnight(min(month.first, today - timedelta(days=MOST_DAYS)), month.zone)
    if today >= month.after:
        since = month.starts_at
    until = min(month.ends_at, midnight(today + timedelta(days=1), month.zone))
    terms: list[sql.Composable] = [sql.SQL("true")]
    values: list[str] = []
    for dimension, value in of.items():
        column = sql.Identifier(_COLUMNS[dimension])
        terms.append(sql.SQL("{} IS NULL" if value is None else "{} = %s").format(column))
        values += [] if value is None else [value]
    zone = month.zone.key
    found = await connection.execute(_SUMS.format(sql.SQL(" AND ").join(terms)), [zone, zone, since, until, *values])
    spend = Spend()
    for day, hour, nanousd, exchanges, unknown in await found.fetchall():
        of_day = spend.days.setdefault(day, DaySpend())
        of_day.nanousd += int(nanousd)  # PostgreSQL sums bigint as numeric: exact
        of_day.exchanges += exchanges
        of_day.unknown += unknown
        if today - timedelta(days=_PROFILE_DAYS) <= day < today:
            spend.hours[hour] += int(nanousd)
    return spend
