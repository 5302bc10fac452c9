"""An export into what it charges by day and model.  Anything that cannot be read for sure is an error with its row."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from penstock.watch.invoices.amounts import (
    DecimalMark,
    InvoiceError,
    agreed_mark,
    decimal_of,
    mark_of,
    taken_apart,
    tokens_of,
)
from penstock.watch.invoices.formats import Format, is_ours
from penstock.watch.invoices.table import Row, Table, is_total, read_table

DateOrder = Literal["mdy", "dmy"]

_EXACT = Context(prec=120)
"""More than any sum of amounts has digits: nothing is rounded before the end."""
_USD = "USD"
_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})\Z")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})\Z")
_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})\Z")
_USES = frozenset({"", "usage", "discountedusage", "savingsplancoveredusage"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How to read a file where it does not say so itself.

    `rates` are US dollars for one of another currency.  `zone` is the one of the provider's days.
    """

    month: date
    zone: ZoneInfo
    own: Format | None = None
    mark: DecimalMark | None = None
    dates: DateOrder | None = None
    rates: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])

    @property
    def after(self) -> date:
        return date(self.month.year + self.month.month // 12, self.month.month % 12 + 1, 1)


@dataclass(slots=True)
class Charge:
    """What was charged for one model on one day, in US dollars, not rounded."""

    usd: Decimal = Decimal(0)
    input_tokens: int = 0
    output_tokens: int = 0
    rows: int = 0


@dataclass(slots=True)
class Invoice:
    """`charges` by day and model, the model as the provider writes it.

    `others` are charges of the month that are for no model (taxes, credits), by what they are called; `outside` those
    of other months.  `stated_usd` is the last total that the file itself states.
    """

    format: str
    has_amounts: bool
    charges: defaultdict[tuple[date, str], Charge] = field(
        default_factory=lambda: defaultdict[tuple[date, str], Charge](Charge)
    )
    others: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    outside_usd: Decimal = Decimal(0)
    outside_rows: int = 0
    foreign_rows: int = 0
    stated_usd: Decimal | None = None
    days: tuple[date, date] | None = None


def read_invoice(data: bytes, how: Reading) -> Invoice:
    """All that the export charges in a month.  Raises `InvoiceError`."""
    table = read_table(data, how.own)
    money = _money(table, how)
    invoice = Invoice(table.format.name, has_amounts=table.format.amount is not None)
    days: dict[str, date] = {}
    for row in table.rows():
        usd = money(row)
        if row.is_total:
            invoice.stated_usd = usd if usd is not None else invoice.stated_usd
            continue
        if is_total(table.cell(row, table.format.model)):
            continue  # of a day
        _add(invoice, table, row, usd, how, days)
    if not invoice.charges and not invoice.others:
        seen = "it has no row that charges anything"
        if invoice.days is not None:
            seen = f"its days go from {invoice.days[0]} to {invoice.days[1]}"
        raise InvoiceError(f"nothing in it is of {how.month:%Y-%m}: {seen}")
    return invoice


def _money(table: Table, how: Reading) -> Callable[[Row], Decimal | None]:
    """What a row charges in US dollars; None where its cell is empty."""
    column = table.format.amount
    mark = how.mark
    if column is not None and mark is None:
        cells = ((row.line, taken_apart(table.cell(row, column)).digits) for row in table.rows())
        mark = agreed_mark((line, mark_of(digits, delimiter=table.delimiter)) for line, digits in cells)

    def money(row: Row) -> Decimal | None:
        text = table.cell(row, column)
        if not text:
            return None
        amount = taken_apart(text)
        value = decimal_of(amount.digits, mark, row.line)
        currency = (table.cell(row, table.format.currency) or amount.currency or _USD).upper()
        if currency != _USD:
            if currency not in how.rates:
                raise InvoiceError(f"it is in {currency[:20]}: say what one is in US dollars (`rates`)", row.line)
            value = _EXACT.multiply(value, how.rates[currency])
        return value.copy_negate() if amount.is_negative else value

    return money


def _add(  # noqa: PLR0917 - private, called once
    invoice: Invoice, table: Table, row: Row, usd: Decimal | None, how: Reading, days: dict[str, date]
) -> None:
    columns = table.format
    said = table.cell(row, columns.model)
    if columns.product is not None and not is_ours(table.cell(row, columns.product), said):
        invoice.foreign_rows += 1
        return
    into = sum(tokens_of(table.cell(row, each), row.line) for each in columns.input)
    out = sum(tokens_of(table.cell(row, each), row.line) for each in columns.output)
    if usd is None and not into and not out:
        return  # a day without anything
    text = table.cell(row, columns.date)
    day = days.get(text)
    if day is None:
        day = days[text] = _day(text, row.line, how)
    first, last = invoice.days or (day, day)
    invoice.days = min(first, day), max(last, day)
    amount = Decimal(0) if usd is None else usd
    if not how.month <= day < how.after:
        invoice.outside_rows += 1
        invoice.outside_usd = _EXACT.add(invoice.outside_usd, amount)
        return
    kind = table.cell(row, columns.charge)
    if kind.lower() not in _USES:
        invoice.others[kind] = _EXACT.add(invoice.others.get(kind, Decimal(0)), amount)
        return
    charge = invoice.charges[day, columns.model_of(said)]
    charge.usd = _EXACT.add(charge.usd, amount)
    charge.input_tokens += into
    charge.output_tokens += out
    charge.rows += 1


def _day(text: str, row: int, how: Reading) -> date:
    """The day in the provider's zone.  A time without a zone is one of the provider's."""
    plain = text.removesuffix(" UTC")
    try:
        if plain.isascii() and plain.isdecimal() and len(plain) in {10, 13}:
            seconds = int(plain) if len(plain) == 10 else int(plain) // 1000
            return datetime.fromtimestamp(seconds, UTC).astimezone(how.zone).date()
        if match := _GERMAN.match(plain):
            return date(int(match[3]), int(match[2]), int(match[1]))
        if match := _YEAR_FIRST.match(plain):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _SLASHED.match(plain):
            if how.dates is None:
                raise InvoiceError(f"`{plain}` may be two days: say `dates=mdy` or `dates=dmy`", row)
            month, day = (1, 2) if how.dates == "mdy" else (2, 1)
            return date(int(match[3]), int(match[month]), int(match[day]))
        time = datetime.fromisoformat(plain + "+00:00" if text.endswith(" UTC") else plain)
    except (ValueError, OverflowError, OSError):
        raise InvoiceError(f"`{text[:40]}` is no date" if text else "it has no date", row) from None
    return time.date() if time.tzinfo is None else time.astimezone(how.zone).date()
