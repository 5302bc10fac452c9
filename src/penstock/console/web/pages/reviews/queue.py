"""The queue: what waits, what is late, who is at what; and all that there ever was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nicegui import ui

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.region import LIVE_S, Region, to_sign_in, toast
from penstock.console.web.layout.parts.table import DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import attach, box, tile, tiles
from penstock.console.web.pages.reviews.judging import key_button, switch
from penstock.console.web.view import View, link

STATES = {
    "waiting": "Waits",
    "claimed": "Claimed",
    "approved": "Approved",
    "edited": "Edited",
    "rejected": "Refused",
    "taken_over": "Taken over",
    "expired": "Expired",
}
_TONES: Mapping[str, Tone] = {"claimed": "info", "approved": "ok", "edited": "ok", "rejected": "bad", "expired": "warn"}
_A_PAGE = 500
_MOST = 2000
_NOBODY = ("task_alt", "Nothing waits", "Answers that a rule under `review.rules` holds appear here by themselves.")


async def waiting(view: View) -> None:
    await _Holds(view, order="urgent").open()


async def everything(view: View) -> None:
    await _Holds(view, order="newest").open()


async def take_next(view: View) -> None:
    """The most urgent one that nobody is at; of any number who ask at once each gets another."""
    try:
        found = await view.act("POST", "/review/holds/next")
    except ApiRefused as refused:
        if refused.is_signed_out:
            to_sign_in(view)
        else:
            toast(refused.message, "bad")
        return
    if found["hold"] is None:
        toast("Nothing waits for you.")
    else:
        ui.navigate.to(f"/reviews/{found['hold']['id']}")  # NiceGUI puts where it is mounted before it


class _Holds:
    def __init__(self, view: View, *, order: str) -> None:
        self._view = view
        self._order = order
        self._rows: list[Row] = []
        is_open = order == "urgent"
        states = ("waiting", "claimed") if is_open else tuple(STATES)
        options = [("", "Any state"), *((each, STATES[each]) for each in states)]
        if is_open:
            options += [("mine", "Mine"), ("late", "Overdue")]
        ended = () if is_open else (Column("ended_at", "Decided", "time"), Column("ended_by", "By", "mono"))
        self._table = DataTable(
            view,
            Listing(
                caption="Reviews" if is_open else "All reviews",
                columns=(
                    Column("reason", "Why it is held", href=lambda row: link(path_of("reviews", row["id"]))),
                    Column("priority", "Priority", "number"),
                    Column("due_at", "Due", "time"),
                    Column("state", "State", "badge", _state, _tone),
                    Column("group", "Group", "mono"),
                    Column("model", "Assistant", "mono"),
                    Column("tenant", "Tenant", "mono"),
                    Column("confidence", "Confidence", "percent"),
                    Column("claimed_by", "At it", "mono"),
                    *ended,
                ),
                read=self._read,
                sort="-priority" if is_open else "-due_at",
                nothing=_NOBODY,
                filters=(Filter("state", "State", options),),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        if self._order == "urgent" and self._view.who.may("review.write"):
            with box("div", "row").style("margin-bottom: 16px"):
                key_button("Take the next", "n", lambda: take_next(self._view), kind="main")
                switch()
        if self._order == "urgent":
            await Region(self._view, self._count, _show_count, every_s=LIVE_S).open()
        await self._table.open()

    async def _count(self) -> dict[str, int]:
        rows = await self._holds()
        late = sum(row["is_late"] for row in rows)
        mine = sum(row["claimed_by"] == self._view.who.id for row in rows)
        claimed = sum(row["state"] == "claimed" for row in rows)
        return {"open": len(rows), "late": late, "claimed": claimed, "mine": mine}

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        wanted = filters.get("state")
        state = wanted if wanted in STATES else None
        rows = await self._holds(state)
        if wanted == "mine":
            return [row for row in rows if row["claimed_by"] == self._view.who.id]
        return [row for row in rows if row["is_late"]] if wanted == "late" else rows

    async def _holds(self, state: str | None = None) -> list[Row]:
        now = self._view.clock.now()
        rows: list[Row] = []
        after: str | None = None
        while len(rows) < _MOST:
            asked: dict[str, Any] = {"order": self._order, "state": state, "after": after, "limit": _A_PAGE}
            found = await self._view.read("/review/holds", **asked)
            rows += [{**each, "is_late": _is_late(each, now)} for each in found["items"]]
            after = found["next"]
            if after is None:
                break
        return rows


def _is_late(row: Mapping[str, Any], now: float) -> bool:
    return row["ended_at"] is None and datetime.fromisoformat(row["due_at"]).timestamp() <= now


def _state(row: Row) -> str:
    return f"{STATES[row['state']]}, overdue" if row["is_late"] else STATES[row["state"]]


def _tone(row: Row) -> Tone:
    return "bad" if row["is_late"] else _TONES.get(row["state"], "")


def _show_count(found: Mapping[str, int]) -> None:
    with tiles() as shown:
        attach(shown, aria_label="The queue")
        tile("Open", f"{found['open']:,}" + ("+" if found["open"] >= _MOST else ""))
        tile("Overdue", f"{found['late']:,}", "nobody has decided in time" if found["late"] else "nothing is late")
        tile("Somebody is at", f"{found['claimed']:,}")
        tile("Mine", f"{found['mine']:,}", "claimed by you")
