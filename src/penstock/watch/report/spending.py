"""The report's sections about money: what was spent, on what, what has moved, and what was not spent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from penstock.watch.report import written
from penstock.watch.report.blocks import Block, Cell, Chart, Section, Table, Text, Tone
from penstock.watch.report.charts import columns
from penstock.watch.report.data import Budget, Line, MonthData, total

_MOST_ROWS: Final = 12
_MOST_DRIVERS: Final = 8
_PARTS: Final = (
    ("assistant", "By assistant"),
    ("tenant", "By tenant"),
    ("project", "By project"),
    ("feature", "By feature"),
    ("target", "By target"),
)
_WAYS: Final = (
    ("saved_cache_nanousd", "Answers that caches had"),
    ("saved_routing_nanousd", "Weaker tiers that were enough"),
    ("saved_compaction_nanousd", "Shorter prompts"),
    ("saved_prompt_cache_nanousd", "Prompts that providers kept"),
)
_COST: Final = "cost_nanousd"


def spending(data: MonthData) -> Section:
    costs: dict[date, float] = {day: total(values, _COST) / 1e9 for day, values in data.days.items()}
    blocks: list[Block] = [Chart("Cost by day, US dollars", columns(data.first, data.after, costs, _dollars))]
    if data.forecast is not None:
        end = data.forecast
        blocks.append(
            Text(
                f"The month will come to about {written.money(end.expected)}; with a probability of"
                f" {written.share(end.level, decimals=0)} to between {written.money(end.low)} and"
                f" {written.money(end.high)}."
                + (" There is less than two weeks of history: this is a rough guess." if end.is_short else "")
            )
        )
    elif not data.is_over and data.no_forecast:
        blocks.append(Text(f"There is no forecast: {data.no_forecast}."))
    if unknown := total(data.total, "unknown_costs"):
        blocks.append(
            Text(f"The cost of {written.count(unknown)} exchanges is not known and not in here: more was spent.")
        )
    if data.budgets:
        blocks.append(_budgets(data.budgets))
    return Section("Spending", tuple(blocks))


def parts(data: MonthData) -> Section:
    """Where the money went.  A dimension that no exchange has says nothing, and is left out."""
    blocks = [
        _part(data, by, title, lines)
        for by, title in _PARTS
        if (lines := data.by.get(by)) and any(line.name for line in lines)
    ]
    return Section("Where the money went", tuple(blocks))


def drivers(data: MonthData) -> Section:
    """Which assistants and targets cost the most more, or less, than before."""
    if not total(data.before, _COST):
        return Section("What moved", ())
    blocks: list[Block] = []
    for by in ("assistant", "target"):
        then = {line.name: line.total(_COST) for line in data.before_by.get(by, ())}
        now = {line.name: line.total(_COST) for line in data.by.get(by, ())}
        moved = [(name, now.get(name, 0), then.get(name, 0)) for name in now.keys() | then.keys()]
        moved = [each for each in moved if each[1] != each[2]]
        moved.sort(key=lambda each: (-abs(each[1] - each[2]), each[0]))
        if moved:
            blocks.append(_moved(f"By {by}", moved[:_MOST_DRIVERS]))
    return Section("What moved", tuple(blocks))


def saved(data: MonthData) -> Section:
    spared = total(data.total, "saved_nanousd")
    if not any(total(data.total, name) for name, _ in _WAYS):
        return Section("Saved", (Text("Nothing was saved: no cache, routing or compaction has spared a call."),))
    most = max(abs(total(data.total, name)) for name, _ in _WAYS)
    rows = tuple(
        (
            Cell(title, share=max(total(data.total, name), 0) / most),
            Cell(written.money(total(data.total, name), of=spared)),
            _changed(total(data.total, name), total(data.before, name), more="good"),
        )
        for name, title in _WAYS
    )
    last = (
        Cell("All"),
        Cell(written.money(spared, of=spared)),
        _changed(spared, total(data.before, "saved_nanousd"), more="good"),
    )
    blocks: list[Block] = [Table("What was not spent", ("", "Saved", "Change"), rows, last)]
    if spared > 0:
        would = total(data.total, _COST) + spared
        blocks.append(
            Text(
                f"Without them the same exchanges would have cost {written.money(would)} at the prices of their time:"
                f" {written.share(spared / would)} of that was saved."
            )
        )
    return Section("Saved", tuple(blocks))


def _dollars(value: float) -> str:
    return f"${value:,.0f}" if value == round(value) else f"${value:,.2f}" if value >= 0.1 else f"${value:.4f}"


def _budgets(budgets: Iterable[Budget]) -> Table:
    rows = tuple(
        (
            Cell(
                f"{written.name(each.name)} {written.name(each.whose) if each.whose else ''}".strip(),
                share=min(each.used / each.amount, 1.0) if each.amount else 1.0,
            ),
            Cell(written.money(each.used)),
            Cell(f"{written.money(each.amount)} {each.kind}"),
            Cell(written.share(each.used / each.amount if each.amount else None), _used(each)),
            Cell(_ends(each), "bad" if each.is_used_up else "plain"),
        )
        for each in budgets
    )
    return Table("Budgets of this month", ("", "Used", "Of", "", "Used up"), rows)


def _used(budget: Budget) -> Tone:
    return "bad" if budget.is_used_up else "plain"


def _ends(budget: Budget) -> str:
    if budget.day is not None:
        return written.day(budget.day)
    return "not known" if budget.chance is None else "lasts"


def _part(data: MonthData, by: str, title: str, lines: Sequence[Line]) -> Table:
    whole = total(data.total, _COST)
    then = {line.name: line.total(_COST) for line in data.before_by.get(by, ())}
    ordered = sorted(lines, key=lambda line: (-line.total(_COST), -line.total("exchanges"), line.name))
    shown, rest = ordered[:_MOST_ROWS], ordered[_MOST_ROWS:]
    rows = [_row(_Spent.of([line], written.name(line.name), then.get(line.name, 0)), data) for line in shown]
    if rest:
        before = sum(amount for name, amount in then.items() if name not in {line.name for line in shown})
        rows.append(_row(_Spent.of(rest, f"{len(rest)} more", before), data))
    every = _Spent.of(lines, "All", total(data.before, _COST))
    last = (
        Cell("All"),
        Cell(written.count(every.exchanges)),
        Cell(every.written(whole)),
        Cell(""),
        _changed(every.cost, every.before),
    )
    most = max((line.total(_COST) for line in lines), default=0)
    barred = tuple((Cell(row[0].text, share=cost / most if most else 0.0), *row[1:]) for row, cost in rows)
    return Table(title, ("", "Exchanges", "Cost", "Share", "Change"), barred, last)


@dataclass(frozen=True, slots=True)
class _Spent:
    """On one value of a dimension, or on several together."""

    name: str
    exchanges: int
    cost: int
    unknown: int
    before: int

    @classmethod
    def of(cls, lines: Sequence[Line], name: str, before: int) -> "_Spent":
        exchanges, cost, unknown = (
            sum(line.total(figure) for line in lines) for figure in ("exchanges", _COST, "unknown_costs")
        )
        return cls(name, exchanges, cost, unknown, before)

    def written(self, whole: int) -> str:
        """At least so much, where the rest is not known: nothing is never said of what nobody knows."""
        if self.unknown and self.unknown == self.exchanges:
            return "not known"
        return f"{written.AT_LEAST if self.unknown else ''}{written.money(self.cost, of=whole)}"


def _row(spent: _Spent, data: MonthData) -> tuple[tuple[Cell, ...], int]:
    whole = total(data.total, _COST)
    cells = (
        Cell(spent.name),
        Cell(written.count(spent.exchanges)),
        Cell(spent.written(whole)),
        Cell(written.share(spent.cost / whole if whole and spent.unknown < spent.exchanges else None)),
        _changed(spent.cost, spent.before),
    )
    return cells, spent.cost


def _moved(title: str, moved: Sequence[tuple[str, int, int]]) -> Table:
    most = max(max(abs(now), abs(then)) for _, now, then in moved)
    rows = tuple(
        (
            Cell(written.name(name)),
            Cell(written.money(then, of=most)),
            Cell(written.money(now, of=most)),
            Cell(("+" if now > then else "") + written.money(now - then, of=most), "bad" if now > then else "good"),
            Cell(written.change(now, then) or "new"),
        )
        for name, now, then in moved
    )
    return Table(title, ("", "Before", "Now", "Difference", "Change"), rows)


def _changed(now: int, then: int, *, more: Tone = "plain") -> Cell:
    said = written.change(now, then)
    return Cell(said or ("new" if now and not then else ""), more if said and now > then else "plain")
