"""Prices that hold and that nobody knows, what other targets would have cost, and what answers are worth."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.layout.parts.region import Region
from penstock.console.web.layout.parts.table import DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import box, note, tile, tiles
from penstock.console.web.view import View

_NANO = 1_000_000_000
_SPANS = {"7": "Last 7 days", "30": "Last 30 days", "90": "Last 90 days", "365": "Last 365 days"}
_DEFAULT = "30"


async def prices(view: View) -> None:
    async def read(filters: Mapping[str, str]) -> list[Row]:
        found = await view.read("/prices")
        rows = [row for target in found["targets"] for row in _prices_of(target)]
        return [row for row in rows if filters.get("known") in (None, row["known"])]

    columns = (
        Column("target", "Target", "mono"),
        Column("known", "Price", "badge", lambda row: _KNOWN[row["known"]], lambda row: _TONES[row["known"]]),
        Column("rates", "USD", "tags"),
        Column("since", "From"),
        Column("until", "Until"),
        Column("source", "Source"),
        Column("unknown", "Without a cost, 30 days", "number"),
    )
    nothing = ("sell", "No target yet", "Targets come with models: write one under `models` in penstock.yaml.")
    filters = (Filter("known", "Price", (("", "Any price"), *_KNOWN.items())),)
    await DataTable(
        view,
        Listing(caption="Prices", columns=columns, read=read, sort="target", nothing=nothing, filters=filters),
    ).open()


_KNOWN = {"yes": "Known", "no": "Unknown"}
_TONES: Mapping[str, Tone] = {"yes": "ok", "no": "warn"}
_NONE: Mapping[str, Any] = {"rates": [], "since": None, "until": None, "source": ""}


def _prices_of(target: Mapping[str, Any]) -> list[Row]:
    """A row for each price that holds or will; one without rates where none does."""
    unknown = target["unknown"]
    same: dict[str, Any] = {
        "target": target["target"],
        "name": target["target"],
        "known": "yes" if target["is_known"] else "no",
        "unknown": None if unknown is None else unknown["exchanges"],
    }
    rows: list[Row] = []
    for number, each in enumerate(target["prices"] or [_NONE]):
        rates = [f"{rate['kind'].replace('_', ' ')} {rate['usd']} per {rate['per']:,}" for rate in each["rates"]]
        times = {"since": each["since"], "until": each["until"], "source": each["source"]}
        rows.append({**same, **times, "rates": rates, "id": f"{target['target']} {number}"})
    return rows


class _Spanned:
    """What is asked of a number of days, with a tenant; both in the address."""

    def __init__(self, view: View) -> None:
        self.view = view
        days = view.query.get("days", _DEFAULT)
        self.days = days if days in _SPANS else _DEFAULT
        self.tenant = view.query.get("tenant", "")[:300]
        self.others = view.query.get("with", "")[:2000]
        self._keep()

    def query(self) -> dict[str, Any]:
        until = datetime.fromtimestamp(self.view.clock.now(), UTC)
        since = until - timedelta(days=int(self.days))
        return {"since": since.isoformat(), "until": until.isoformat(), "tenant": self.tenant}

    def draw(self, changed: Any) -> None:
        async def turn(**said: str) -> None:
            self.days = said["days"] if said.get("days") in _SPANS else self.days
            self.tenant = said.get("tenant", self.tenant)[:300]
            self.view.keep_aside(**self.said())
            await changed()

        pick("Time range", self.days, list(_SPANS.items()), lambda days: turn(days=days))
        if self.view.who.tenant is None:
            typed("Tenant, or all together", self.tenant, lambda text: turn(tenant=text.strip())).classes("short")

    def said(self) -> dict[str, str]:
        return {"days": "" if self.days == _DEFAULT else self.days, "tenant": self.tenant, "with": self.others}

    def _keep(self) -> None:
        self.view.aside |= {name: each for name, each in self.said().items() if each}


async def value(view: View) -> None:
    await _Value(view).open()


class _Value:
    def __init__(self, view: View) -> None:
        self._view = view
        self._span = _Spanned(view)
        self._rows: list[Row] = []
        self._table = DataTable(
            view,
            Listing(
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
                read=self._given,
                sort="-return",
                nothing=("query_stats", "Nothing was asked in this time", "Take a longer time range."),
            ),
        )

    async def open(self) -> None:
        with box("div", "tools"):
            self._span.draw(self._refresh)
        self._region = Region(self._view, self._read, self._show)
        await self._region.open()
        await self._table.open()

    async def _refresh(self) -> None:
        await self._region.refresh()
        await self._table.refresh()

    async def _given(self, _: Mapping[str, str]) -> list[Row]:
        return self._rows

    async def _read(self) -> dict[str, Any]:
        self._rows = []
        found = await self._view.read("/costs/value", **self._span.query())
        self._rows = [_worth(each) for each in found["models"]]
        del found["since"], found["until"]  # else it is another answer each time
        return found

    def _show(self, found: Mapping[str, Any]) -> None:
        with tiles():
            tile("Cost", _usd(found["cost_nanousd"]), "of all assistants")
            tile("Saved", _usd(found["saved_nanousd"]), "in no return")
            tile("Return", _usd(found["return_nanousd"]), f"of those that cost {_usd(found['valued_cost_nanousd'])}")
            roi = found["roi"]
            tile("Return on cost", "unknown" if roi is None else f"{float(roi):.0%}")
        if found["return_nanousd"] is None:
            note("Nothing is assumed: write what a resolved interaction is worth for a model, and returns are told.")


def _worth(each: Mapping[str, Any]) -> Row:
    money = {
        name: None if each[f"{name}_nanousd"] is None else each[f"{name}_nanousd"] / _NANO
        for name in ("cost", "saved", "value", "handling", "return")
    }
    return {**each, **money, "id": each["model"], "roi": None if each["roi"] is None else float(each["roi"])}


async def compare(view: View) -> None:
    await _Compare(view).open()


class _Compare:
    """Recorded traffic at the prices of other targets, which are written in the address too."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._span = _Spanned(view)
        self._found: dict[str, Any] | None = None
        self._table = DataTable(
            view,
            Listing(
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
                read=self._given,
                sort="cost",
                nothing=("compare_arrows", "No other target yet", "Write some above, such as openai/gpt-4o-mini."),
            ),
        )

    async def open(self) -> None:
        with box("div", "tools"):
            typed("Targets, with commas", self._span.others, self._others).classes("grow")
            self._span.draw(self._refresh)
        self._region = Region(self._view, self._read, self._show)
        await self._region.open()
        await self._table.open()

    async def _others(self, text: str) -> None:
        self._span.others = text.strip()[:2000]
        self._view.keep_aside(**self._span.said())
        await self._refresh()

    async def _refresh(self) -> None:
        await self._region.refresh()
        await self._table.refresh()

    async def _read(self) -> dict[str, Any]:
        self._found = None
        if not self._span.others:
            return {}
        found: dict[str, Any]
        found = await self._view.read("/costs/compare", **self._span.query(), **{"with": self._span.others})
        del found["since"], found["until"]  # else it is another answer each time
        self._found = found
        return found

    async def _given(self, _: Mapping[str, str]) -> list[Row]:
        return [] if self._found is None else [_candidate(each) for each in self._found["candidates"]]

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found:
            return  # the table says what to do
        with tiles():
            tile("Recorded", _usd(found["recorded_nanousd"]), f"{found['exchanges']:,} exchanges")
            for each in found["recorded"][:3]:
                again = f"{_usd(each['recomputed_nanousd'])} by these prices"
                tile(each["target"], _usd(each["recorded_nanousd"]), again)
        left_out = tuple(
            f"{each['exchanges']:,} exchanges, {_usd(each['nanousd'])}: {each['reason'].replace('_', ' ')}"
            for each in found["left_out"]
        )
        if left_out:
            note("In no sum here:", "warn", left_out)
        note("What is taken for granted:", "info", tuple(found["assumptions"]))


def _candidate(each: Mapping[str, Any]) -> Row:
    money = {
        name: None if each[field] is None else each[field] / _NANO
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


def _usd(nano: int | None) -> str:
    if nano is None:
        return "unknown"
    sign = "\N{MINUS SIGN}" if nano < 0 else ""
    return f"{sign}${abs(nano) / _NANO:,.2f}"
