"""Assistants and routes: the names that can be asked for, and the targets behind each."""

from collections.abc import Mapping

from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.view import View

_COLUMNS = (
    Column("name", "Name", "mono"),
    Column("first", "Asked first", "mono"),
    Column("targets", "All targets, in the order of trying", "tags"),
    Column("max_attempts", "Attempts at most", "number"),
)


async def build(view: View) -> None:
    async def read(_: Mapping[str, str]) -> list[Row]:
        return [
            {**each, "id": each["name"], "first": next(iter(each["targets"]), None)}
            for each in await view.read("/models")
        ]

    listing = Listing(
        caption="Models",
        columns=_COLUMNS,
        read=read,
        sort="name",
        nothing=(
            "alt_route",
            "No model yet",
            "Write one under `models` in penstock.yaml, or set a provider's API key.",
        ),
    )
    await DataTable(view, listing).open()
