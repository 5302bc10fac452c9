"""Charts by ECharts, in the theme's colours, with the same figures as a table for whoever cannot see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nicegui import ui

from penstock.console.web.layout.parts.text import Text, attach, box
from penstock.console.web.layout.theme import CHART_COLOURS


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    values: Sequence[float | None]


def chart(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    kind: Literal["line", "bar"] = "line",
    is_stacked: bool = False,
    unit: Literal["", "usd", "share"] = "",
) -> None:
    """`labels` stand below; each series has a value for each of them, None where nothing is known."""
    with box("figure", role="group", aria_label=title).style("margin: 0"):
        plot = ui.echart(_options(labels, series, kind, is_stacked=is_stacked, unit=unit)).classes("chart")
        attach(plot, aria_hidden="true")
        _alternative(title, labels, series)


_WRITTEN = {"usd": "(v) => window.penstock.money(v)", "share": "(v) => window.penstock.percent(v)"}
_AXIS = {"usd": "(v) => (v < 0 ? '\u2212$' : '$') + window.penstock.number(Math.abs(v))", "share": _WRITTEN["share"]}
"""How a value of a unit is written, and how on an axis; as JavaScript, ours and never a text from outside."""


def _options(
    labels: Sequence[str], series: Sequence[Series], kind: str, *, is_stacked: bool, unit: str
) -> dict[str, Any]:
    axis = {"axisLine": {"lineStyle": {"color": "#8a94a4"}}, "axisLabel": {"color": "#7a8698"}}
    return {
        "color": CHART_COLOURS["both"],
        "darkMode": "auto",
        "animation": False,
        "grid": {"left": 8, "right": 12, "top": 36 if len(series) > 1 else 12, "bottom": 4, "containLabel": True},
        "legend": {
            "show": len(series) > 1,
            "type": "scroll",
            "top": 0,
            "textStyle": {"color": "#7a8698", "width": 160, "overflow": "truncate"},
        },
        # As rich text and not as HTML: names come from outside.
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True}
        | ({":valueFormatter": _WRITTEN[unit]} if unit else {}),
        "xAxis": {
            "type": "category",
            "data": list(labels),
            **axis,
            "axisLabel": {"color": "#7a8698", "width": 140, "overflow": "truncate", "hideOverlap": True},
        },
        "yAxis": {"type": "value", "splitLine": {"lineStyle": {"color": "rgba(138,148,164,0.25)"}}, **axis}
        | ({"axisLabel": {"color": "#7a8698", ":formatter": _AXIS[unit]}} if unit else {}),
        "series": [
            {"name": each.name, "type": kind, "data": list(each.values), "showSymbol": False, "barMaxWidth": 36}
            | ({"stack": "all"} if is_stacked else {})
            for each in series
        ],
    }


def _alternative(title: str, labels: Sequence[str], series: Sequence[Series]) -> None:
    with box("div", "sr"), box("table"):
        Text("caption", title)
        with box("tr"):
            Text("th", "", scope="col").props["aria-label"] = "Of"
            for each in series:
                Text("th", each.name, scope="col")
        for index, label in enumerate(labels):
            with box("tr"):
                Text("th", label, scope="row")
                for each in series:
                    value = each.values[index]
                    Text("td", "unknown" if value is None else f"{value:g}")
