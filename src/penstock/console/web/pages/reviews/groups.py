"""Who is in which group of reviewers, of one tenant; those that a token's claims put there are not listed."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, typed
from penstock.console.web.layout.parts.region import attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.view import View

_WHO = (("key", "A key, by its id"), ("user", "A user, as a token names them"))


async def members(view: View) -> None:
    await _Groups(view).open()


class _Groups:
    def __init__(self, view: View) -> None:
        self._view = view
        self._tenant = view.query.get("tenant", view.who.tenant or "")[:300]
        if self._tenant:
            view.aside["tenant"] = self._tenant
        self._table = DataTable(
            view,
            Listing(
                caption="Groups of reviewers",
                columns=(Column("group", "Group", "mono"), Column("member", "Member", "mono")),
                read=self._read,
                sort="group",
                nothing=("groups", "No members", "Write a tenant above; rules name a group, and its members judge."),
                acts=(Act("drop", "Remove", self._drop, "danger", lambda _: True),),
            ),
        )

    async def open(self) -> None:
        with box("div", "tools"):
            if self._view.who.tenant is None:
                typed("Tenant", self._tenant, self._turn).classes("short")
            button("Add a member", self._add, kind="main", icon="add")
        await self._table.open()

    async def _turn(self, tenant: str) -> None:
        self._tenant = tenant.strip()[:300]
        self._view.keep_aside(tenant=self._tenant)
        await self._table.refresh()

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        if not self._tenant:
            return []
        found = await self._view.read("/review/groups", tenant=self._tenant)
        return [
            {"id": f"{group}\n{member}", "name": f"{member} in {group}", "group": group, "member": member}
            for group, names in found["groups"].items()
            for member in names
        ]

    def _add(self) -> None:
        fields = (
            Field("tenant", "Tenant", value=self._tenant, is_required=True),
            Field("group", "Group", is_required=True),
            Field("kind", "Who", "choice", value="key", options=_WHO),
            Field("member", "Id", is_required=True),
        )

        async def send(answers: dict[str, Any]) -> None:
            path = _path(answers["group"], f"{answers['kind']}:{answers['member'].strip()}")
            await self._view.act("PUT", path, tenant=answers["tenant"])
            toast("They see the holds of the group from now on.")
            self._tenant = answers["tenant"]
            await self._table.refresh()

        ask(self._view, "Add a member", fields, send, label="Add")

    def _drop(self, row: Row) -> None:
        async def go() -> None:
            path = _path(row["group"], row["member"])
            await attempt(
                self._view, lambda: self._view.act("DELETE", path, tenant=self._tenant), "They are in it no more."
            )
            await self._table.refresh()

        confirm(
            f"Remove {row['member']} from {row['group']}?", "What they have claimed is others' later.", "Remove", go
        )


def _path(group: str, member: str) -> str:
    return path_of("review", "groups", group, "members", *member.split("/"))
