"""How the month will end: what is spent, what it will come to, and the day on which each budget is used up."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from nicegui import ui

from penstock.console.web.layout.parts.amounts import NANO, usd
from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.layout.parts.region import Region
from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import Text, attach, box, card, empty, note, tile, tiles
from penstock.console.web.layout.theme import CHART_COLOURS
from penstock.console.web.view import View

_LEVELS = {"0.5": "50 %", "0.8": "80 %", "0.9": "90 %", "0.95": "95 %"}
_MONTHS = 13
_LASTS = 0.5
"""A budget that is used up with less of a chance than this more likely lasts."""


async def forecast(view: View) -> None:
    await _Forecast(view).open()


class _Forecast:
    def __init__(self, view: View) -> None:
        self._view = view
        self._tenant = view.query.get("tenant", view.who.tenant or "")[:300]
        level = view.query.get("level", "0.8")
        self._level = level if level in _LEVELS else "0.8"
        self._months = _last_months(datetime.fromtimestamp(view.clock.now(), UTC).date())
        month = view.query.get("month", "")
        self._month = month if month in self._months else ""
        self._rows: list[Row] = []
        self._keep()

    async def open(self) -> None:
        months = [("", "This month"), *((each, each) for each in self._months[1:])]
        with box("div", "tools"):
            if self._view.who.tenant is None:
                typed("Tenant, or all together", self._tenant, lambda text: self._turn(tenant=text.strip())).classes(
                    "grow"
                )
            pick("Month", self._month, months, lambda value: self._turn(month=value))
            with box("span", "labelled"):
                Text("span", "interval of")
                pick("Interval", self._level, list(_LEVELS.items()), lambda value: self._turn(level=value))
        self._region = Region(self._view, self._read, self._show)
        await self._region.open()
        if self._view.who.may("budgets.read") and not self._month:
            self._table = DataTable(self._view, self._listing())
            await self._table.open()

    def _listing(self) -> Listing:
        return Listing(
            caption="Budgets of the month",
            columns=(
                Column("name", "Budget", "mono"),
                Column("whose", "Of"),
                Column("kind", "Amount is"),
                Column("amount", "Amount", "usd"),
                Column("used", "Used", "usd"),
                Column("share", "Used, share", "percent"),
                Column("runs_out", "Used up", "badge", tone=_tone),
                Column("between", "Between"),
                Column("chance", "Chance", "percent"),
            ),
            read=self._given,
            sort="-chance",
            nothing=("savings", "No budget of a month", "Make one on the page of budgets: per month, in USD."),
        )

    async def _given(self, _: Mapping[str, str]) -> list[Row]:
        return self._rows

    def _keep(self) -> None:
        said = {"tenant": self._tenant, "month": self._month, "level": "" if self._level == "0.8" else self._level}
        self._view.aside |= {name: value for name, value in said.items() if value}

    async def _turn(self, **said: str) -> None:
        self._tenant = said.get("tenant", self._tenant)[:300]
        level, month = said.get("level", self._level), said.get("month", self._month)
        self._level = level if level in _LEVELS else self._level
        self._month = month if month in ("", *self._months) else self._month
        kept = {"tenant": self._tenant, "month": self._month, "level": "" if self._level == "0.8" else self._level}
        self._view.keep_aside(**kept)
        await self._region.refresh()
        if hasattr(self, "_table"):
            await self._table.refresh()

    async def _read(self) -> dict[str, Any]:
        self._rows = []
        found = await self._view.read("/costs/forecast", tenant=self._tenant, month=self._month, level=self._level)
        self._rows = [_budget(each) for each in found["budgets"]]
        return found

    def _show(self, found: dict[str, Any]) -> None:
        end = found["forecast"]
        with tiles():
            tile(
                "Spent" if found["is_over"] else "Spent so far",
                usd(found["spent_nanousd"]),
                f"{found['month']}, {found['time_zone']}",
            )
            if end is not None:
                tile("The month will come to", usd(end["expected_nanousd"]), "as likely more as less")
                tile(f"With {end['level']:.0%} between", f"{usd(end['low_nanousd'])} and {usd(end['high_nanousd'])}")
                tile("Concluded from", f"{end['history_days']} days")
        if found["unknown_cost"]:
            note(
                f"{found['unknown_cost']:,} exchanges of the month have no known cost: more was spent than is said.",
                "warn",
            )
        if end is not None and end["is_short"]:
            note("There are under two weeks of history: what weekdays do is a guess, and the interval wide.")
        if found["reason"] and not found["is_over"]:
            note(f"There is no forecast: {found['reason']}.")
        with card(f"{found['month']}, added up"):
            if found["days"]:
                _chart(found)
            else:
                empty("payments", "Nothing was spent in this month", "Choose another one, or another tenant.")
        left_out = tuple(f"{each['name'] or 'Rules'}: {each['reason']}" for each in found["budgets_left_out"])
        if left_out:
            note("Budgets that are not told:", "info", left_out)


def _budget(each: Mapping[str, Any]) -> Row:
    whose = ", ".join(f"{name} {value or '(none)'}" for name, value in each["values"].items())
    between = " to ".join((each["earliest"], each["latest"] or "later")) if each["earliest"] else ""
    if each["is_used_up"]:
        runs_out, between = f"used up {each['day']}", ""
    else:
        runs_out = each["day"] or (each["reason"] or "lasts")
    return {
        "id": f"{each['name']} {whose}",
        "name": each["name"],
        "whose": whose or "all together",
        "kind": "hard" if each["kind"] == "hard" else "soft, alerts only",
        "amount": each["amount_nanousd"] / NANO,
        "used": each["used_nanousd"] / NANO,
        "share": each["used_nanousd"] / each["amount_nanousd"] if each["amount_nanousd"] else 1.0,
        "runs_out": runs_out,
        "between": between,
        "chance": each["chance"],
        "is_used_up": each["is_used_up"],
    }


def _tone(row: Row) -> Tone:
    if row["is_used_up"]:
        return "bad"
    if row["chance"] is None:
        return ""
    return "warn" if row["chance"] >= _LASTS else "ok"


def _last_months(today: date) -> list[str]:
    """This one first."""
    months = today.year * 12 + today.month - 1
    return [f"{(months - back) // 12:04}-{(months - back) % 12 + 1:02}" for back in range(_MONTHS)]


def _chart(found: Mapping[str, Any]) -> None:
    """Sums up to today, and from there straight to the month's end, which alone is forecast."""
    year, month = (int(each) for each in found["month"].split("-"))
    last = monthrange(year, month)[1]
    by_day = {int(each["day"][8:]): each["nanousd"] for each in found["days"]}
    today = last if found["is_over"] else max(by_day)
    spent: list[float | None] = [None] * last
    so_far = 0
    for day in range(1, today + 1):
        so_far += by_day.get(day, 0)
        spent[day - 1] = so_far / NANO
    end = found["forecast"]
    lines: list[dict[str, Any]] = [_line("Spent", spent, CHART_COLOURS["both"][0], width=3)]
    if end is not None and today < last:
        low, middle, high = (
            _straight(so_far, max(end[f"{name}_nanousd"], so_far), today, last) for name in ("low", "expected", "high")
        )
        over = [None if a is None or b is None else b - a for a, b in zip(low, high, strict=True)]
        lines += [
            _line("Expected", middle, CHART_COLOURS["both"][1], dash="dashed"),
            _line("Not less than", low, "transparent", stack="band"),
            {
                **_line("Interval", over, "transparent", stack="band"),
                "areaStyle": {"color": CHART_COLOURS["both"][1], "opacity": 0.22},
            },
        ]
    with box("figure", role="group", aria_label=f"Spending of {found['month']}, added up").style("margin: 0"):
        plot = ui.echart(_options([f"{day}" for day in range(1, last + 1)], lines)).classes("chart")
        attach(plot, aria_hidden="true")
        words = f"{usd(so_far)} are spent by day {today}."
        if end is not None:
            words += (
                f" The month will come to {usd(end['expected_nanousd'])}, with {end['level']:.0%} between"
                f" {usd(end['low_nanousd'])} and {usd(end['high_nanousd'])}."
            )
        Text("figcaption", words + " What lies between today and the end is drawn straight.", "sr")


def _straight(begin: int, end: int, first: int, last: int) -> list[float | None]:
    found: list[float | None] = [None] * last
    for day in range(first, last + 1):
        found[day - 1] = (begin + (end - begin) * (day - first) / (last - first)) / NANO
    return found


def _line(
    name: str, values: list[float | None], colour: str, *, width: int = 2, dash: str = "solid", stack: str = ""
) -> dict[str, Any]:
    style = {"color": colour, "width": 0 if colour == "transparent" else width, "type": dash}
    line: dict[str, Any] = {"name": name, "type": "line", "data": values, "showSymbol": False, "lineStyle": style}
    line["itemStyle"] = {"color": colour}
    return line | ({"stack": stack, "tooltip": {"show": False}} if stack else {})


def _options(days: list[str], series: list[dict[str, Any]]) -> dict[str, Any]:
    money = "(v) => window.penstock.money(v)"
    label = {"color": "#7a8698"}
    return {
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 36, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "textStyle": label, "data": [each["name"] for each in series if "stack" not in each]},
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True, ":valueFormatter": money},
        "xAxis": {"type": "category", "data": days, "boundaryGap": False, "axisLabel": label},
        "yAxis": {
            "type": "value",
            "axisLabel": {**label, ":formatter": money},
            "splitLine": {"lineStyle": {"color": "rgba(138,148,164,0.25)"}},
        },
        "series": series,
    }
