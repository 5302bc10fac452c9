"""The prices that hold, and the targets whose price nobody knows."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.layout.parts.table import DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.view import View

_KNOWN = {"yes": "Known", "no": "Unknown"}
_TONES: Mapping[str, Tone] = {"yes": "ok", "no": "warn"}
_NONE: Mapping[str, Any] = {"rates": [], "since": None, "until": None, "source": ""}


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
