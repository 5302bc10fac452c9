"""A provider's invoice held against the ledger: the file is compared and kept nowhere."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.amounts import NANO, count, share, usd
from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.layout.parts.file_field import file_field
from penstock.console.web.layout.parts.region import attempt
from penstock.console.web.layout.parts.table import DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import Text, badge, box, button, card, note, tile, tiles
from penstock.console.web.view import View

_VERDICTS = {
    "matched": "Agrees",
    "differs": "Differs",
    "only_invoice": "On the invoice only",
    "only_ledger": "In the ledger only",
}
_TONES: Mapping[str, Tone] = {"matched": "ok", "differs": "bad", "only_invoice": "warn", "only_ledger": "warn"}
_BY = {"": "By model", "days": "By day", "lines": "By day and model"}
_TERMS = ("provider", "month", "zone", "columns", "aliases", "tolerance_percent")
"""What of the question stands in the address; the file does not."""


async def invoice(view: View) -> None:
    await _Invoice(view).open()


class _Invoice:
    def __init__(self, view: View) -> None:
        self._view = view
        first = datetime.fromtimestamp(view.clock.now(), UTC).replace(day=1)
        self._said = {name: view.query.get(name, "")[:2000] for name in _TERMS}
        self._said["month"] = self._said["month"] or f"{first - timedelta(days=1):%Y-%m}"
        self._keep()
        self._data: bytes | None = None
        self._report: dict[str, Any] | None = None
        self._table = DataTable(
            view,
            Listing(
                caption="Invoice and ledger",
                columns=(
                    Column("day", "Day", "mono"),
                    Column("model", "Model", "mono"),
                    Column("verdict", "Verdict", "badge", _verdict, _tone),
                    Column("invoice", "Invoice", "usd", value=lambda row: _dollars(row["invoice_nanousd"])),
                    Column("ledger", "Ledger", "usd", value=lambda row: _dollars(row["ledger_nanousd"])),
                    Column("difference", "Difference", "usd", value=lambda row: _dollars(row["difference_nanousd"])),
                    Column("percent", "%", "number", value=lambda row: _number(row["percent"])),
                    Column("invoice_tokens", "Tokens, invoice", "number"),
                    Column("ledger_tokens", "Tokens, ledger", "number"),
                    Column("calls", "Calls", "number"),
                    Column("unknown_cost", "Without a cost", "number"),
                ),
                read=self._given,
                sort="-difference",
                nothing=(
                    "receipt_long",
                    "Nothing is compared yet",
                    "Choose whose invoice it is and its month, then its CSV export.",
                ),
                filters=(
                    Filter("per", "By", tuple(_BY.items())),
                    Filter("verdict", "Verdict", (("", "Any verdict"), *_VERDICTS.items())),
                ),
            ),
        )

    async def open(self) -> None:
        providers: list[str] = []
        try:
            providers = sorted(each["name"] for each in await self._view.read("/providers"))
        except ApiRefused as refused:
            note(refused.message, "bad")
        self._said["provider"] = self._said["provider"] or next(iter(providers), "")
        with card("The invoice"):
            self._draw_terms(providers)
            with box("div", "row"):
                file_field("Choose the provider's CSV export", self._take)
                button("Hold it against the ledger", self._compare, kind="main", icon="balance")
            Text("p", "It is compared and kept nowhere.", "count").style("margin: 10px 0 0")
        self._shown = box("div", aria_live="polite")
        await self._table.open()

    def _draw_terms(self, providers: list[str]) -> None:
        with box("div", "filters"):
            with box("label"):
                Text("span", "Provider")
                options = [(each, each) for each in providers]
                pick("Provider", self._said["provider"], options, lambda name: self._turn("provider", name))
            for name, label, kind in (
                ("month", "Month, as 2026-10", "text"),
                ("zone", "Its time zone, or UTC", "text"),
                ("tolerance_percent", "May differ by, %", "number"),
                ("columns", "Columns, as date=Day", "text"),
                ("aliases", "Names, as Mini=gpt-5", "text"),
            ):
                with box("label"):
                    Text("span", label)
                    typed(label, self._said[name], lambda text, name=name: self._turn(name, text), kind=kind)

    def _turn(self, name: str, text: str) -> None:
        self._said[name] = text.strip()[:2000]
        self._view.keep_aside(**self._said)

    def _keep(self) -> None:
        self._view.aside |= {name: text for name, text in self._said.items() if text}

    def _take(self, _: str, data: bytes) -> None:
        self._data = data

    async def _compare(self) -> None:
        await attempt(self._view, self._ask, "")
        self._shown.clear()
        if self._report is not None:
            with self._shown:
                self._show(self._report)
        await self._table.refresh()

    async def _ask(self) -> None:
        self._report = None
        if self._data is None:
            raise ApiRefused(400, "malformed_request", "Choose a file first, and wait until it is here.")
        self._report = await self._view.act("POST", "/costs/reconcile", self._data, **self._said)

    async def _given(self, filters: Mapping[str, str]) -> list[Row]:
        if self._report is None:
            return []
        report = self._report["report"]
        rows = report[filters.get("per") or "models"] or report["days"]
        return [
            {**each, "id": f"{each['day']} {each['model']}", "name": each["model"] or each["day"]}
            for each in rows
            if filters.get("verdict") in (None, each["verdict"])
        ]

    def _show(self, found: Mapping[str, Any]) -> None:
        report, total = found["report"], found["report"]["total"]
        with box("div", "row").style("margin-bottom: 16px"):
            badge("Agrees" if report["agrees"] else "Does not agree", "ok" if report["agrees"] else "bad")
            more = f"{found['provider']}, {found['month']} in {found['time_zone']}, read as {report['format']}"
            Text("span", f"{more}; within {found['tolerance_percent']} % or {usd(found['tolerance_nanousd'])}")
        estimated = found["estimated_share"]
        with tiles():
            tile("Invoice", usd(total["invoice_nanousd"]), f"{count(total['invoice_rows'])} rows")
            tile("Ledger", usd(total["ledger_nanousd"]), f"{count(total['calls'])} calls")
            tile("Difference", usd(total["difference_nanousd"]), f"{total['percent'] or 0} % of the invoice")
            tile("Estimated", share(None if estimated is None else float(estimated)), "of the ledger's money")
        said = tuple(_notes(report))
        if said:
            note("Not in these sums:", "warn", said)


def _notes(report: Mapping[str, Any]) -> list[str]:
    said = [f"{name or 'no name'}: {usd(amount)}" for name, amount in report["others"].items()]
    if report["outside_rows"]:
        said.append(f"{report['outside_rows']:,} rows of other months: {usd(report['outside_nanousd'])}")
    if report["foreign_rows"]:
        said.append(f"{report['foreign_rows']:,} rows of other providers")
    if report["total"]["unknown_cost"]:
        said.append(f"{report['total']['unknown_cost']:,} calls whose cost nobody knows")
    if report["stated_agrees"] is False:
        said.append(f"The invoice's own total, {usd(report['stated_nanousd'])}, is not the sum of its rows")
    return said


def _verdict(row: Row) -> str:
    return _VERDICTS[row["verdict"]]


def _tone(row: Row) -> Tone:
    return _TONES[row["verdict"]]


def _dollars(nanousd: int | None) -> float | None:
    return None if nanousd is None else nanousd / NANO


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
