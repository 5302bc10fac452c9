"""Targets: what the fleet has found of each, and an operator's orders."""

from collections.abc import Mapping

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.region import LIVE_S, attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.view import View

_WORDS = {"closed": "Up", "open": "Down", "half_open": "Being tried"}
_TONES: Mapping[str, Tone] = {"closed": "ok", "open": "bad", "half_open": "warn"}


async def build(view: View) -> None:
    await _Targets(view).open()


class _Targets:
    def __init__(self, view: View) -> None:
        self._view = view
        may = view.who.may("targets.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Targets",
                columns=(
                    Column("name", "Target", "mono"),
                    Column(
                        "state", "State", "badge", lambda row: _WORDS[row["state"]], lambda row: _TONES[row["state"]]
                    ),
                    Column("reason", "Reason"),
                    Column("since", "Since", "time"),
                    Column("until", "Tried again", "time"),
                    Column("found_by", "Found by", "mono"),
                    Column("callers", "Processes that call it", "number"),
                ),
                read=self._read,
                sort="name",
                nothing=("adjust", "No target yet", "Targets come with models: write one under `models`."),
                filters=(Filter("state", "State", (("", "Any state"), *_WORDS.items())),),
                acts=(
                    Act("open", "Stop calling", self._open, "danger", lambda row: may and row["state"] == "closed"),
                    Act("close", "Call again", self._close, "", lambda row: may and row["state"] != "closed"),
                ),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        await self._table.open()

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        found = await self._view.read("/targets")
        wanted = filters.get("state")
        return [{**each, "id": each["name"]} for each in found["items"] if wanted in (None, each["state"])]

    def _open(self, row: Row) -> None:
        async def send(answers: dict[str, str]) -> None:
            await self._view.act("POST", path_of("targets", row["name"]) + "/open", without_blanks(answers))
            toast(f"{row['name']} is not called any more.")
            await self._table.refresh()

        fields = (
            Field("reason", "Reason", hint="Stands beside the target and in the audit."),
            Field(
                "for_s",
                "For how long",
                "choice",
                value="3600",
                options=(("600", "10 minutes"), ("3600", "1 hour"), ("86400", "1 day"), ("604800", "1 week")),
            ),
        )
        text = "It gets no new request from any process, within about a second."
        ask(self._view, f"Stop calling {row['name']}?", fields, send, label="Stop calling", text=text)

    def _close(self, row: Row) -> None:
        async def go() -> None:
            path = path_of("targets", row["name"]) + "/close"
            await attempt(self._view, lambda: self._view.act("POST", path), f"{row['name']} is called again.")
            await self._table.refresh()

        confirm(f"Call {row['name']} again?", "If it is down still, that will be found again.", "Call again", go)
