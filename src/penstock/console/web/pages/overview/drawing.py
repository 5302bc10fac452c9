"""The overview's figures as tiles, charts and tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from penstock.console.web.layout.parts.amounts import NANO, count, seconds, share, usd
from penstock.console.web.layout.parts.chart import Series, timeline
from penstock.console.web.layout.parts.grid import Grid
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import Text, box, card, empty, tiles
from penstock.console.web.pages.exchanges.words import OUTCOMES, outcome_words
from penstock.console.web.pages.overview.asking import Asked, Found
from penstock.console.web.view import View, link

_MOST_ROWS = 8
_MOST_SERIES = 6
_SMALL = 0.0005
_COLOURS = {
    "completed": "#0f9488",
    "blocked": "#8b5cf6",
    "held": "#4f83e3",
    "rejected": "#d08a1d",
    "client_gone": "#8a94a4",
    "upstream_failed": "#d6455d",
    "deadline": "#e07a5f",
    "shutdown": "#64748b",
    "failed": "#a3162e",
}
_Write = Callable[[float | None], str]
_FIGURES: Sequence[tuple[str, str, _Write, str]] = (
    ("exchanges", "Exchanges", count, ""),
    ("availability", "Availability", share, "higher"),
    ("faults", "Faults", count, "lower"),
    ("duration_p95_s", "Duration, p95", seconds, "lower"),
    ("first_event_p95_s", "First event, p95", seconds, "lower"),
    ("cost_nanousd", "Cost", usd, ""),
    ("saved_nanousd", "Saved", usd, "higher"),
    ("cache_hit_rate", "Cache hits", share, "higher"),
    ("blocked", "Blocked", count, ""),
    ("held", "Held for a person", count, ""),
)
_TOTALS = frozenset({"exchanges", "cost_nanousd", "saved_nanousd", "blocked", "held", "faults"})


@dataclass(frozen=True, slots=True)
class Drawn:
    """What stands on the page: the figures, and by its dimension each table of what was asked most."""

    figures: ui.element
    tops: Mapping[str, "_Top | None"]

    def renew(self, found: Found) -> bool:
        """Other figures of what was asked for before; False where they need other parts.

        The tables stay, as what leads somewhere is in them: drawn anew it would lose the focus, and a click.
        """
        lines = {name: getattr(found, f"{name}s") for name in self.tops}
        if not found.now.get("exchanges") or any(
            isinstance(each, str) is not (self.tops[name] is None) for name, each in lines.items()
        ):
            return False
        self.figures.clear()
        with self.figures:
            _draw_figures(found)
        for name, top in self.tops.items():
            if top is not None:
                top.show(_rows(name, lines[name]))
        return True


@dataclass(frozen=True, slots=True)
class _Top:
    grid: Grid
    more: Text

    def show(self, rows: Sequence[Row]) -> None:
        self.grid.show(rows[:_MOST_ROWS], "")
        self.more.set_text(_more(rows))


def draw(view: View, asked: Asked, found: Found) -> Drawn | None:
    """None where there is nothing."""
    if not found.now.get("exchanges"):
        with card():
            if asked.tenant or asked.assistant:
                empty("search_off", "Nothing fits", "Change the filters, or look at a longer time.")
            else:
                empty("forum", "Nothing was asked in this time", "Point an application's base_url at the data plane.")
        return None
    figures = box()
    with figures:
        _draw_figures(found)
    with box("div", "two").style("margin-bottom: 20px"):
        tops = {"assistant": _top(view, asked, "assistant", found.assistants)}
        if view.who.tenant is None:
            tops["tenant"] = _top(view, asked, "tenant", found.tenants)
        tops["target"] = _top(view, asked, "target", found.targets)
    return Drawn(figures, tops)


def _draw_figures(found: Found) -> None:
    with tiles():
        for name, label, write, better in _FIGURES:
            _tile(found, name, label, write, better)
    with box("div", "two").style("margin-bottom: 20px"):
        with card("Exchanges by outcome"):
            timeline("Exchanges by outcome", found.times, _outcomes(found), kind="bar")
        with card("Duration"):
            named = (("p50", "duration_p50_s"), ("p95", "duration_p95_s"), ("p99", "duration_p99_s"))
            timeline("Duration in seconds", found.times, [_course(found, *each) for each in named], unit="seconds")
        with card("Cost by assistant"):
            timeline("Cost by assistant in US dollars", found.times, _costs(found), kind="bar", unit="usd")
        with card("Tokens"):
            named = (("Input", "input_tokens"), ("Output", "output_tokens"))
            timeline("Tokens", found.times, [_course(found, *each) for each in named], kind="bar")


def _tile(found: Found, name: str, label: str, write: _Write, better: str) -> None:
    now, before = found.now.get(name), found.before.get(name)
    with box("div", "tile"):
        Text("dt", label)
        Text("dd", write(now))
        if name not in _TOTALS and now is not None and before is not None and write(now) == write(before):
            Text("dd", "as before", "small")
            return
        words, tone = change(now, before, is_total=name in _TOTALS, speed=found.speed, better=better)
        Text("dd", words if name in _TOTALS or before is None else f"{words}, was {write(before)}", f"small {tone}")
        unknown = found.now.get("unknown_costs")
        if name == "cost_nanousd" and unknown:
            Text("dd", f"{unknown:,} of unknown cost are not in it", "small")


def change(now: float | None, before: float | None, *, is_total: bool, speed: float, better: str) -> tuple[str, str]:
    """In words, and whether that is good.  What adds up is compared by the hour, since the times differ in length."""
    if now is None or before is None or not before:
        return ("nothing to compare with", "") if not now or before is None else ("none before", "")
    part = now / (before * (speed if is_total else 1.0)) - 1
    if abs(part) < _SMALL:
        return "as before", ""
    words = f"{'▲' if part > 0 else '▼'} {abs(part):.1%}".replace("%", " %")
    if not better:
        return words, ""
    return words, "good" if (part > 0) == (better == "higher") else "poor"


def _outcomes(found: Found) -> list[Series]:
    by_outcome: dict[str, dict[str, float]] = {}
    for line in found.outcomes:
        by_outcome.setdefault(line["group"]["outcome"], {})[line["at"]] = line["values"]["exchanges"]
    order = [*(each for each in OUTCOMES if each in by_outcome), *sorted(by_outcome.keys() - OUTCOMES.keys())]
    return [
        Series(outcome_words(each), [by_outcome[each].get(at, 0) for at in found.times], _COLOURS.get(each))
        for each in order
    ]


def _course(found: Found, label: str, figure: str) -> Series:
    values = {line["at"]: line["values"][figure] for line in found.course}
    return Series(label, [values.get(at) for at in found.times])


def _costs(found: Found) -> list[Series]:
    """Those that cost most; the others together."""
    costs: dict[str, dict[str, float]] = {}
    for line in found.costs:
        costs.setdefault(line["group"]["assistant"], {})[line["at"]] = line["values"]["cost_nanousd"]
    order = sorted(costs, key=lambda name: -sum(costs[name].values()))
    series = [Series(name, [costs[name].get(at, 0) / NANO for at in found.times]) for name in order[: _MOST_SERIES - 1]]
    rest = order[_MOST_SERIES - 1 :]
    if rest:
        sums = [sum(costs[name].get(at, 0) for name in rest) / NANO for at in found.times]
        series.append(Series(f"{len(rest)} others", sums, "#8a94a4"))
    return series


def _top(view: View, asked: Asked, dimension: str, lines: Sequence[Mapping[str, Any]] | str) -> _Top | None:
    """The most asked; each leads to its exchanges, for whoever may see them.  None where there are only words."""
    title = f"{dimension.capitalize()}s"
    field = "model" if dimension == "assistant" else dimension
    with card(title):
        if isinstance(lines, str):
            Text("p", lines, "lead").style("margin: 0")
            return None
        rows = _rows(dimension, lines)
        also = {name: value for name, value in (("tenant", asked.tenant), ("model", asked.assistant)) if value}

        def href(row: Row) -> str:
            if not row["is_one"] or not view.who.may("ledger.read"):
                return ""
            return link("/exchanges", **{**also, field: str(row["id"]), **asked.span.query()})

        columns = (
            Column("id", dimension.capitalize(), "mono", href=href),
            Column("exchanges", "Exchanges", "number"),
            Column("availability", "Available", "number", lambda row: share(row["availability"])),
            Column("duration_p95_s", "p95", "number", lambda row: seconds(row["duration_p95_s"])),
            Column("cost_nanousd", "Cost", "number", lambda row: usd(row["cost_nanousd"])),
        )
        grid = Grid(title, columns, rows[:_MOST_ROWS], is_dense=True)
        return _Top(grid, Text("p", _more(rows), "count").style("margin: 8px 0 0"))


def _rows(dimension: str, lines: Sequence[Mapping[str, Any]]) -> list[Row]:
    rows: list[Row] = [
        {"id": line["group"][dimension] or "(none)", "is_one": _is_one(line["group"][dimension]), **line["values"]}
        for line in lines
    ]
    return sorted(rows, key=lambda row: -row["exchanges"])


def _more(rows: Sequence[Row]) -> str:
    return f"and {len(rows) - _MOST_ROWS:,} more" if len(rows) > _MOST_ROWS else ""


def _is_one(value: str) -> bool:
    return value not in ("", "(other)")
