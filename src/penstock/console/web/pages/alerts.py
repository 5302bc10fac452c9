"""Alerts: what was noticed, who knows of it, which webhooks were told."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import LIVE_S, Region, attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import Text, box, button, card, empty
from penstock.console.web.view import View

_TONES: Mapping[str, Tone] = {"info": "info", "warning": "warn", "critical": "bad"}
_STATES = (
    ("", "Any state"),
    ("open", "Not acknowledged"),
    ("acknowledged", "Acknowledged"),
    ("waiting", "A webhook waits"),
    ("failed", "A webhook was given up"),
)


async def build(view: View) -> None:
    await _Alerts(view).open()
    if view.who.may("webhooks.write") and view.who.may("config.read"):
        await Region(view, lambda: view.read("/config"), lambda found: _webhooks(view, found)).open()


class _Alerts:
    def __init__(self, view: View) -> None:
        self._view = view
        may = view.who.may("alerts.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Alerts",
                columns=(
                    Column("at", "When", "time"),
                    Column("severity", "Severity", "badge", tone=lambda row: _TONES.get(row["severity"], "")),
                    Column("text", "What"),
                    Column("kind", "Kind", "mono"),
                    Column("subject", "Of", "mono"),
                    Column("tenant", "Tenant", "mono"),
                    Column("acknowledged_by", "Acknowledged by", "mono"),
                    Column("told", "Webhooks", value=_told),
                ),
                read=self._read,
                sort="-at",
                nothing=(
                    "notifications_none",
                    "No alert",
                    "Budgets, targets and reviews raise them when something is up.",
                ),
                filters=(Filter("state", "State", _STATES),),
                acts=(Act("take", "Acknowledge", self._take, "", lambda row: may and row["acknowledged_at"] is None),),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        await self._table.open()

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        return await all_of(self._view, "/alerts", state=filters.get("state"))

    async def _take(self, row: Row) -> None:
        path = path_of("alerts", row["id"]) + "/acknowledge"
        await attempt(self._view, lambda: self._view.act("POST", path), "Acknowledged.")
        await self._table.refresh()


def _told(row: Row) -> str:
    return ", ".join(f"{each['webhook']}: {each['state'].replace('_', ' ')}" for each in row["deliveries"])


def _webhooks(view: View, found: dict[str, Any]) -> None:
    names = [str(each["name"]) for each in found["settings"]["alerts"]["webhooks"]]
    with card("Webhooks"):
        if not names:
            empty(
                "webhook", "No webhook", "Write one under `alerts.webhooks` in penstock.yaml, and alerts go there too."
            )
        for name in names:
            with box("div", "row"):
                Text("span", name, "mono")
                button("Send a test", lambda name=name: _test(view, name), kind="small")


async def _test(view: View, name: str) -> None:
    async def send() -> None:
        reply = await view.act("POST", path_of("alerts", "webhooks", name) + "/test")
        if reply["is_taken"]:
            toast(f"{name} took it: {reply['status']} after {reply['took_s']:.2f} s.")
        else:
            toast(f"{name} did not take it: {reply['error'] or reply['status']}", "bad")

    await attempt(view, send, f"A test was sent to {name}.")
