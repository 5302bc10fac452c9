"""What was noticed, and who knows of it."""

from collections.abc import Mapping

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.paging import all_of
from penstock.console.web.layout.parts.region import LIVE_S, attempt
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.pages.alerts.silences import ask_silence
from penstock.console.web.pages.alerts.words import SEVERITIES, rule_of, severity_tone
from penstock.console.web.view import View, link

_STATES = (("", "Any state"), ("open", "Not acknowledged"), ("acknowledged", "Acknowledged"))
_OF_CHANNELS = (("waiting", "A channel waits"), ("failed", "A channel was given up"))


async def told(view: View) -> None:
    await _Alerts(view).open()


class _Alerts:
    def __init__(self, view: View) -> None:
        self._view = view
        may = view.who.may("alerts.write")
        is_of_all = view.who.tenant is None
        columns = (
            Column("at", "When", "time"),
            Column("severity", "Severity", "badge", tone=severity_tone),
            Column("text", "What"),
            Column("subject", "Of", "mono", href=_rule_link),
            Column("tenant", "Tenant", "mono"),
            Column("acknowledged_by", "Acknowledged by", "mono"),
            *((Column("told", "Told", value=_told),) if is_of_all else ()),
            Column("kind", "Kind", "mono"),
        )
        self._table = DataTable(
            view,
            Listing(
                caption="Alerts",
                columns=columns,
                read=self._read,
                sort="-at",
                nothing=(
                    "notifications_none",
                    "No alert",
                    "Rules and budgets raise them when something is up: the view of rules says which there are.",
                ),
                filters=(
                    Filter("state", "State", _STATES + (_OF_CHANNELS if is_of_all else ())),
                    Filter("severity", "Severity", SEVERITIES),
                ),
                acts=(
                    Act("take", "Acknowledge", self._take, "", lambda row: may and row["acknowledged_at"] is None),
                    Act("silence", "Silence", self._silence, "", lambda _: may),
                ),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        await self._table.open()

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        rows = await all_of(self._view, "/alerts", state=filters.get("state"))
        return [row for row in rows if filters.get("severity") in (None, row["severity"])]

    async def _take(self, row: Row) -> None:
        path = path_of("alerts", row["id"]) + "/acknowledge"
        await attempt(self._view, lambda: self._view.act("POST", path), "Acknowledged.")
        await self._table.refresh()

    def _silence(self, row: Row) -> None:
        rule = rule_of(row)
        given = {"rule": rule} if rule else {"kind": row["kind"], "subject": row["subject"]}
        ask_silence(self._view, self._table.refresh, **given, tenant=row["tenant"] or "")


def _rule_link(row: Row) -> str:
    rule = rule_of(row)
    return link("/alerts", tab="rules", rule=rule) if rule else ""


def _told(row: Row) -> str:
    if row["silenced_by"]:
        return "nobody: silenced"
    return ", ".join(f"{each['webhook']}: {each['state'].replace('_', ' ')}" for each in row["deliveries"])
