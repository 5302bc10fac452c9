"""Health: every part, and the reasons for what is not well."""

from typing import Any

from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.text import card, facts, note, tile, tiles
from penstock.console.web.view import View
from penstock.core.clock import age

STATUS_WORDS = {"ready": "Ready", "degraded": "Degraded", "not_ready": "Not ready", "unreachable": "Unreachable"}


async def build(view: View) -> None:
    await Region(view, lambda: view.read("/status"), _show, every_s=LIVE_S).open()


def show_reasons(health: dict[str, Any]) -> None:
    if health["reasons"]:
        note("What is not well:", "bad" if health["status"] == "not_ready" else "warn", tuple(health["reasons"]))
    else:
        note("Everything is well.", "ok")


def _show(status: dict[str, Any]) -> None:
    health = status["health"]
    journal = health["journal"]
    show_reasons(health)
    with tiles():
        tile("This plane", STATUS_WORDS[health["status"]])
        tile("Data plane", STATUS_WORDS[health["data_plane"]])
        tile("PostgreSQL", "Up" if health["postgres"] == "up" else "Down")
        tile("Workers of documents", str(health["workers"]))
    with card("Ledger on its way to PostgreSQL"):
        facts(
            ("Waiting in the journal", f"{journal['records']:,} exchanges, {journal['bytes']:,} bytes"),
            ("Oldest of them", age(journal["oldest_unshipped_s"])),
            ("Put aside as damaged", f"{journal['rejected_files']}"),
            ("Shipped since the start", f"{status['shipped_records']:,}"),
            ("Last error", status["shipping_error"] or "none"),
        )
