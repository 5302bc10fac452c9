"""Recorded traffic at the prices of other targets, which are written in the address too."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.layout.parts.amounts import NANO, usd
from penstock.console.web.layout.parts.fields import typed
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.table import Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, note, tile, tiles
from penstock.console.web.pages.costs.spanned import Spanned
from penstock.console.web.view import View

_LONGEST = 2000


async def compare(view: View) -> None:
    await _Compare(view).open()


class _Compare:
    def __init__(self, view: View) -> None:
        self._view = view
        self._span = Spanned(view)
        self._others = view.query.get("with", "")[:_LONGEST]
        if self._others:
            view.aside["with"] = self._others
        # Not by itself: it may have to read rows of the ledger, which takes seconds.
        self._figured = Figured(view, self._read, _show, _listing, every_s=None)

    async def open(self) -> None:
        with box("div", "tools"):
            typed("Targets, with commas", self._others, self._turn).classes("grow")
            self._span.draw(self._figured.refresh)
        await self._figured.open()

    async def _turn(self, text: str) -> None:
        self._others = text.strip()[:_LONGEST]
        self._view.keep_aside(**{"with": self._others})
        await self._figured.refresh()

    async def _read(self) -> Found:
        if not self._others:
            return {}, []
        found = await self._view.read("/costs/compare", **self._span.query(), **{"with": self._others})
        del found["since"], found["until"]  # else it is another answer each time
        return found, [_candidate(each) for each in found["candidates"]]


def _listing() -> Listing:
    return Listing(
        caption="Other targets",
        columns=(
            Column("target", "Target", "mono"),
            Column("cost", "Would have cost", "usd"),
            Column("difference", "Difference", "usd"),
            Column("uncached", "Without kept prompts", "usd"),
            Column("p95", "Its own p95, s", "number"),
            Column("measured", "Its own exchanges", "number"),
            Column("reason", "Why not known"),
        ),
        read=nothing,
        sort="cost",
        nothing=("compare_arrows", "No other target yet", "Write some above, such as openai/gpt-4o-mini."),
    )


def _show(found: Mapping[str, Any]) -> None:
    if not found:
        return  # the table says what to do
    with tiles():
        tile("Recorded", usd(found["recorded_nanousd"]), f"{found['exchanges']:,} exchanges")
        for each in found["recorded"][:3]:
            again = f"{usd(each['recomputed_nanousd'])} by these prices"
            tile(each["target"], usd(each["recorded_nanousd"]), again)
    left_out = tuple(
        f"{each['exchanges']:,} exchanges, {usd(each['nanousd'])}: {each['reason'].replace('_', ' ')}"
        for each in found["left_out"]
    )
    if left_out:
        note("In no sum here:", "warn", left_out)
    note("What is taken for granted:", "info", tuple(found["assumptions"]))


def _candidate(each: Mapping[str, Any]) -> Row:
    money = {
        name: None if each[field] is None else each[field] / NANO
        for name, field in (
            ("cost", "nanousd"),
            ("difference", "difference_nanousd"),
            ("uncached", "uncached_nanousd"),
        )
    }
    own = each["measured"]
    return {
        **money,
        "id": each["target"],
        "target": each["target"],
        "reason": each["reason"],
        "p95": None if own is None else own["p95_s"],
        "measured": None if own is None else own["exchanges"],
    }
