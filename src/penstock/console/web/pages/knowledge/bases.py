"""All knowledge bases: made, looked into, deleted."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.region import attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.view import View, link

EVERYBODY = ""
"""The tenant of a base that all tenants read."""


async def build(view: View) -> None:
    await _Bases(view).open()


class _Bases:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("knowledge.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Knowledge bases",
                columns=(
                    Column("name", "Name", href=_address),
                    Column("whose", "Tenant", "mono"),
                    Column("documents", "Documents", "number"),
                    Column("chunks", "Passages", "number"),
                ),
                read=self._read,
                sort="name",
                nothing=(
                    "menu_book",
                    "No knowledge base yet",
                    "Make one and hand documents in; then name it under a model's `knowledge.bases`.",
                ),
                acts=(Act("delete", "Delete", self._delete, "danger", lambda row: may and _is_within(view, row)),),
            ),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("New base", self._make, kind="main", icon="add")
        await self._table.open()

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        found = await self._view.read("/bases")
        return [
            {**each, "id": f"{each['tenant']}\n{each['name']}", "whose": each["tenant"] or "all tenants"}
            for each in found["items"]
        ]

    def _make(self) -> None:
        spans = self._view.who.tenant is None
        fields = [Field("name", "Name", is_required=True, hint="Models name it so; it has no slash.")]
        if spans:
            fields.append(Field("tenant", "Tenant", hint="`default`, if left out."))

        async def send(answers: dict[str, Any]) -> None:
            body = without_blanks(answers)
            tenant = body.pop("tenant", None)
            await self._view.act("POST", "/bases", body, tenant=tenant)
            toast(f"{body['name']} is there: hand documents in.")
            await self._table.refresh()

        ask(self._view, "New knowledge base", fields, send, label="Make")

    def _delete(self, row: Row) -> None:
        async def go() -> None:
            path = path_of("bases", row["name"])
            await attempt(
                self._view,
                lambda: self._view.act("DELETE", path, tenant=row["tenant"]),
                f"{row['name']} is deleted.",
            )
            await self._table.refresh()

        text = f"With its {row['documents']:,} documents. Answers from them are not given again. This cannot be undone."
        confirm(f"Delete {row['name']}?", text, "Delete", go)


def _address(row: Row) -> str:
    path = path_of("knowledge", row["name"])
    return link(path, tenant=row["tenant"]) if row["tenant"] else link(path)


def _is_within(view: View, row: Row) -> bool:
    return row["tenant"] != EVERYBODY and view.who.tenant in (None, row["tenant"])
