"""Cache: what is kept, how often it answers and what that saves, and dropping what must not be given any more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.amounts import NANO, share, usd
from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.period import Period
from penstock.console.web.layout.parts.region import attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.tabs import tabs
from penstock.console.web.layout.parts.text import Text, box, button, card, facts, tile, tiles
from penstock.console.web.view import View

_FIGURES = ("exchanges", "cache_hits", "cache_misses", "saved_cache_nanousd")
_WORDS = {"hit": "Answered", "miss": "Nothing was kept", "bypassed": "Not asked, or not kept"}
_ORDERED = {"tenant": "tenant", "model": "assistant", "tag": "document"}
_A_MOMENT_H = 0.001
"""What hits saved comes from the figures: of the ledger as little as may be is asked."""


async def build(view: View) -> None:
    views = [("use", "Use"), ("kept", "What is kept")]
    if tabs(view, views, range=view.query.get("range", ""), zone=view.query.get("zone", "")) == "use":
        await _Use(view).open()
    else:
        await _Kept(view).open()


class _Use:
    """By assistant and over time, out of the sums."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._period = Period(view)
        self._figured = Figured(view, self._read, self._show, _use)

    async def open(self) -> None:
        with box("div", "tools"):
            self._period.draw(self._figured.refresh)
        await self._figured.open()

    async def _read(self) -> Found:
        figures = list(_FIGURES)
        by = await self._view.read("/figures", figure=figures, by="assistant", **self._period.query())
        steps = await self._view.read("/figures", figure=figures, **self._period.query(by_step=True))
        why = await self._view.read("/figures/tallies", prefix="cache:", **self._period.query())
        rows = [
            {
                "id": line["group"]["assistant"],
                "assistant": line["group"]["assistant"],
                "rate": _rate(line["values"]),
                "saved": line["values"]["saved_cache_nanousd"] / NANO,
                **line["values"],
            }
            for line in by["lines"]
        ]
        return {"by": by["lines"], "steps": steps["lines"], "why": why["tallies"]}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        whole = {name: sum(line["values"][name] for line in found["by"]) for name in _FIGURES}
        if not whole["exchanges"]:
            return  # the table says what to do
        rate = _rate(whole)
        with tiles():
            tile("Hit rate", "unknown" if rate is None else share(rate), "of the exchanges it was asked for")
            tile("Hits", f"{whole['cache_hits']:,}", f"of {whole['exchanges']:,} exchanges")
            tile("Misses", f"{whole['cache_misses']:,}")
            tile("Saved", usd(whole["saved_cache_nanousd"]), "what the hits would have cost, where known")
        steps = self._period.steps()
        labels = self._period.labels(steps)
        by_step = {datetime.fromisoformat(line["at"]): line["values"] for line in found["steps"]}
        with box("div", "two").style("margin-bottom: 20px"):
            with card("Hit rate"):
                rates = [_rate(by_step[at]) if at in by_step else None for at in steps]
                chart("Hit rate", labels, [Series("Hit rate", rates)], unit="share")
            with card("Saved"):
                saved = [by_step[at]["saved_cache_nanousd"] / NANO if at in by_step else 0 for at in steps]
                chart("Saved", labels, [Series("Saved", saved)], kind="bar", unit="usd")
        _reasons(found["why"])


def _use() -> Listing:
    return Listing(
        caption="Use of the cache",
        columns=(
            Column("assistant", "Assistant"),
            Column("exchanges", "Exchanges", "number"),
            Column("cache_hits", "Hits", "number"),
            Column("cache_misses", "Misses", "number"),
            Column("rate", "Hit rate", "percent"),
            Column("saved", "Saved", "usd"),
        ),
        read=nothing,
        sort="-saved",
        nothing=(
            "bolt",
            "Nothing was asked in this time",
            "Take a longer time range. A model keeps answers with `cache: {exact: {}}` in penstock.yaml.",
        ),
    )


def _reasons(tallies: Sequence[Mapping[str, Any]]) -> None:
    if not tallies:
        return
    pairs: list[tuple[str, str]] = []
    for each in sorted(tallies, key=lambda tally: -tally["amount"]):
        _, what, *rest = str(each["name"]).split(":")
        reason = ": ".join([_WORDS.get(what, what), *(part.replace("_", " ") for part in rest)])
        pairs.append((reason, f"{each['amount']:,}"))
    with card("How it went"):
        facts(*pairs)


def _rate(values: Mapping[str, int]) -> float | None:
    asked = values["cache_hits"] + values["cache_misses"]
    return values["cache_hits"] / asked if asked else None


class _Kept:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("cache.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Kept answers",
                columns=(
                    Column("tenant", "Tenant", "mono"),
                    Column("model", "Assistant"),
                    Column("kind", "Kind"),
                    Column("entries", "Answers", "number"),
                    Column("kilobytes", "kB", "number", lambda row: round(row["bytes"] / 1000, 1)),
                    Column("oldest", "Oldest", "time"),
                    Column("newest", "Newest", "time"),
                ),
                read=self._read,
                sort="-entries",
                nothing=(
                    "inventory_2",
                    "Nothing is kept",
                    "A model keeps answers with `cache: {exact: {}}` in penstock.yaml.",
                ),
                acts=(Act("drop", "Drop", self._drop, "danger", lambda _: may),),
            ),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("Drop answers", self._ask, kind="danger", icon="delete_sweep")
                Text("span", "by tenant, assistant or document", "count")
        await self._table.open()

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        found = await self._view.read("/cache", hours=_A_MOMENT_H)
        return [
            {**each, "id": f"{each['tenant']}\n{each['model']}\n{each['kind']}", "name": each["model"]}
            for each in found["contents"]
        ]

    def _drop(self, row: Row) -> None:
        self._confirm({"tenant": row["tenant"], "model": row["model"]})

    def _ask(self) -> None:
        fields = (
            Field("tenant", "Tenant", value=self._view.who.tenant or ""),
            Field("model", "Assistant"),
            Field("tag", "Document", hint="The id of a document, or of a release, that answers were made from."),
        )

        async def send(answers: dict[str, Any]) -> None:
            order = without_blanks(answers)
            if not order:
                raise ApiRefused(400, "malformed_request", "Write whose answers must go.")
            self._confirm(order)

        ask(self._view, "Drop answers", fields, send, label="Go on", text="Those that agree with all that is written.")

    def _confirm(self, order: dict[str, Any]) -> None:
        async def go() -> None:
            await attempt(self._view, lambda: self._forget(order), "They are given to nobody any more.")
            await self._table.refresh()

        words = ", ".join(f"{_ORDERED[name]} {value}" for name, value in order.items())
        text = "Those that agree with all of it, in every process within a second; they will be paid for again."
        confirm(f"Drop the answers of {words}?", text, "Drop", go)

    async def _forget(self, order: dict[str, Any]) -> None:
        done = await self._view.act("POST", "/cache/drop", order)
        toast(f"{done['entries']:,} kept answers were dropped.")
