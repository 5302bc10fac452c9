"""What answers are worth, by assistant, beside what they cost."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.layout.parts.amounts import NANO, usd
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.table import Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, note, tile, tiles
from penstock.console.web.pages.costs.spanned import Spanned
from penstock.console.web.view import View


async def value(view: View) -> None:
    await _Value(view).open()


class _Value:
    def __init__(self, view: View) -> None:
        self._view = view
        self._span = Spanned(view)
        self._figured = Figured(view, self._read, _show, _listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._span.draw(self._figured.refresh)
        await self._figured.open()

    async def _read(self) -> Found:
        found = await self._view.read("/costs/value", **self._span.query())
        del found["since"], found["until"]  # else it is another answer each time
        return found, [_worth(each) for each in found["models"]]


def _listing() -> Listing:
    return Listing(
        caption="Value by assistant",
        columns=(
            Column("model", "Assistant"),
            Column("interactions", "Asked", "number"),
            Column("resolved", "Resolved", "number"),
            Column("cost", "Cost", "usd"),
            Column("saved", "Saved", "usd"),
            Column("value", "Worth", "usd"),
            Column("handling", "Handling", "usd"),
            Column("return", "Return", "usd"),
            Column("roi", "Return on cost", "percent"),
            Column("reason", "What it leaves out"),
        ),
        read=nothing,
        sort="-return",
        nothing=("query_stats", "Nothing was asked in this time", "Take a longer time range."),
    )


def _show(found: Mapping[str, Any]) -> None:
    with tiles():
        tile("Cost", usd(found["cost_nanousd"]), "of all assistants")
        tile("Saved", usd(found["saved_nanousd"]), "in no return")
        tile("Return", _known(found["return_nanousd"]), f"of those that cost {usd(found['valued_cost_nanousd'])}")
        roi = found["roi"]
        tile("Return on cost", "unknown" if roi is None else f"{float(roi):.0%}")
    if found["return_nanousd"] is None:
        note("Nothing is assumed: write what a resolved interaction is worth for a model, and returns are told.")


def _known(nanousd: int | None) -> str:
    return "unknown" if nanousd is None else usd(nanousd)


def _worth(each: Mapping[str, Any]) -> Row:
    money = {
        name: None if each[f"{name}_nanousd"] is None else each[f"{name}_nanousd"] / NANO
        for name in ("cost", "saved", "value", "handling", "return")
    }
    return {**each, **money, "id": each["model"], "roi": None if each["roi"] is None else float(each["roi"])}
