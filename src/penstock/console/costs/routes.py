"""`/admin/v1/costs/forecast`: what a month will cost, and when its budgets run out."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

import psycopg
from fastapi import Query

from penstock.admission.identity.faults import UnknownTenant
from penstock.admission.identity.tenants import read_tenant
from penstock.config.limits import is_zone
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.costs import views
from penstock.console.costs.budgets import Counter, Counters, counters_of
from penstock.console.costs.store import Spend, read_spend
from penstock.console.plane import ControlPlane
from penstock.core.errors import MalformedRequest
from penstock.watch.forecast.month import Month, month_of, share_over
from penstock.watch.forecast.outlook import NoForecast, Outlook, look_ahead

router = admin_router("/costs", "ledger")

Asked = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]
_UTC = ZoneInfo("UTC")
_OLDEST = date(2000, 1, 1)


@router.get("/forecast", openapi_extra=needs("ledger.read"), responses=errors(403, 404))
async def forecast(
    plane: Plane,
    call: Caller,
    tenant: Asked = None,
    month: Annotated[str | None, Query(max_length=7, description="Such as 2026-11; this month, if absent.")] = None,
    level: Annotated[float, Query(ge=0.5, le=0.99, description="Of the interval.")] = 0.8,
) -> views.CostForecast:
    """What was spent in a month, what it will come to, and the day on which each of its budgets is used up."""
    whose = call.narrowed(tenant)
    now = call.now
    async with plane.database.connection() as connection:
        zone = _UTC if whose is None else await _zone_of(connection, plane, whose)
        running = month_of(now, zone)
        wanted = _asked(month, running)
        spend = await read_spend(connection, wanted, now=now, of={} if whose is None else {"tenant": whose})
        counters = Counters((), ())
        if wanted == running and call.actor.may("budgets.read"):
            months = (running, month_of(now, _UTC))
            counters = await counters_of(connection, plane.config, whose, months=months, now=plane.clock.now())
        series = {_key(wanted, {} if whose is None else {"tenant": whose}): spend}
        for each in counters.told:
            month_of_it = _month_of(each, running, now)
            key = _key(month_of_it, each.counts)
            if key not in series:
                series[key] = await read_spend(connection, month_of_it, now=now, of=each.counts)
    # Some tens of milliseconds each: the event loop serves others meanwhile.
    outlooks = {key: await asyncio.to_thread(_look, each, key[0], now) for key, each in series.items()}
    outlook = next(iter(outlooks.values()))
    budgets: list[views.BudgetEnd] = []
    for each in counters.told:
        key = _key(_month_of(each, running, now), each.counts)
        budgets.append(_budget_end(each, key[0], series[key], outlooks[key], now=now, level=level))
    return views.CostForecast(
        month=f"{wanted.first:%Y-%m}",
        tenant=whose,
        time_zone=zone.key,
        as_of=now,
        is_over=wanted != running,
        spent_nanousd=_so_far(spend, wanted.first),
        unknown_cost=sum(of.unknown for day, of in spend.days.items() if day >= wanted.first),
        days=[
            views.DayView(day=day, nanousd=of.nanousd, exchanges=of.exchanges, unknown_cost=of.unknown)
            for day, of in sorted(spend.days.items())
            if day >= wanted.first
        ],
        forecast=_month_end(outlook, level) if isinstance(outlook, Outlook) else None,
        reason=outlook.reason if isinstance(outlook, NoForecast) else None,
        budgets=budgets,
        budgets_left_out=[views.LeftOutView(name=each.name, reason=each.reason) for each in counters.left_out],
    )


async def _zone_of(connection: psycopg.AsyncConnection, plane: ControlPlane, tenant: str) -> ZoneInfo:
    """The file's comes first, as for limits.  A tenant that only the ledger names has UTC's days."""
    said = plane.config.tenants.get(tenant)
    if said is not None:
        return ZoneInfo(said.time_zone)
    try:
        zone = (await read_tenant(connection, tenant, scope=None)).time_zone
    except UnknownTenant:
        return _UTC
    return ZoneInfo(zone) if is_zone(zone) else _UTC


def _asked(month: str | None, running: Month) -> Month:
    if month is None:
        return running
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise MalformedRequest("A month reads like 2026-11.", field="month") from None
    if first < _OLDEST:
        raise MalformedRequest("No ledger goes back to that month.", field="month")
    if first > running.first:
        raise MalformedRequest("That month has not begun: there is a forecast of the running one.", field="month")
    return Month(first, running.zone)


_Key: TypeAlias = tuple[Month, frozenset[tuple[str, str | None]]]
"""Of one series: several counters may be of the same exchanges."""


def _key(month: Month, counts: Mapping[str, str | None]) -> _Key:
    return month, frozenset(counts.items())


def _month_of(counter: Counter, running: Month, now: datetime) -> Month:
    return running if counter.is_of_tenant else month_of(now, _UTC)


def _look(spend: Spend, month: Month, now: datetime) -> Outlook | NoForecast:
    today = now.astimezone(month.zone).date()
    if today >= month.after:
        return NoForecast("the month is over: what was spent is what it came to")
    return look_ahead(
        [(day, of.nanousd) for day, of in spend.days.items()],
        month,
        today,
        share_over(now, month.zone, spend.hours),
        unknown=[day for day, of in spend.days.items() if not of.is_told],
    )


def _month_end(outlook: Outlook, level: float) -> views.MonthEnd:
    interval = outlook.interval(level)
    return views.MonthEnd(
        expected_nanousd=outlook.expected,
        low_nanousd=interval.low,
        high_nanousd=interval.high,
        level=level,
        history_days=outlook.history_days,
        is_short=outlook.is_short,
    )


def _budget_end(
    counter: Counter, month: Month, spend: Spend, outlook: Outlook | NoForecast, *, now: datetime, level: float
) -> views.BudgetEnd:
    used = _so_far(spend, month.first) if counter.used is None else counter.used
    end = views.BudgetEnd(
        name=counter.name,
        values=dict(counter.values),
        kind=counter.kind,
        amount_nanousd=counter.amount,
        used_nanousd=used,
        used_by="ledger" if counter.used is None else "counter",
        is_used_up=used >= counter.amount,
        day=None,
        earliest=None,
        latest=None,
        chance=None,
        reason=None,
    )
    if end.is_used_up:
        day = _crossed(spend, month.first, counter.amount) or now.astimezone(month.zone).date()
        return end.model_copy(update={"day": day, "earliest": day, "latest": day, "chance": 1.0})
    if isinstance(outlook, NoForecast):
        return end.model_copy(update={"reason": outlook.reason})
    ends = outlook.runs_out(counter.amount - used, level)
    told = {"day": ends.day, "earliest": ends.earliest, "latest": ends.latest, "chance": ends.chance}
    return end.model_copy(update=told)


def _so_far(spend: Spend, first: date) -> int:
    return sum(of.nanousd for day, of in spend.days.items() if day >= first)


def _crossed(spend: Spend, first: date, amount: int) -> date | None:
    """The day of the month on which the ledger's sum reached the amount; None where it has not."""
    so_far = 0
    for day, of in sorted(spend.days.items()):
        so_far += of.nanousd if day >= first else 0
        if day >= first and so_far >= amount:
            return day
    return None
