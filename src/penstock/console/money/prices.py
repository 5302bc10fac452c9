"""`/admin/v1/prices`: what applies to each target now and what will, and which prices nobody knows."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.money.asking import DAYS, Asked, NamedTarget, configured, named
from penstock.console.money.store import Span, UnpricedRow, read_unpriced
from penstock.console.plane import ControlPlane
from penstock.watch.price_rules import Rate
from penstock.watch.price_spans import Applied

router = admin_router("/prices", "ledger")


class TierView(BaseModel):
    above_tokens: int = Field(description="Holds for all of a request whose whole input is longer.")
    usd: str


class RateView(BaseModel):
    kind: str = Field(description="input, output, cache_read, cache_write, reasoning, requests, web_searches, …")
    usd: str = Field(description="US dollars for `per`, as a decimal.")
    per: int = Field(description="So many tokens, requests or searches.")
    tiers: list[TierView]


class PriceView(BaseModel):
    """What holds from `since` on and before `until`: days, UTC."""

    source: str = Field(description="`configuration`, `built in`, or the price list with its version.")
    since: date | None = Field(description="Null: since ever, as far as is known.")
    until: date | None = Field(description="Null: for good.")
    hours: str | None = Field(description="Only within these hours of each day, UTC; it then comes before the others.")
    rates: list[RateView] = Field(description="Empty where nobody knows the price.")


class UnknownView(BaseModel):
    exchanges: int = Field(description="Of the last 30 days that have no cost because of it.")
    last_at: datetime


class TargetPrices(BaseModel):
    target: str
    is_known: bool = Field(description="Whether there is a price on the day that was asked for.")
    prices: list[PriceView] = Field(description="What holds on that day, and what will.")
    unknown: UnknownView | None


class PriceList(BaseModel):
    """The targets of the configuration, and others that were called and have no price."""

    at: date
    price_list: str
    targets: list[TargetPrices]
    unknown_usage: int = Field(description="Exchanges of the last 30 days without a cost, since nobody said their use.")


@router.get("", openapi_extra=needs("providers.read"), responses=errors(403))
async def prices(
    plane: Plane,
    call: Caller,
    at: Annotated[date | None, Query(description="A day, UTC; today, if absent.")] = None,
    model: Asked = None,
) -> PriceList:
    """Prices by target, where each is from, and until when it holds.

    `model` is a model of the configuration, or a target (`openai/gpt-4o-mini`), whether or not it is ever called.
    """
    until = call.now
    async with plane.database.connection() as connection:
        unpriced, unused = await read_unpriced(connection, Span(since=until - timedelta(days=DAYS), until=until))
    return await asyncio.to_thread(_shown, plane, at or until.date(), model, unpriced, unused)


def _shown(
    plane: ControlPlane, day: date, model: str | None, unpriced: Sequence[UnpricedRow], unused: int
) -> PriceList:
    book = plane.prices.get()
    missed = {row.target: row for row in unpriced}
    return PriceList(
        at=day,
        price_list=book.source,
        targets=[_target(plane, each, day, missed.get(each.name)) for each in _targets(plane, model, tuple(missed))],
        unknown_usage=unused,
    )


def _targets(plane: ControlPlane, model: str | None, unpriced: Sequence[str]) -> list[NamedTarget]:
    known = configured(plane)
    if model is None:
        return sorted({each: named(each, known) for each in (*known, *unpriced)}.values())
    if model not in plane.config.models:
        return [named(model, known)]
    return [known[each.name] for each in plane.catalog.get().all_targets(model)]


def _target(plane: ControlPlane, target: NamedTarget, day: date, missed: UnpricedRow | None) -> TargetPrices:
    schedule = plane.prices.get().schedule(target.provider, target.model, target.region)
    sheet = schedule.at(datetime.combine(day, time(), UTC).timestamp())
    return TargetPrices(
        target=target.name,
        is_known=sheet is not None and not sheet.is_empty,
        prices=[_price(each) for each in schedule.timeline(day)],
        unknown=None if missed is None else UnknownView(exchanges=missed.exchanges, last_at=missed.last_at),
    )


def _price(applied: Applied) -> PriceView:
    return PriceView(
        source=applied.source,
        since=applied.since,
        until=applied.until,
        hours=None if applied.hours is None else " to ".join(_clock(second) for second in applied.hours),
        rates=[_rate(each) for each in applied.rates],
    )


def _rate(rate: Rate) -> RateView:
    return RateView(
        kind=rate.unit,
        usd=f"{rate.price:f}",
        per=rate.per,
        tiers=[TierView(above_tokens=tier.above, usd=f"{tier.price:f}") for tier in rate.tiers],
    )


def _clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}"
