"""Audit: every change made over the admin API, the newest first."""

from collections.abc import Mapping

from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.view import View

_COLUMNS = (
    Column("at", "When", "time"),
    Column("actor", "Who", "mono"),
    Column("action", "What", "badge"),
    Column("subject", "Of", "mono"),
    Column("tenant", "Tenant", "mono"),
    Column("fields", "Fields that changed", value=lambda row: ", ".join(row["fields"])),
    Column("request_id", "Request", "mono"),
)


async def build(view: View) -> None:
    async def read(_: Mapping[str, str]) -> list[Row]:
        return await all_of(view, "/audit", cursor="before")

    nothing = ("history", "Nothing was changed yet", "What is changed here or over the admin API is listed, for good.")
    await DataTable(view, Listing(caption="Audit", columns=_COLUMNS, read=read, sort="-at", nothing=nothing)).open()
