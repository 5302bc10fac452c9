"""Silences: what nobody is told of, until when and why; and the form that makes one."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.fields import Field, ask, confirm, without_blanks
from penstock.console.web.layout.parts.region import LIVE_S, attempt, toast
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import box, button
from penstock.console.web.view import View, link

_LENGTHS = {
    "1": "An hour",
    "4": "Four hours",
    "24": "A day",
    "168": "A week",
    "": "Until the time below",
}
_WORDS = {"force": "In force", "ended": "Ended", "over": "Over"}
_TONES: Mapping[str, Tone] = {"force": "warn", "ended": "", "over": ""}
_MATCHED = (("rule", "rule"), ("kind", "kind"), ("tenant", "tenant"), ("subject", "subject"))


async def silences(view: View) -> None:
    await _Silences(view).open()


class _Silences:
    def __init__(self, view: View) -> None:
        self._view = view
        self._may = may = view.who.may("alerts.write")
        self._table = DataTable(
            view,
            Listing(
                caption="Silences",
                columns=(
                    Column(
                        "state", "State", "badge", lambda row: _WORDS[row["state"]], lambda row: _TONES[row["state"]]
                    ),
                    Column("matches", "Nobody is told of", value=matched_words, href=_rule_link),
                    Column("until", "Until", "time"),
                    Column("reason", "Why"),
                    Column("made_by", "Made by", "mono"),
                    Column("made_at", "Made", "time"),
                    Column("ended_by", "Ended by", "mono"),
                ),
                read=self._read,
                sort="-made_at",
                nothing=(
                    "notifications_paused",
                    "No silence",
                    "People are told of every alert. Make one before work that will raise some.",
                ),
                filters=(Filter("past", "Which", (("", "In force"), ("1", "Those that are over too"))),),
                acts=(Act("end", "End now", self._end, "", lambda row: may and row["state"] == "force"),),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        if self._may:
            with box("div", "row").style("margin-bottom: 16px"):
                button("New silence", self._make, kind="main", icon="notifications_paused")
        await self._table.open()

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        rows = await self._view.read("/alerts/silences", past="true" if filters.get("past") else None)
        now = datetime.fromtimestamp(self._view.clock.now(), UTC)
        return [{**row, "name": matched_words(row), "state": _state(row, now)} for row in rows]

    def _make(self) -> None:
        ask_silence(self._view, self._table.refresh)

    def _end(self, row: Row) -> None:
        async def go() -> None:
            path = path_of("alerts", "silences", row["id"])
            await attempt(self._view, lambda: self._view.act("DELETE", path), "People are told again.")
            await self._table.refresh()

        text = "What it has kept from people is not told later, but a rule that fires still is."
        confirm(f"End the silence of {matched_words(row)}?", text, "End now", go)


def matched_words(row: Row) -> str:
    """All of which an alert must match."""
    return ", ".join(f"{words} {row[name]}" for name, words in _MATCHED if row[name])


def _rule_link(row: Row) -> str:
    return link("/alerts", tab="rules", rule=row["rule"]) if row["rule"] else ""


def _state(row: Row, now: datetime) -> str:
    if row["ended_at"] is not None:
        return "ended"
    return "force" if datetime.fromisoformat(row["until"]) > now else "over"


def ask_silence(
    view: View,
    done: Callable[[], Awaitable[Any]],
    *,
    rule: str = "",
    kind: str = "",
    tenant: str = "",
    subject: str = "",
) -> None:
    """The form, with what is known already filled in."""
    fields = (
        Field("rule", "Rule", value=rule, hint="Its name; alerts of all rules, and of what has none, if left out."),
        Field("kind", "Kind", value=kind, hint="Such as budget.threshold, or budget.* for all that begin so."),
        *(
            (Field("tenant", "Tenant", value=tenant, hint="All tenants, if left out."),)
            if view.who.tenant is None
            else ()
        ),
        Field("subject", "Of", value=subject, hint="What the alert is about: a budget, a target."),
        Field("hours", "For", "choice", value="1", options=tuple(_LENGTHS.items())),
        Field("until", "Until", "moment", hint="A year from now at most; counts where nothing else is chosen above."),
        Field("reason", "Why", is_required=True, hint="Whoever wonders why nobody was told reads this."),
    )

    async def send(answers: dict[str, Any]) -> None:
        body = without_blanks(answers)
        hours = body.pop("hours", None)
        if hours is not None:
            now = datetime.fromtimestamp(view.clock.now(), UTC)
            body["until"] = (now + timedelta(hours=int(hours))).isoformat()
        elif "until" not in body:
            raise ApiRefused(400, "malformed_request", "Say until when.")
        await view.act("POST", "/alerts/silences", body)
        toast("Nobody is told of it until then.")
        await done()

    text = "Alerts that match all of it are written down and told to nobody. It is in the audit."
    ask(view, "New silence", fields, send, label="Silence", text=text)
