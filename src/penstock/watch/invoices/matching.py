"""An invoice against the ledger: by day of the provider and by model, with what is on one side alone.

Each cell (a day and a model) is rounded to a nano-dollar once; every sum is a sum of cells.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

from penstock.watch.invoices.names import keys, model_key
from penstock.watch.invoices.reading import Invoice

Verdict = Literal["matched", "differs", "only_invoice", "only_ledger"]

_NANO = Decimal(1_000_000_000)
_EXACT = Context(prec=120, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """The ledger's calls of one model on one day; `unknown_cost` of them are in no sum of money."""

    day: date
    model: str
    calls: int
    unknown_cost: int
    estimated: int
    input_tokens: int
    output_tokens: int
    nanousd: int
    estimated_nanousd: int


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Two sums agree that differ by no more than `percent` of the invoice's, or by `nanousd`."""

    percent: Decimal
    nanousd: int

    def is_within(self, difference: int, invoice: int) -> bool:
        share = _EXACT.multiply(self.percent, Decimal(abs(invoice)))
        return abs(difference) <= self.nanousd or Decimal(100 * abs(difference)) <= share


@dataclass(slots=True, kw_only=True)
class Side:
    """What the two say, of any set of cells: `invoice_nanousd` is null for an export of usage alone."""

    invoice_nanousd: int | None = None
    ledger_nanousd: int = 0
    invoice_tokens: int = 0
    ledger_tokens: int = 0
    invoice_rows: int = 0
    calls: int = 0
    unknown_cost: int = 0
    estimated: int = 0
    estimated_nanousd: int = 0
    difference_nanousd: int | None = None
    difference_tokens: int = 0
    percent: str | None = None
    verdict: Verdict = "matched"

    def add(self, other: "Side") -> None:
        if other.invoice_nanousd is not None:
            self.invoice_nanousd = (self.invoice_nanousd or 0) + other.invoice_nanousd
        self.ledger_nanousd += other.ledger_nanousd
        self.invoice_tokens += other.invoice_tokens
        self.ledger_tokens += other.ledger_tokens
        self.invoice_rows += other.invoice_rows
        self.calls += other.calls
        self.unknown_cost += other.unknown_cost
        self.estimated += other.estimated
        self.estimated_nanousd += other.estimated_nanousd


@dataclass(slots=True, kw_only=True)
class Line(Side):
    """One day and model, one model of the month, or one day; the names are those of both sides."""

    day: date | None = None
    model: str | None = None
    invoice_names: list[str] = field(default_factory=list[str])
    ledger_names: list[str] = field(default_factory=list[str])


@dataclass(slots=True, kw_only=True)
class Report:
    """`agrees` where the month as a whole and each model's month are within the tolerance.

    With `by_model` false the export names no models: its days are compared with all calls of theirs.  `others` are
    charges that are for no model, and in no line.
    """

    format: str
    by_model: bool
    compared: Literal["money", "tokens"]
    agrees: bool
    total: Side
    models: list[Line]
    days: list[Line]
    lines: list[Line]
    others: dict[str, int]
    others_nanousd: int
    outside_rows: int
    outside_nanousd: int
    foreign_rows: int
    stated_nanousd: int | None
    stated_agrees: bool | None


def reconcile(
    invoice: Invoice, billed: Sequence[Billed], tolerance: Tolerance, *, aliases: Mapping[str, str]
) -> Report:
    """What the two have in common and what not; `aliases` are names of the invoice to models of the ledger."""
    has_models = any(model for _, model in invoice.charges)
    others = dict(invoice.others)
    cells = _cells(invoice, billed, keys(aliases), others, by_model=has_models)
    for cell in cells:
        _judge(cell, tolerance, has_amounts=invoice.has_amounts)
    models = _gathered(cells, tolerance, invoice, by="model") if has_models else []
    days = _gathered(cells, tolerance, invoice, by="day")
    total = Side()
    for cell in cells:
        total.add(cell)
    _judge(total, tolerance, has_amounts=invoice.has_amounts)
    rounded_others = {name: nano(usd) for name, usd in sorted(others.items())}
    stated = None if invoice.stated_usd is None else nano(invoice.stated_usd)
    charged = (total.invoice_nanousd or 0) + sum(rounded_others.values()) + nano(invoice.outside_usd)
    return Report(
        format=invoice.format,
        by_model=has_models,
        compared="money" if invoice.has_amounts else "tokens",
        agrees=total.verdict == "matched" and all(each.verdict == "matched" for each in models or days),
        total=total,
        models=models,
        days=days,
        lines=cells if has_models else [],
        others=rounded_others,
        others_nanousd=sum(rounded_others.values()),
        outside_rows=invoice.outside_rows,
        outside_nanousd=nano(invoice.outside_usd),
        foreign_rows=invoice.foreign_rows,
        stated_nanousd=stated,
        # What a total leaves of each amount is less than a cent.
        stated_agrees=None if stated is None else abs(stated - charged) < 10_000_000,
    )


def nano(usd: Decimal) -> int:
    """Nano-dollars, half up."""
    return int(_EXACT.multiply(usd, _NANO).to_integral_value(ROUND_HALF_UP))


def _cells(
    invoice: Invoice,
    billed: Iterable[Billed],
    aliases: Mapping[str, str],
    others: dict[str, Decimal],
    *,
    by_model: bool,
) -> list[Line]:
    usd: defaultdict[tuple[date, str], Decimal] = defaultdict(Decimal)
    found: dict[tuple[date, str], Line] = {}

    def cell(day: date, name: str) -> Line:
        return found.setdefault((day, name), Line(day=day))

    for (day, name), charge in invoice.charges.items():
        if by_model and not name:
            others["(no model)"] = _EXACT.add(others.get("(no model)", Decimal(0)), charge.usd)
            continue
        key = model_key(name) if by_model else ""
        key = aliases.get(key, key)
        line = cell(day, key)
        usd[day, key] = _EXACT.add(usd[day, key], charge.usd)
        line.invoice_rows += charge.rows
        line.invoice_tokens += charge.input_tokens + charge.output_tokens
        _note(line.invoice_names, name)
    for row in billed:
        line = cell(row.day, model_key(row.model) if by_model else "")
        line.ledger_nanousd += row.nanousd
        line.ledger_tokens += row.input_tokens + row.output_tokens
        line.calls += row.calls
        line.unknown_cost += row.unknown_cost
        line.estimated += row.estimated
        line.estimated_nanousd += row.estimated_nanousd
        _note(line.ledger_names, row.model)
    names = {key: min(line.ledger_names or line.invoice_names) for (_, key), line in sorted(found.items()) if key}
    for (day, key), line in found.items():
        line.model = names.get(key)
        line.invoice_nanousd = nano(usd[day, key]) if invoice.has_amounts else None
    return [found[place] for place in sorted(found, key=lambda place: (place[0], names.get(place[1], "")))]


def _note(names: list[str], name: str) -> None:
    if name and name not in names:
        names.append(name)


def _gathered(
    cells: Sequence[Line], tolerance: Tolerance, invoice: Invoice, *, by: Literal["model", "day"]
) -> list[Line]:
    found: dict[str, Line] = {}
    for cell in cells:
        line = found.setdefault(
            f"{cell.model if by == 'model' else cell.day}",
            Line(model=cell.model) if by == "model" else Line(day=cell.day),
        )
        line.add(cell)
        for name in cell.invoice_names:
            _note(line.invoice_names, name)
        for name in cell.ledger_names:
            _note(line.ledger_names, name)
    for line in found.values():
        _judge(line, tolerance, has_amounts=invoice.has_amounts)
    return [found[name] for name in sorted(found)]


def _judge(line: Side, tolerance: Tolerance, *, has_amounts: bool) -> None:
    line.difference_tokens = line.ledger_tokens - line.invoice_tokens
    said, difference = line.invoice_tokens, line.difference_tokens
    allowed = Tolerance(tolerance.percent, 0)
    if has_amounts:
        said, allowed = line.invoice_nanousd or 0, tolerance
        difference = line.difference_nanousd = line.ledger_nanousd - said
    line.percent = None if said == 0 else f"{Decimal(100 * difference) / Decimal(said):.2f}"
    if allowed.is_within(difference, said):
        line.verdict = "matched"
    elif line.calls == 0:
        line.verdict = "only_invoice"
    elif line.invoice_rows == 0:
        line.verdict = "only_ledger"
    else:
        line.verdict = "differs"
