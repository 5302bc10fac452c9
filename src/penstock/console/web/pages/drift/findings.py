"""The changes that were told: since when, of what, how large and how sure; and who knows of them."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.amounts import count
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.region import attempt
from penstock.console.web.layout.parts.table import Act, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import Moment, Text, box, note, tile, tiles
from penstock.console.web.pages.drift.words import (
    change,
    course_link,
    direction,
    feature_words,
    from_to,
    tone,
    unit_of,
)
from penstock.console.web.view import View

_DAYS = {"7": "Last 7 days", "28": "Last 4 weeks", "56": "Last 8 weeks", "364": "Last 52 weeks"}
_DEFAULT = "56"
_WINDOWS = {6: "6 hours", 24: "a day", 168: "a week"}


async def findings(view: View) -> None:
    await _Findings(view).open()


class _Findings:
    def __init__(self, view: View) -> None:
        self._view = view
        days = view.query.get("days", "")
        self._days = days if days in _DAYS else _DEFAULT
        if self._days != _DEFAULT:
            view.aside["days"] = self._days
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            pick("Time range", self._days, list(_DAYS.items()), self._choose)
        await self._figured.open()

    async def _choose(self, days: str) -> None:
        if days in _DAYS:
            self._days = days
            self._view.keep_aside(days="" if days == _DEFAULT else days, page="")
            await self._figured.refresh()

    def _listing(self) -> Listing:
        may = self._view.who.may("alerts.write")
        return Listing(
            caption="Findings",
            columns=(
                Column("found_at", "Found", "time", href=lambda row: course_link(row, at=str(row["since"]))),
                Column("assistant", "Assistant"),
                Column("what", "Feature"),
                Column("went", "Change", "badge", tone=lambda r: tone(r["feature"], r["reference"], r["current"])),
                Column("sides", "From \N{RIGHTWARDS ARROW} to"),
                Column("since", "Since", "time"),
                Column("known", "Known to", "mono"),
                Column("by", "By, with 95 %"),
                Column("window", "Seen over"),
                Column("exchanges", "Exchanges", "number"),
                Column("chance", "By chance, a week", "number"),
            ),
            read=nothing,
            sort="-found_at",
            nothing=("trending_flat", "Nothing has changed", _NOTHING),
            filters=(Filter("state", "State", (("", "Any state"), ("open", "Not acknowledged"), ("known", "Known"))),),
            acts=(
                Act("take", "Acknowledge", self._take, "", lambda r: may and r["state"] == "open" and bool(r["alert"])),
            ),
        )

    async def _take(self, row: Row) -> None:
        path = path_of("alerts", str(row["alert"])) + "/acknowledge"
        await attempt(self._view, lambda: self._view.act("POST", path), "Acknowledged.")
        await self._figured.refresh()

    async def _read(self) -> Found:
        found = await self._view.read("/drift/findings", days=self._days)
        rows = [_row(each) for each in found["findings"]]
        return {**found, "findings": len(rows), "open": sum(row["state"] == "open" for row in rows)}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found["is_watched"]:
            note(
                "Drift is not watched: `drift.enabled` is false in penstock.yaml. What was found before is kept.",
                "warn",
            )
        elif found["first_hour"] is None:
            note("Nothing was asked yet. Point an application's base_url at the data plane: each hour is summed up.")
        elif found["as_of"] < found["first_finding"]:
            with box("div", "note info"):
                Text("span", "There is too little to compare with so far. The first finding is possible from ")
                Moment(found["first_finding"])
                Text("span", f", with {count(found['min_exchanges'])} exchanges in a window.")
        with tiles():
            tile("Findings", count(found["findings"]), _DAYS[self._days].lower())
            tile("Not acknowledged", count(found["open"]), "nobody has said that they know")
            tile("Assistants watched", count(len(found["assistants"])), "that were asked in the last week")
            tile("Features of each", count(len(found["features"])), "where there is any of it")
            allowed = f"{found['false_alarms_a_week']:g} a week"
            tile("False alarms allowed", allowed, "over all that is watched")


_NOTHING = (
    "Each assistant is compared with the weeks before, every second hour. A change is told here once, and as an alert"
    " of the kind `drift.found`."
)


def _row(each: Mapping[str, Any]) -> Row:
    unit = unit_of(each["feature"], each["measure"])
    return {
        **each,
        "id": f"{each['assistant']}\n{each['feature']}\n{each['found_at']}",
        "name": f"{each['assistant']}, {feature_words(each['feature'], each['measure'])}",
        "what": feature_words(each["feature"], each["measure"]),
        "went": direction(each["reference"], each["current"]),
        "sides": from_to(each["reference"], each["current"], unit),
        "by": change(each["low"], each["high"], unit),
        "window": _WINDOWS.get(each["window_h"], f"{each['window_h']} hours"),
        "chance": float(f"{each['false_alarms']:.2g}"),
        "known": each["acknowledged_by"],
        "state": "open" if each["acknowledged_at"] is None else "known",
    }
