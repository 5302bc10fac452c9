"""The weekly view: every feature of every assistant in the last week or day, beside the eight before it."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.layout.parts.amounts import count
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.region import LIVE_S
from penstock.console.web.layout.parts.table import Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import box, tile, tiles
from penstock.console.web.pages.drift.words import bounds, change, course_link, feature_words, plotted, unit_of, written
from penstock.console.web.view import View

_WINDOWS = {"week": ("Weeks", 168), "day": ("Days", 24)}
_VERDICTS: Mapping[str, tuple[str, Tone]] = {
    "changed": ("Changed", "warn"),
    "unchanged": ("As usual", "ok"),
    "too_little": ("Too little to tell", ""),
}
_EVERY_S = 12 * LIVE_S
"""It changes by the hour, and takes some tens of milliseconds for each assistant."""


async def weeks(view: View) -> None:
    await _Weeks(view).open()


class _Weeks:
    def __init__(self, view: View) -> None:
        self._view = view
        window = view.query.get("window", "")
        self._window = window if window in _WINDOWS else "week"
        if self._window != "week":
            view.aside["window"] = self._window
        self._figured = Figured(view, self._read, self._show, self._listing, every_s=_EVERY_S)

    async def open(self) -> None:
        with box("div", "tools"):
            options = [(name, words) for name, (words, _) in _WINDOWS.items()]
            pick("By week or by day", self._window, options, self._choose)
        await self._figured.open()

    async def _choose(self, window: str) -> None:
        if window in _WINDOWS:
            self._window = window
            self._view.keep_aside(window="" if window == "week" else window, page="")
            await self._figured.refresh(is_other=True)

    def _listing(self) -> Listing:
        last = self._window
        verdicts = [(name, words) for name, (words, _) in _VERDICTS.items()]
        return Listing(
            caption=f"Drift by {last}",
            columns=(
                Column("assistant", "Assistant"),
                Column("words", "Feature", href=course_link),
                Column(
                    "verdict",
                    "Verdict",
                    "badge",
                    lambda row: _VERDICTS[row["verdict"]][0],
                    lambda row: _VERDICTS[row["verdict"]][1],
                ),
                Column("course", f"9 {last}s", "course"),
                Column("expected", "Expected"),
                Column("now", f"Last {last}"),
                Column("by", "Change, with 95 %"),
                Column("bounds", "Alert outside"),
                Column("told", "Change told", "time"),
                Column("exchanges", "Exchanges", "number"),
            ),
            read=nothing,
            sort="assistant",
            nothing=(
                "trending_flat",
                "Nothing was asked in the last week",
                "Point an application's base_url at the data plane. A first comparison needs a week before it.",
            ),
            filters=(Filter("verdict", "Verdict", (("", "Any verdict"), *verdicts)),),
        )

    async def _read(self) -> Found:
        found = await self._view.read("/drift")
        hours = _WINDOWS[self._window][1]
        told = {(each["assistant"], each["feature"]): each["since"] for each in reversed(found["findings"])}
        rows = [_row(each, told) for each in found["features"] if each["hours"] == hours]
        verdicts = [row["verdict"] for row in rows]
        return {name: verdicts.count(name) for name in _VERDICTS} | {"is_watched": found["is_watched"]}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        if not any(found[name] for name in _VERDICTS):
            return  # the table says what to do
        with tiles():
            tile("Changed", count(found["changed"]), "beyond what windows vary by, or found lately")
            tile("As usual", count(found["unchanged"]), "no further off than such windows lie from each other")
            tile("Too little to tell", count(found["too_little"]), "too few exchanges, or too short a reference")


def _row(each: Mapping[str, Any], told: Mapping[tuple[str, str], str]) -> Row:
    unit = unit_of(each["feature"])
    return {
        **each,
        "id": f"{each['assistant']}\n{each['feature']}",
        "words": feature_words(each["feature"]),
        "course": [plotted(value, unit) for value in (*each["before"], each["current"])],
        "expected": written(each["reference"], unit),
        "now": written(each["current"], unit),
        "told": told.get((each["assistant"], each["feature"])),
        "by": change(each["low"], each["high"], unit),
        "bounds": "" if each["reference"] is None else bounds(each["alert_below"], each["alert_above"], unit),
    }
