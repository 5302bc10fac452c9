"""Keys: listed, made, rotated, revoked.  A key itself is shown once, to whoever made it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from penstock.admission.identity.roles import ROLES, granted
from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, reveal, without_blanks
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import attempt
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.view import View

_ONCE = "This is the only time that it is shown: it is stored nowhere."
_TONES: Mapping[str, Tone] = {"Good": "ok", "Expired": "", "Revoked": "bad"}
_OVERLAPS = (("0", "Not at all"), ("3600", "1 hour"), ("86400", "1 day"), ("604800", "1 week"))
_PRIORITIES = (("interactive", "Interactive"), ("standard", "Standard"), ("batch", "Batch"))


async def build(view: View) -> None:
    await _Keys(view).open()


class _Keys:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("keys.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Keys",
                columns=self._columns(),
                read=self._read,
                sort="-created_at",
                nothing=("key", "No key yet", "Make one for an application; it sends it as its API key."),
                filters=(Filter("state", "State", (("", "Any state"), *((each, each) for each in _TONES))),),
                acts=(
                    Act("rotate", "Rotate", self._rotate, "", lambda row: may and row["state"] == "Good"),
                    Act("revoke", "Revoke", self._revoke, "danger", lambda row: may and row["state"] == "Good"),
                ),
            ),
        )

    @staticmethod
    def _columns() -> tuple[Column, ...]:
        return (
            Column("name", "Name"),
            Column("tenant", "Tenant", "mono"),
            Column("prefix", "Begins with", "mono"),
            Column("state", "State", "badge", tone=lambda row: _TONES[row["state"]]),
            Column("roles", "Roles", "tags"),
            Column("models", "Models", "tags", lambda row: ["all"] if row["models"] is None else row["models"]),
            Column("priority", "Priority"),
            Column("created_at", "Made", "time"),
            Column("expires_at", "Expires", "time"),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("New key", self._make, kind="main", icon="add")
        await self._table.open()

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        rows = await all_of(self._view, "/keys")
        now = datetime.fromtimestamp(self._view.clock.now(), UTC)
        shown = [{**row, "state": _state(row, now)} for row in rows]
        return [row for row in shown if filters.get("state") in (None, row["state"])]

    def _make(self) -> None:
        may_grant = [role for role in ROLES if granted([role], spans_tenants=False) <= self._view.who.permissions]
        fields = (
            Field(
                "tenant",
                "Tenant",
                value=self._view.who.tenant or "",
                hint="Made with it where it is new.",
                is_required=True,
            ),
            Field("name", "Name", hint="What it is for.", is_required=True),
            Field("models", "Models", hint="Names, separated by commas; each exact or ending in *. All, if left out."),
            Field("priority", "Priority", "choice", value="interactive", options=_PRIORITIES),
            Field("roles", "Roles in the admin API and here", "many", options=[(role, role) for role in may_grant]),
            Field("expires_at", "Expires", "moment", hint="Never, if left out."),
        )

        async def send(answers: dict[str, Any]) -> None:
            body = without_blanks(answers)
            if "models" in body:
                body["models"] = [name.strip() for name in body["models"].split(",") if name.strip()]
            made = await self._view.act("POST", "/keys", body)
            reveal(f"The key {made['name']}", _ONCE, made["key"])
            await self._table.refresh()

        ask(self._view, "New key", fields, send, label="Make")

    def _rotate(self, row: Row) -> None:
        async def send(answers: dict[str, Any]) -> None:
            body = {"overlap_s": int(answers["overlap_s"])}
            made = await self._view.act("POST", path_of("keys", row["id"]) + "/rotate", body)
            reveal(f"The new key {made['name']}", _ONCE, made["key"])
            await self._table.refresh()

        fields = (Field("overlap_s", "The old key goes on for", "choice", value="86400", options=_OVERLAPS),)
        ask(self._view, f"Rotate {row['name']}?", fields, send, label="Rotate", text="A new key replaces this one.")

    def _revoke(self, row: Row) -> None:
        async def go() -> None:
            path = path_of("keys", row["id"])
            await attempt(self._view, lambda: self._view.act("DELETE", path), f"{row['name']} is revoked.")
            await self._table.refresh()

        text = "Applications that use it are refused within a second or so. This cannot be undone."
        confirm(f"Revoke {row['name']}?", text, "Revoke", go)


def _state(row: Row, now: datetime) -> str:
    if row["revoked_at"] is not None:
        return "Revoked"
    ends = row["expires_at"]
    return "Expired" if ends is not None and datetime.fromisoformat(ends) <= now else "Good"
