"""Charts by ECharts, in the theme's colours, with the same figures as a table for whoever cannot see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nicegui import ui

from penstock.console.web.layout.parts.text import attach, box
from penstock.console.web.layout.theme import CHART_COLOURS

Kind = Literal["line", "bar"]
Unit = Literal["", "usd", "share", "seconds"]
_GREY = "#7a8698"
_WRITTEN: Mapping[Unit, str] = {
    "usd": "(v) => window.penstock.money(v)",
    "share": "(v) => window.penstock.percent(v)",
    "seconds": "(v) => typeof v === 'number' ? window.penstock.number(v) + ' s' : v",
}
_AXIS: Mapping[Unit, str] = {
    **_WRITTEN,
    "usd": "(v) => (v < 0 ? '\u2212$' : '$') + window.penstock.number(Math.abs(v))",
}
"""How a value of a unit is written, and how on an axis; as JavaScript, ours and never a text from outside."""


@dataclass(frozen=True, slots=True)
class Series:
    """`colour` is in place of the theme's next one."""

    name: str
    values: Sequence[float | None]
    colour: str | None = None


def chart(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    kind: Kind = "line",
    is_stacked: bool = False,
    unit: Unit = "",
    from_zero: bool = True,
) -> None:
    """`labels` stand below; each series has a value for each of them, None where nothing is known."""
    options = _options(series, kind, is_stacked=is_stacked, unit=unit)
    options["yAxis"]["scale"] = not from_zero
    options["xAxis"] |= {"type": "category", "data": list(labels)}
    for shown, each in zip(options["series"], series, strict=True):
        shown["data"] = list(each.values)
    _draw(title, options, labels, series, are_times=False)


def timeline(
    title: str,
    times: Sequence[str],
    series: Sequence[Series],
    *,
    kind: Kind = "line",
    unit: Unit = "",
    from_zero: bool = True,
) -> None:
    """A chart over time, in the zone of whoever looks; bars are stacked.  `times` are ISO 8601.

    Not `from_zero` is for shares that are all close to one.
    """
    options = _options(series, kind, is_stacked=kind == "bar", unit=unit)
    options["yAxis"]["scale"] = not from_zero
    options["xAxis"]["type"] = "time"
    for shown, each in zip(options["series"], series, strict=True):
        shown["data"] = [[at, value] for at, value in zip(times, each.values, strict=True)]
    _draw(title, options, times, series, are_times=True)


def _draw(
    title: str, options: dict[str, Any], labels: Sequence[str], series: Sequence[Series], *, are_times: bool
) -> None:
    with box("figure", role="group", aria_label=title).style("margin: 0"):
        attach(ui.echart(options).classes("chart"), aria_hidden="true")
        _alternative(title, labels, series, are_times=are_times)


def _options(series: Sequence[Series], kind: Kind, *, is_stacked: bool, unit: Unit) -> dict[str, Any]:
    """All but the data and what stands below."""
    line = {"axisLine": {"lineStyle": {"color": "#8a94a4"}}}
    written = {":valueFormatter": _WRITTEN[unit]} if unit else {}
    on_axis = {":formatter": _AXIS[unit]} if unit else {}
    return {
        "color": CHART_COLOURS["both"],
        "darkMode": "auto",
        "animation": False,
        "grid": {"left": 8, "right": 12, "top": 36 if len(series) > 1 else 12, "bottom": 4, "containLabel": True},
        "legend": {
            "show": len(series) > 1,
            "type": "scroll",
            "top": 2,
            "left": 0,
            "icon": "roundRect",
            "itemWidth": 12,
            "itemHeight": 12,
            "textStyle": {"color": _GREY, "width": 150, "overflow": "truncate"},
            "pageTextStyle": {"color": _GREY},
            "pageIconColor": _GREY,
        },
        # As rich text and not as HTML: names come from outside.
        "tooltip": {"trigger": "axis", "renderMode": "richText", "confine": True, **written},
        "xAxis": {**line, "axisLabel": {"color": _GREY, "width": 140, "overflow": "truncate", "hideOverlap": True}},
        "yAxis": {
            "type": "value",
            "splitLine": {"lineStyle": {"color": "rgba(138,148,164,0.25)"}},
            "axisLabel": {"color": _GREY, **on_axis},
            **line,
        },
        "series": [
            {
                "name": each.name,
                "type": kind,
                "showSymbol": False,
                "barMaxWidth": 28,
                **({"stack": "all"} if is_stacked else {}),
                **({} if each.colour is None else {"itemStyle": {"color": each.colour}}),
            }
            for each in series
        ],
    }


class _Alternative(ui.element, component="alternative.js"):
    """Drawn by the browser: as elements of ours its cells would be thousands."""


def _alternative(title: str, labels: Sequence[str], series: Sequence[Series], *, are_times: bool) -> None:
    table = _Alternative()
    table.props["title"] = title
    table.props["labels"] = list(labels)
    table.props["names"] = [each.name for each in series]
    table.props["values"] = [list(each.values) for each in series]
    table.props["times"] = are_times
