"""Limits: the rules, and how far each counter of them is used."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.pages.rules import MODES, OWN, PERIODS, SCOPES, counters, scope_words, where_of, where_words
from penstock.console.web.view import View

_UNITS = (
    ("requests", "Requests"),
    ("tokens", "Tokens"),
    ("input_tokens", "Input tokens"),
    ("output_tokens", "Output tokens"),
    ("money", "US dollars"),
    ("concurrency", "Requests at once"),
)
_COLUMNS = (
    Column("name", "Name", "mono"),
    Column("amount", "Amount", "number"),
    Column("unit", "Of", value=lambda row: dict(_UNITS).get(row["unit"], row["unit"])),
    Column("per", "Per"),
    Column("scope", "For each", value=scope_words),
    Column("where", "Where", value=where_words),
    Column("mode", "Mode", "badge", tone=lambda row: "ok" if row["mode"] == "enforce" else "warn"),
    Column("origin", "Written in", value=lambda row: "penstock.yaml" if row["origin"] == "file" else "database"),
)


async def build(view: View) -> None:
    await _Limits(view).open()
    await counters(view, "/limits/status", "Use of limits")


class _Limits:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("limits.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Limits",
                columns=_COLUMNS,
                read=self._read,
                sort="name",
                nothing=("speed", "No limit yet", "Make one here, or write one under `limits` in penstock.yaml."),
                acts=(
                    Act("delete", "Delete", self._delete, "danger", lambda row: may and row["origin"] == "database"),
                ),
            ),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("New limit", self._make, kind="main", icon="add")
        await self._table.open()

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        return [{**row, "id": row["name"]} for row in await all_of(self._view, "/limits")]

    def _make(self) -> None:
        fields = (
            Field("name", "Name", is_required=True, hint="One of that name is replaced."),
            Field("amount", "Amount", "number", is_required=True),
            Field("unit", "Of", "choice", value="requests", options=_UNITS),
            Field("per", "Per", "choice", value="minute", options=(*PERIODS, ("", "At once, without a period"))),
            Field("scope", "Counted for each", "choice", value="global", options=SCOPES),
            Field("where", "Where", hint="Such as assistant=support, key=…; all requests, if left out."),
            Field("mode", "Mode", "choice", value="enforce", options=MODES),
            *OWN,
        )

        async def send(answers: dict[str, Any]) -> None:
            body = without_blanks(answers)
            name = body.pop("name")
            body |= {"scope": [body["scope"]], "where": where_of(body.get("where", ""))}
            await self._view.act("PUT", path_of("limits", name), body)
            toast(f"{name} holds.")
            await self._table.refresh()

        ask(self._view, "New limit", fields, send, label="Make")

    def _delete(self, row: Row) -> None:
        async def go() -> None:
            path = path_of("limits", row["name"])
            await attempt(self._view, lambda: self._view.act("DELETE", path), f"{row['name']} is deleted.")
            await self._table.refresh()

        confirm(f"Delete {row['name']}?", "Nothing is held back by it any more.", "Delete", go)
