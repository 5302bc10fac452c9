"""Who is told of alerts, whether they take a test, and how far each alert's way to them is."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.amounts import seconds
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import LIVE_S, attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import box, button, note
from penstock.console.web.view import View

_DELIVERIES = {"waiting": "Waits", "delivered": "Delivered", "given_up": "Given up"}
_TONES: Mapping[str, Tone] = {"waiting": "warn", "delivered": "ok", "given_up": "bad"}
_WAYS = (("webhooks", "Webhook"), ("slack", "Slack"), ("email", "E-mail"))


async def deliveries(view: View) -> None:
    async def read(filters: Mapping[str, str]) -> list[Row]:
        alerts = await all_of(view, "/alerts")
        rows = [
            {**each, "id": f"{alert['id']}\n{each['webhook']}", "at": alert["at"], "text": alert["text"]}
            for alert in alerts
            for each in alert["deliveries"]
        ]
        return [row for row in rows if filters.get("delivery") in (None, row["state"])]

    columns = (
        Column("at", "Alert of", "time"),
        Column("text", "What"),
        Column("webhook", "Channel", "mono"),
        Column("state", "State", "badge", lambda row: _DELIVERIES[row["state"]], lambda row: _TONES[row["state"]]),
        Column("attempts", "Attempts", "number"),
        Column("next_at", "Tried again", "time"),
        Column("ended_at", "Ended", "time"),
        Column("last_status", "Last reply", "number"),
        Column("last_error", "Last problem"),
    )
    nothing = (
        "outbox",
        "Nobody was told of anything yet",
        "Channels are written under `alerts` in penstock.yaml; the view of channels sends them a test.",
    )
    await DataTable(
        view,
        Listing(
            caption="Deliveries",
            columns=columns,
            read=read,
            sort="-at",
            nothing=nothing,
            filters=(Filter("delivery", "State", (("", "Any state"), *_DELIVERIES.items())),),
            every_s=LIVE_S,
        ),
    ).open()


async def channels(view: View) -> None:
    await _Channels(view).open()


class _Channels:
    """As configured; what came back of a test stands in the row until the page is left."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._tried: dict[str, Mapping[str, Any]] = {}
        self._has_any = False
        self._table = DataTable(
            view,
            Listing(
                caption="Channels",
                columns=(
                    Column("name", "Name", "mono"),
                    Column("way", "Way"),
                    Column("to", "To", "mono"),
                    Column("kinds", "Kinds", "tags"),
                    Column("tenants", "Tenants", "tags"),
                    Column("min_severity", "From severity"),
                    Column("test", "Last test", "badge", self._test_words, self._test_tone),
                    Column("said", "What came back", value=self._test_said),
                ),
                read=self._read,
                sort="name",
                nothing=(
                    "webhook",
                    "Nobody is told",
                    "Write a webhook, a Slack channel or an e-mail address under `alerts` in penstock.yaml.",
                ),
                acts=(Act("test", "Send a test", lambda row: self._test(row["name"])),),
            ),
        )

    async def open(self) -> None:
        with box("div", "row").style("margin-bottom: 16px"):
            button("Send a test to all", partial(self._test, None), icon="send")
        await self._table.open()
        note("Channels are changed in penstock.yaml, under `alerts`, and are in force after a reload.")

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        found = await self._view.read("/config")
        alerts = found["settings"]["alerts"]
        rows = [_channel(way, each) for name, way in _WAYS for each in alerts.get(name) or ()]
        return [{**row, "tried": self._tried.get(row["name"])} for row in rows]

    async def _test(self, name: str | None) -> None:
        async def send() -> None:
            replies = await self._view.act("POST", "/alerts/test", {} if name is None else {"channel": name})
            if not replies:
                raise ApiRefused(404, "unknown_channel", "There is no channel to send a test to.")
            self._tried |= {each["channel"]: each for each in replies}
            lost = [each["channel"] for each in replies if not each["is_taken"]]
            toast(f"Not taken by {', '.join(lost)}." if lost else "The test was taken.", "bad" if lost else "ok")

        await attempt(self._view, send, "")
        await self._table.refresh()

    def _test_words(self, row: Row) -> str:
        tried = row["tried"]
        return "" if tried is None else "Taken" if tried["is_taken"] else "Not taken"

    def _test_tone(self, row: Row) -> Tone:
        tried = row["tried"]
        return "" if tried is None else "ok" if tried["is_taken"] else "bad"

    def _test_said(self, row: Row) -> str:
        tried = row["tried"]
        if tried is None:
            return ""
        said = tried["error"] or (str(tried["status"]) if tried["status"] is not None else "")
        return f"{said}, after {seconds(tried['took_s'])}" if said else f"after {seconds(tried['took_s'])}"


def _channel(way: str, each: Mapping[str, Any]) -> Row:
    return {
        "id": each["name"],
        "name": each["name"],
        "way": way,
        "to": ", ".join(each["to"]) if "to" in each else str(each.get("url") or ""),
        "kinds": each.get("kinds") or ["all"],
        "tenants": each.get("tenants") or ["all"],
        "min_severity": each.get("min_severity") or "info",
    }
