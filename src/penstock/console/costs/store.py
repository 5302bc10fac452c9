"""What was spent by day: from the sums where those tell it, else from the ledger's rows over an index on the time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import psycopg
from psycopg import sql

from penstock.watch.figures.question import Question
from penstock.watch.figures.store import ask
from penstock.watch.forecast.month import Month, midnight
from penstock.watch.forecast.outlook import MOST_DAYS
from penstock.watch.rollups.views import DIMENSIONS, NONE, Dimension, view_for

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

    The sums do not tell it of a user, and not by the days of a zone that is off by parts of an hour.

    `of` are dimensions of `COUNTED` and the value of each, None where the exchange has none.
    """
    today = now.astimezone(month.zone).date()
    since = midnight(min(month.first, today - timedelta(days=MOST_DAYS)), month.zone)
    if today >= month.after:
        since = month.starts_at
    until = min(month.ends_at, midnight(today + timedelta(days=1), month.zone))
    days = _question(month, since, until, of)
    if days is None:
        return await _read_rows(connection, month, (since, until), today=today, of=of)
    spend = Spend()
    for line in await ask(connection, days):
        if line.at is not None:
            told = line.sums
            spend.days[line.at.astimezone(month.zone).date()] = DaySpend(
                told.cost_nanousd, told.exchanges, told.unknown_costs
            )
    begins = max(since, midnight(today - timedelta(days=_PROFILE_DAYS), month.zone))
    ends = min(until, midnight(today, month.zone))
    if begins < ends:
        for line in await ask(connection, replace(days, since=begins, until=ends, step="hour")):
            if line.at is not None:
                spend.hours[line.at.astimezone(month.zone).hour] += line.sums.cost_nanousd
    return spend


def _question(month: Month, since: datetime, until: datetime, of: Mapping[str, str | None]) -> Question | None:
    """None where the sums do not tell it."""
    if not of.keys() <= set(DIMENSIONS):
        return None
    filters: dict[Dimension, str] = {name: of[name] or NONE for name in DIMENSIONS if name in of}
    question = Question(since=since, until=until, filters=filters, step="day", zone=month.zone)
    is_told = question.grain == "hour" and view_for({*filters, "outcome"}, "hour") is not None
    return question if is_told else None


async def _read_rows(
    connection: psycopg.AsyncConnection,
    month: Month,
    span: tuple[datetime, datetime],
    *,
    today: date,
    of: Mapping[str, str | None],
) -> Spend:
    terms: list[sql.Composable] = [sql.SQL("true")]
    values: list[str] = []
    for dimension, value in of.items():
        column = sql.Identifier(_COLUMNS[dimension])
        terms.append(sql.SQL("{} IS NULL" if value is None else "{} = %s").format(column))
        values += [] if value is None else [value]
    zone = month.zone.key
    found = await connection.execute(_SUMS.format(sql.SQL(" AND ").join(terms)), [zone, zone, *span, *values])
    spend = Spend()
    for day, hour, nanousd, exchanges, unknown in await found.fetchall():
        of_day = spend.days.setdefault(day, DaySpend())
        of_day.nanousd += int(nanousd)  # PostgreSQL sums bigint as numeric: exact
        of_day.exchanges += exchanges
        of_day.unknown += unknown
        if today - timedelta(days=_PROFILE_DAYS) <= day < today:
            spend.hours[hour] += int(nanousd)
    return spend
