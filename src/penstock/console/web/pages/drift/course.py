"""One feature of one assistant: its course by the day, and how its values lay before a change and after it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from penstock.console.web.layout.parts.amounts import count
from penstock.console.web.layout.parts.chart import Series, chart, timeline
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.table import Listing
from penstock.console.web.layout.parts.table_state import Column
from penstock.console.web.layout.parts.text import Moment, Text, box, card, empty
from penstock.console.web.pages.drift.words import (
    FEATURES,
    UNITS,
    change,
    course_link,
    direction,
    feature_of,
    feature_words,
    from_to,
    plotted,
    unit_of,
    written,
)
from penstock.console.web.view import View

_EVERY_S = 12 * LIVE_S
_DAY = timedelta(days=1)
_MOST_FINDINGS = 5
_BEFORE, _AFTER = "#7a8698", "#0d9488"


async def course(view: View) -> None:
    await _Course(view).open()


class _Course:
    def __init__(self, view: View) -> None:
        self._view = view
        self._assistant = view.query.get("assistant", "")[:300]
        feature = view.query.get("feature", "")
        self._feature = feature if feature in FEATURES else next(iter(FEATURES))
        self._at = view.query.get("at", "")[:40]
        self._keep()
        self._figured = Figured(view, self._read, self._show, self._listing, every_s=_EVERY_S)

    async def open(self) -> None:
        await Region(self._view, lambda: self._view.read("/drift/findings"), self._tools).open()
        await self._figured.open()

    def _tools(self, found: Mapping[str, Any]) -> None:
        names = list(dict.fromkeys([*found["assistants"], *(each["assistant"] for each in found["findings"])]))
        if not self._assistant and names:
            self._assistant = names[0]
        names = names if self._assistant in names or not self._assistant else [*names, self._assistant]
        with box("div", "tools"):
            pick("Assistant", self._assistant, [(name, name) for name in names], self._choose_assistant)
            pick("Feature", self._feature, [(name, each.words) for name, each in FEATURES.items()], self._choose)

    async def _choose_assistant(self, name: str) -> None:
        self._assistant = name[:300]
        await self._turn()

    async def _choose(self, name: str) -> None:
        if name in FEATURES:
            self._feature = name
            await self._turn()

    async def _turn(self) -> None:
        self._at = ""
        self._view.keep_aside(at="", assistant=self._assistant, feature=self._feature, page="")
        await self._figured.refresh(is_other=True)

    def _keep(self) -> None:
        said = {"assistant": self._assistant, "feature": self._feature, "at": self._at}
        self._view.aside |= {name: value for name, value in said.items() if value}

    def _listing(self) -> Listing:
        return Listing(
            caption="By day (UTC)",
            columns=(
                Column("day", "Day (UTC)", "mono"),
                Column("said", feature_words(self._feature)),
                Column("exchanges", "Exchanges", "number"),
                Column("side", "Belongs to"),
            ),
            read=nothing,
            sort="-day",
            nothing=(
                "trending_flat",
                "There is none of this",
                "Choose another feature or assistant. The view of what is watched says what each feature needs.",
            ),
        )

    async def _read(self) -> Found:
        if not self._assistant:
            return None, []
        asked = {"assistant": self._assistant, "feature": self._feature, "at": self._at}
        found = await self._view.read("/drift/course", **asked)
        unit = unit_of(self._feature)
        rows = [
            {
                "id": each["at"],
                "day": each["at"][:10],
                "said": written(each["value"], unit),
                "exchanges": each["exchanges"],
                "side": _side(each, found["at"]),
            }
            for each in found["days"]
        ]
        return found, rows

    def _show(self, found: Mapping[str, Any] | None) -> None:
        if found is None or not found["days"]:
            return  # the table says what to do
        unit = unit_of(self._feature)
        feature = feature_of(self._feature)
        Text("p", f"{feature.words}: {feature.means}", "lead").style("margin: 0 0 16px")
        for each in found["findings"][:_MOST_FINDINGS]:
            self._finding(each, is_shown=each["since"] == found["at"])
        _sides(found, unit)
        with card("By day"):
            _by_day(found, unit)
        with card("How values lay before and after"):
            if not found["shape"]:
                empty("bar_chart", "There is nothing on one of the sides", "Both are needed to compare them.")
            else:
                _shape(found, unit)

    def _finding(self, each: Mapping[str, Any], *, is_shown: bool) -> None:
        """With the way to how it was before and after it, where that is not what is shown."""
        unit = unit_of(each["feature"], each["measure"])
        with box("div", "note info"):
            words = feature_words(each["feature"], each["measure"])
            went = f"{words} {direction(each['reference'], each['current'])}"
            Text("b", f"{went}: {from_to(each['reference'], each['current'], unit)}")
            Text("span", ", since ")
            Moment(each["since"])
            sure = f"such by chance {each['false_alarms']:.2g} times a week"
            by = change(each["low"], each["high"], unit)
            Text("div", f"{by} with 95 %, of {count(each['exchanges'])} exchanges; {sure}")
            if not is_shown:
                address = course_link({"assistant": self._assistant, "feature": self._feature}, at=each["since"])
                Text("a", "Show before and after this change", href=address)


def _sides(found: Mapping[str, Any], unit: str) -> None:
    with box("dl", "tiles"):
        for name, words in (("before", "Before"), ("after", "After")):
            side = found[name]
            with box("div", "tile"):
                Text("dt", words)
                Text("dd", written(side["value"], unit))
                with box("dd", "small"):
                    Moment(side["since"])
                    Text("span", " to ")
                    Moment(side["until"])
                Text("dd", f"{count(side['exchanges'])} exchanges", "small")


def _by_day(found: Mapping[str, Any], unit: str) -> None:
    """Before and after in two colours, and on through the second what the first was."""
    days, at = found["days"], found["at"]
    level = plotted(found["before"]["value"], unit)
    values = [(_is_after(each, at), plotted(each["value"], unit)) for each in days]
    series = [
        Series("Before", [None if is_after else value for is_after, value in values], _BEFORE),
        Series("After", [value if is_after else None for is_after, value in values], _AFTER),
        Series("What it was before", [level if is_after else None for is_after, _ in values], "#c47614"),
    ]
    times = [each["at"] for each in days]
    timeline("By day", times, series, unit=UNITS.get(unit, ""), from_zero=False)


def _is_after(day: Mapping[str, Any], at: str) -> bool:
    """The greater part of it."""
    return datetime.fromisoformat(at) - datetime.fromisoformat(day["at"]) < _DAY / 2


def _side(day: Mapping[str, Any], at: str) -> str:
    since = datetime.fromisoformat(at) - datetime.fromisoformat(day["at"])
    return "after" if since <= timedelta() else "before" if since >= _DAY else "both: it changed on this day"


def _shape(found: Mapping[str, Any], unit: str) -> None:
    what = "exchanges" if found["shape_of"] == "exchanges" else "hours, each as its exchanges count"
    by = {"tokens": "length", "characters": "sign: one answer may have several"}.get(unit, "the mean of the hour")
    Text("p", f"The share of {what}, by {by}.", "quiet")
    series = [
        Series("Before", [round(each["before"], 4) for each in found["shape"]], _BEFORE),
        Series("After", [round(each["after"], 4) for each in found["shape"]], _AFTER),
    ]
    chart("Shares", [_bin(each, unit) for each in found["shape"]], series, kind="bar", unit="share")


def _bin(each: Mapping[str, Any], unit: str) -> str:
    if each["name"]:
        return str(each["name"])
    if unit == "tokens":
        low, high = int(each["low"]), each["high"]
        return f"{low:,} and more" if high is None else f"{low:,}\N{EN DASH}{int(high) - 1:,}"
    return written(each["low"], unit)
