"""What is learned: how answers fail, how far reviewers agree, cases for evaluations, and what people say."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.paging import MOST_ROWS
from penstock.console.web.layout.parts.region import Region
from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import Text, box, card, facts, tile, tiles
from penstock.console.web.pages.reviews.queue import STATES
from penstock.console.web.view import View, link

_SPANS = {"168": "Last 7 days", "720": "Last 30 days", "2160": "Last 90 days", "8760": "Last 365 days"}
_MOST_REMARKS = 500


async def learned(view: View) -> None:
    await _Learned(view).open()


class _Learned:
    def __init__(self, view: View) -> None:
        self._view = view
        hours = view.query.get("hours", "720")
        self._hours = hours if hours in _SPANS else "720"
        if self._hours != "720":
            view.aside["hours"] = self._hours
        self._table = DataTable(
            view,
            Listing(
                caption="Decisions by reason",
                columns=(
                    Column("verdict", "Decision", value=lambda row: STATES[row["verdict"]]),
                    Column("reason", "Reason", value=lambda row: (row["reason"] or "").replace("_", " ")),
                    Column("model", "Assistant", "mono"),
                    Column("tenant", "Tenant", "mono"),
                    Column("holds", "Answers", "number"),
                ),
                read=self._read_taxonomy,
                sort="-holds",
                nothing=("rule", "Nothing was decided in this time", "Decisions with their reasons are counted here."),
            ),
        )

    async def open(self) -> None:
        with box("div", "tools"):
            pick("Time range", self._hours, list(_SPANS.items()), self._turn)
        self._region = Region(self._view, self._read, _show_agreement)
        await self._region.open()
        await self._table.open()

    async def _turn(self, hours: str) -> None:
        if hours in _SPANS:
            self._hours = hours
            self._view.keep_aside(hours="" if hours == "720" else hours)
            await self._region.refresh()
            await self._table.refresh()

    async def _read(self) -> dict[str, Any]:
        return await self._view.read("/review/agreement", hours=self._hours)

    async def _read_taxonomy(self, _: Mapping[str, str]) -> list[Row]:
        found = await self._view.read("/review/taxonomy", hours=self._hours)
        return [{**each, "id": number} for number, each in enumerate(found["items"])]


def _show_agreement(found: Mapping[str, Any]) -> None:
    with tiles():
        tile("Judged twice", f"{found['holds']:,}")
        tile("Agreed", _share(found["agreed"]), "both decided the same")
        tile("Krippendorff's alpha", _number(found["alpha"]), "1 is full agreement, 0 is chance")
        tile("Same reasons", _share(found["same_reasons"]), "where both found fault")
    if found["pairs"]:
        with card("Each two"):
            pairs = [
                (f"{each['one']} and {each['other']}", f"kappa {_number(each['kappa'])}, {each['holds']:,} answers")
                for each in found["pairs"]
            ]
            facts(*pairs)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


async def cases(view: View) -> None:
    async def read(_: Mapping[str, str]) -> list[Row]:
        found: list[Row] = await view.read("/review/cases")
        return [{**each, "hold": each["id"], "id": each["place"]} for each in found[:MOST_ROWS]]

    columns = (
        Column("hold", "Of", "mono", href=lambda row: link(path_of("reviews", row["hold"]))),
        Column("model", "Assistant", "mono"),
        Column("question", "Question", value=lambda row: row["question"][-1]["text"] if row["question"] else ""),
        Column("expected", "What it should have been"),
        Column("why", "Why"),
        Column("verdict", "Decision", value=lambda row: STATES.get(row["verdict"], row["verdict"])),
    )
    nothing = ("library_add_check", "No case yet", "Mark one when you decide a review: an evaluation then asks it.")
    listing = Listing(caption="Cases", columns=columns, read=read, sort="-hold", nothing=nothing)
    await DataTable(view, listing).open()


async def remarks(view: View) -> None:
    async def read(_: Mapping[str, str]) -> list[Row]:
        found = await view.read("/review/remarks", limit=_MOST_REMARKS)
        return [{**each, "id": f"{number}"} for number, each in enumerate(found["items"])]

    may = view.who.may("ledger.read")
    columns = (
        Column("at", "When", "time"),
        Column("rating", "Rating", "number"),
        Column("comment", "What was said"),
        Column("correction", "What it should have been"),
        Column("tenant", "Tenant", "mono"),
        Column("user", "By", "mono", value=lambda row: row["user"] or row["key"]),
        Column(
            "exchange", "Exchange", "mono", href=lambda row: link(path_of("exchanges", row["exchange"])) if may else ""
        ),
    )
    nothing = ("reviews", "Nobody has said anything", "Applications send ratings and corrections to /v1/feedback.")
    Text("p", f"The last {_MOST_REMARKS}.", "count").style("margin: 0 0 12px")
    await DataTable(view, Listing(caption="Remarks", columns=columns, read=read, sort="-at", nothing=nothing)).open()
