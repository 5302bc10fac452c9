"""Tenants: listed, made, suspended, deleted."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.view import View

_COLUMNS = (
    Column("id", "Id", "mono"),
    Column("name", "Name"),
    Column(
        "state",
        "State",
        "badge",
        lambda row: "Suspended" if row["suspended_at"] else "Active",
        lambda row: "warn" if row["suspended_at"] else "ok",
    ),
    Column("plan", "Plan"),
    Column("weight", "Weight", "number"),
    Column("time_zone", "Time zone"),
    Column("created_at", "Made", "time"),
)
_NEW = (
    Field("id", "Id", hint="Letters, digits, dots, hyphens and underscores; it is for good.", is_required=True),
    Field("name", "Name", hint="The id, if left out."),
    Field("time_zone", "Time zone", value="UTC", hint="Such as Europe/Berlin; its day begins by it."),
    Field("weight", "Weight", "number", value="1", hint="Its share where there is not room for all."),
    Field("plan", "Plan"),
)


async def build(view: View) -> None:
    await _Tenants(view).open()


class _Tenants:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("tenants.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Tenants",
                columns=_COLUMNS,
                read=self._read,
                sort="id",
                nothing=("apartment", "No tenant yet", "Make one, then a key of it for an application."),
                acts=(
                    Act("suspend", "Suspend", self._suspend, "", lambda row: may and not row["suspended_at"]),
                    Act("resume", "Resume", self._resume, "", lambda row: may and bool(row["suspended_at"])),
                    Act("delete", "Delete", self._delete, "danger", lambda _: may),
                ),
            ),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("New tenant", self._make, kind="main", icon="add")
        await self._table.open()

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        return await all_of(self._view, "/tenants")

    def _make(self) -> None:
        async def send(answers: dict[str, Any]) -> None:
            made = await self._view.act("POST", "/tenants", without_blanks(answers))
            toast(f"Made {made['id']}.")
            await self._table.refresh()

        ask(self._view, "New tenant", _NEW, send, label="Make")

    def _suspend(self, row: Row) -> None:
        text = "Its keys and tokens stop at once; what is in flight ends as it would."
        confirm(f"Suspend {row['id']}?", text, "Suspend", self._doing(row, "POST", "/suspend", "is suspended"))

    async def _resume(self, row: Row) -> None:
        await self._doing(row, "POST", "/resume", "works again")()

    def _delete(self, row: Row) -> None:
        text = (
            "It goes for good with its keys, vault, reviews, memory and knowledge; the ledger keeps what it has used."
        )
        confirm(f"Delete {row['id']}?", text, "Delete for good", self._doing(row, "DELETE", "", "is deleted"))

    def _doing(self, row: Row, method: str, path: str, done: str) -> Callable[[], Awaitable[None]]:
        async def go() -> None:
            where = path_of("tenants", row["id"]) + path
            await attempt(self._view, lambda: self._view.act(method, where), f"{row['id']} {done}.")
            await self._table.refresh()

        return go
