"""How the installation stands at this moment, and what can be asked."""

from typing import Any

from penstock.console.web.layout.parts.text import Text, box, card, empty, tile, tiles
from penstock.console.web.pages.health import STATUS_WORDS, show_reasons
from penstock.console.web.view import View, link
from penstock.core.clock import age

_MOST = 12


async def now(view: View) -> dict[str, Any]:
    nothing: dict[str, Any] = {"items": []}
    status = await view.read("/status")
    status["uptime_s"] = status["uptime_s"] // 60 * 60  # to the minute: else it is drawn anew all the time
    targets = await view.read("/targets") if view.who.may("targets.read") else nothing
    alerts = await view.read("/alerts", state="open", limit=100) if view.who.may("alerts.read") else nothing
    return {"status": status, "targets": targets["items"], "alerts": alerts}


def show_now(found: dict[str, Any]) -> None:
    status, targets = found["status"], found["targets"]
    health = status["health"]
    journal = health["journal"]
    show_reasons(health)
    down = sum(each["state"] != "closed" for each in targets)
    alerts = len(found["alerts"]["items"])
    with tiles():
        tile("Status", STATUS_WORDS[health["status"]], f"version {status['version']}, up {age(status['uptime_s'])}")
        tile("Data plane", STATUS_WORDS[health["data_plane"]], f"configuration {status['config_hash'][:10]}")
        tile("Targets up", f"{len(targets) - down} of {len(targets)}", f"{down} down" if down else "all are called")
        tile("Open alerts", f"{alerts}{'+' if found['alerts'].get('next') else ''}", "not acknowledged")
        tile("Waiting to be shipped", f"{journal['records']:,}", f"oldest {age(journal['oldest_unshipped_s'])}")


async def first_steps(view: View) -> list[str]:
    found = await view.read("/models")
    return [each["name"] for each in found]


def show_first_steps(names: list[str]) -> None:
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
