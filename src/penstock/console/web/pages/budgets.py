"""Budgets: the rules, their overrides, and how far each is used."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import Region, attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import Moment, Text, box, button, card
from penstock.console.web.pages.rules import MODES, OWN, PERIODS, SCOPES, counters, scope_words, where_of, where_words
from penstock.console.web.view import View

_COLUMNS = (
    Column("name", "Name", "mono"),
    Column("soft_usd", "Soft, USD", "number"),
    Column("hard_usd", "Hard, USD", "number"),
    Column("per", "Per"),
    Column("scope", "For each", value=scope_words),
    Column("where", "Where", value=where_words),
    Column("on_exhausted", "When used up"),
    Column("overridden", "Raised by, USD", "number"),
    Column("mode", "Mode", "badge", tone=lambda row: "ok" if row["mode"] == "enforce" else "warn"),
    Column("origin", "Written in", value=lambda row: "penstock.yaml" if row["origin"] == "file" else "database"),
)


async def build(view: View) -> None:
    await _Budgets(view).open()
    await counters(view, "/budgets/status", "Use of budgets")


class _Budgets:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("budgets.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Budgets",
                columns=_COLUMNS,
                read=self._read,
                sort="name",
                nothing=("savings", "No budget yet", "Make one here, or write one under `budgets` in penstock.yaml."),
                acts=(
                    Act("override", "Raise for a time", self._override, fits=lambda _: may),
                    Act("delete", "Delete", self._delete, "danger", lambda row: may and row["origin"] == "database"),
                ),
            ),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("New budget", self._make, kind="main", icon="add")
        await self._table.open()
        self._raised = Region(self._view, lambda: all_of(self._view, "/budgets"), self._show_overrides)
        await self._raised.open()

    async def _refresh(self) -> None:
        await self._table.refresh()
        await self._raised.refresh()

    async def _read(self, _: Mapping[str, str]) -> list[Row]:
        return [
            {**row, "id": row["name"], "overridden": sum(each["raise_usd"] for each in row["overrides"]) or None}
            for row in await all_of(self._view, "/budgets")
        ]

    def _make(self) -> None:
        fields = (
            Field("name", "Name", is_required=True, hint="One of that name is replaced."),
            Field("hard_usd", "Hard amount in USD", "number", hint="No request goes beyond it."),
            Field("soft_usd", "Soft amount in USD", "number", hint="Alerts only."),
            Field("per", "Per", "choice", value="month", options=PERIODS),
            Field("scope", "Counted for each", "choice", value="global", options=SCOPES),
            Field("where", "Where", hint="Such as assistant=support; all requests, if left out."),
            Field("mode", "Mode", "choice", value="enforce", options=MODES),
            *OWN,
        )

        async def send(answers: dict[str, Any]) -> None:
            body = without_blanks(answers)
            name = body.pop("name")
            body |= {"scope": [body["scope"]], "where": where_of(body.get("where", ""))}
            await self._view.act("PUT", path_of("budgets", name), body)
            toast(f"{name} holds.")
            await self._refresh()

        ask(self._view, "New budget", fields, send, label="Make")

    def _override(self, row: Row) -> None:
        fields = (
            Field("raise_usd", "By how many USD", "number", is_required=True),
            Field("until", "Until", "moment", is_required=True),
        )

        async def send(answers: dict[str, Any]) -> None:
            await self._view.act("POST", path_of("budgets", row["name"]) + "/overrides", without_blanks(answers))
            toast(f"{row['name']} is raised.")
            await self._refresh()

        ask(
            self._view,
            f"Raise {row['name']} for a time",
            fields,
            send,
            label="Raise",
            text="On top of its hard amount.",
        )

    def _delete(self, row: Row) -> None:
        async def go() -> None:
            path = path_of("budgets", row["name"])
            await attempt(self._view, lambda: self._view.act("DELETE", path), f"{row['name']} is deleted.")
            await self._refresh()

        confirm(f"Delete {row['name']}?", "Its overrides go with it, and nothing holds spending back.", "Delete", go)

    def _show_overrides(self, rows: list[Row]) -> None:
        raised = [(row["name"], each) for row in rows for each in row["overrides"]]
        if not raised:
            return
        with card("Raised for a time"):
            for name, each in raised:
                with box("div", "row").style("padding: 6px 0"):
                    Text("b", name)
                    Text("span", f"by {each['raise_usd']:,g} USD until")
                    Moment(each["until"])
                    if each["made_by"]:
                        Text("span", f"by {each['made_by']}", "count")
                    if self._may and each["id"]:
                        button("End now", lambda name=name, each=each: self._end(name, each["id"]), kind="small")

    def _end(self, name: str, override: str) -> None:
        async def go() -> None:
            path = path_of("budgets", name, "overrides", override)
            await attempt(self._view, lambda: self._view.act("DELETE", path), f"{name} is as it was.")
            await self._refresh()

        confirm(f"End this raise of {name}?", "The budget is as it was, at once.", "End now", go)
