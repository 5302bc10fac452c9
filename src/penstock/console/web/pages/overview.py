"""Overview: how it stands now, and what happened lately, as far as the viewer may see it."""

from typing import Any

from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.span import SPANS, pick_span, since, span_of
from penstock.console.web.layout.parts.text import Text, box, card, empty, tile, tiles
from penstock.console.web.pages.health import STATUS_WORDS, show_reasons
from penstock.console.web.view import View, link

_NANO = 1_000_000_000
_MOST = 12


async def build(view: View) -> None:
    if view.who.may("status.read"):
        await Region(view, lambda: _now(view), _show_now, every_s=LIVE_S).open()
    if view.who.may("ledger.read"):
        await _Traffic(view).open()
    await Region(view, lambda: _first_steps(view), _show_first_steps).open()


async def _now(view: View) -> dict[str, Any]:
    nothing: dict[str, Any] = {"items": []}
    status = await view.read("/status")
    status["uptime_s"] = status["uptime_s"] // 60 * 60  # to the minute: else it is drawn anew all the time
    targets = await view.read("/targets") if view.who.may("targets.read") else nothing
    alerts = await view.read("/alerts", state="open", limit=100) if view.who.may("alerts.read") else nothing
    return {"status": status, "targets": targets["items"], "alerts": alerts}


def _show_now(found: dict[str, Any]) -> None:
    status, targets = found["status"], found["targets"]
    health = status["health"]
    journal = health["journal"]
    show_reasons(health)
    down = sum(each["state"] != "closed" for each in targets)
    alerts = len(found["alerts"]["items"])
    with tiles():
        tile("Status", STATUS_WORDS[health["status"]], f"version {status['version']}, up {_age(status['uptime_s'])}")
        tile("Data plane", STATUS_WORDS[health["data_plane"]], f"configuration {status['config_hash'][:10]}")
        tile("Targets up", f"{len(targets) - down} of {len(targets)}", f"{down} down" if down else "all are called")
        tile("Open alerts", f"{alerts}{'+' if found['alerts'].get('next') else ''}", "not acknowledged")
        tile("Waiting to be shipped", f"{journal['records']:,}", f"oldest {journal['oldest_unshipped_s']:.0f} s")


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


class _Traffic:
    """What was asked and what it cost, by model, over a time that the viewer picks."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._span = span_of(view.query)

    async def open(self) -> None:
        with card() as shown:
            with box("div", "head"):
                Text("h2", "Exchanges by model")
                pick_span(self._span, self._change)
            self._region = Region(self._view, self._read, self._show, every_s=2 * LIVE_S)
            await self._region.open()
        self._card = shown

    async def _change(self, span: str) -> None:
        if span in SPANS:
            self._span = span
            self._view.used()
            self._view.remember({"range": span})
            await self._region.refresh()

    async def _read(self) -> list[dict[str, Any]]:
        begins = since(self._span, self._view.clock.now())
        found = await self._view.read("/ledger/summary", group_by="model", since=begins)
        return found["groups"]

    def _show(self, groups: list[dict[str, Any]]) -> None:
        if not groups:
            empty("forum", "Nothing was asked in this time", "Point an application's base_url at the data plane.")
            return
        exchanges = sum(each["exchanges"] for each in groups)
        completed = sum(each["completed"] for each in groups)
        unknown = sum(each["unknown_cost"] for each in groups)
        cost = sum(each["cost_nanousd"] for each in groups) / _NANO
        with tiles():
            tile("Exchanges", f"{exchanges:,}")
            tile("Completed", f"{100 * completed / exchanges:.1f} %", f"{exchanges - completed:,} ended otherwise")
            tile(
                "Cost",
                f"${cost:,.2f}",
                f"{unknown:,} of unknown cost are not in it" if unknown else "all costs are known",
            )
        most = sorted(groups, key=lambda each: -each["exchanges"])[:_MOST]
        names = [str(each["group"]) for each in most]
        chart("Exchanges by model", names, [Series("Exchanges", [each["exchanges"] for each in most])], kind="bar")


async def _first_steps(view: View) -> list[str]:
    found = await view.read("/models")
    return [each["name"] for each in found]


def _show_first_steps(names: list[str]) -> None:
    with card("Models that can be asked"):
        if not names:
            empty(
                "alt_route", "No model yet", "Write one under `models` in penstock.yaml, or set a provider's API key."
            )
            return
        with box("div", "row"):
            for name in names[:_MOST]:
                Text("span", name, "badge")
            if len(names) > _MOST:
                Text("span", f"and {len(names) - _MOST} more")
        Text("a", "All assistants and routes", href=link("/models")).style("display: inline-block; margin-top: 12px")
