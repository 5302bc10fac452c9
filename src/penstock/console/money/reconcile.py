"""`/admin/v1/costs/reconcile`: a provider's invoice, as its CSV export, held against the ledger.

The file is the request's body; nothing of it is kept.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from penstock.config.limits import is_zone
from penstock.console.access import Plane, admin_router, errors, needs
from penstock.console.money.asking import NamedTarget, configured, named
from penstock.console.money.store import BilledRow, Span, read_billed
from penstock.core.errors import MalformedRequest, RequestTimeout, RequestTooLarge
from penstock.watch.forecast.month import midnight
from penstock.watch.invoices.amounts import DecimalMark, InvoiceError
from penstock.watch.invoices.formats import own_format
from penstock.watch.invoices.matching import Billed, Report, Tolerance, nano, reconcile
from penstock.watch.invoices.reading import DateOrder, Reading, read_invoice

router = admin_router("/costs", "ledger")

_MOST_BYTES = 32 * 1024 * 1024
_ARRIVES_WITHIN_S = 60.0
_MOST_PAIRS = 200
Pairs = Annotated[str | None, Query(max_length=4000, pattern=r"^[^\x00]*$")]


class Reconciliation(BaseModel):
    """The report, with what it is of.  The ledger's calls are those that began on the provider's days."""

    provider: str
    month: str
    time_zone: str
    tolerance_percent: str
    tolerance_nanousd: int
    estimated_share: str | None = Field(description="Of the ledger's money, what was counted here and not reported.")
    report: Report


@dataclass(frozen=True, slots=True)
class _Terms:
    tolerance: Tolerance
    aliases: Mapping[str, str]


def _reading(
    *,
    month: Annotated[str, Query(max_length=7, description="Such as 2026-10.")],
    zone: Annotated[str, Query(max_length=60, description="Of the provider's days.")] = "UTC",
    columns: Annotated[Pairs, Query(description="Of another export: date=Day,model=Model,amount=Cost")] = None,
    rates: Annotated[Pairs, Query(description="US dollars for one of another currency: EUR=1.0834")] = None,
    decimal: Annotated[DecimalMark | None, Query(description="Where the file leaves it open.")] = None,
    dates: Annotated[DateOrder | None, Query(description="How 10/11/2026 is meant.")] = None,
) -> Reading:
    """How to read the file.  Raises `MalformedRequest`."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise MalformedRequest("A month reads like 2026-10.", field="month") from None
    if not 2000 <= first.year < 9999:
        raise MalformedRequest("No ledger has that month.", field="month")
    if not is_zone(zone):
        raise MalformedRequest(f"There is no time zone `{zone}`.", field="zone")
    named_columns = _pairs(columns, "columns")
    try:
        own = own_format(named_columns) if named_columns else None
    except ValueError as error:
        raise MalformedRequest(f"`columns`: {error}.", field="columns") from None
    return Reading(
        month=first, zone=ZoneInfo(zone), own=own, mark=decimal, dates=dates, rates=_rates(_pairs(rates, "rates"))
    )


def _terms(
    *,
    aliases: Annotated[Pairs, Query(description="Invoice's name to ledger's model: GPT Mini=gpt-4o-mini")] = None,
    tolerance_percent: Annotated[Decimal, Query(ge=0, le=100, max_digits=9)] = Decimal(1),
    tolerance_usd: Annotated[Decimal, Query(ge=0, le=1_000_000, max_digits=18)] = Decimal("0.01"),
) -> _Terms:
    """What counts as agreeing.  Raises `MalformedRequest`."""
    return _Terms(Tolerance(tolerance_percent, nano(tolerance_usd)), _pairs(aliases, "aliases"))


def _pairs(text: str | None, field: Literal["columns", "aliases", "rates"]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name, equals, value = (each.strip() for each in part.partition("="))
        if not (name and equals and value) or name in found or len(found) >= _MOST_PAIRS:
            raise MalformedRequest(
                f"`{field}` has pairs such as a=b, with commas between, each name once.", field=field
            )
        found[name] = value
    return found


def _rates(pairs: Mapping[str, str]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for name, text in pairs.items():
        try:
            rate = Decimal(text)
        except InvalidOperation:
            rate = Decimal(0)
        if not rate.is_finite() or not 0 < rate < 1_000_000:
            raise MalformedRequest(f"`rates`: one {name[:20]} is some US dollars, got {text[:40]}.", field="rates")
        found[name.upper()] = rate
    return found


@router.post(
    "/reconcile",
    openapi_extra={
        **needs("providers.read"),
        "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}},
    },
    responses=errors(403, 408, 413),
)
async def against_invoice(
    plane: Plane,
    request: Request,
    provider: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00/]+$")],
    reading: Annotated[Reading, Depends(_reading)],
    terms: Annotated[_Terms, Depends(_terms)],
) -> Reconciliation:
    """What an export of a month and the ledger have in common, and what not.  Its body is the CSV file."""
    data = await _body(request)
    try:
        invoice = await asyncio.to_thread(read_invoice, data, reading)
    except InvoiceError as error:
        raise MalformedRequest(f"The invoice cannot be read: {error}.", field="invoice") from None
    span = Span(since=midnight(reading.month, reading.zone), until=midnight(reading.after, reading.zone))
    async with plane.database.connection() as connection:
        rows = await read_billed(connection, span, provider=provider, zone=reading.zone.key)
    known = await asyncio.to_thread(configured, plane)
    billed = [_billed(row, known) for row in rows]
    report = await asyncio.to_thread(reconcile, invoice, billed, terms.tolerance, aliases=terms.aliases)
    total = report.total
    share = Decimal(total.estimated_nanousd) / Decimal(total.ledger_nanousd) if total.ledger_nanousd else None
    return Reconciliation(
        provider=provider,
        month=f"{reading.month:%Y-%m}",
        time_zone=reading.zone.key,
        tolerance_percent=f"{terms.tolerance.percent:f}",
        tolerance_nanousd=terms.tolerance.nanousd,
        estimated_share=None if share is None else f"{share:.4f}",
        report=report,
    )


async def _body(request: Request) -> bytes:
    """Raises `RequestTooLarge`, `RequestTimeout`, and `MalformedRequest` where it breaks off."""
    data = bytearray()
    try:
        async with asyncio.timeout(_ARRIVES_WITHIN_S):
            async for piece in request.stream():
                data += piece
                if len(data) > _MOST_BYTES:
                    raise RequestTooLarge(
                        f"An invoice may have {_MOST_BYTES} bytes: leave out what is not of the month."
                    )
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {_ARRIVES_WITHIN_S:g} s.") from None
    except ClientDisconnect:
        raise MalformedRequest("The body broke off before its end.") from None
    return bytes(data)


def _billed(row: BilledRow, known: Mapping[str, NamedTarget]) -> Billed:
    return Billed(
        day=row.day,
        model=named(row.target, known).model,
        calls=row.calls,
        unknown_cost=row.unknown_cost,
        estimated=row.estimated,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        nanousd=row.nanousd,
        estimated_nanousd=row.estimated_nanousd,
    )
