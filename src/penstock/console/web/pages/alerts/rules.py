"""Alert rules: how each stands now, when it fires, whom it tells; and one of them with all its groups."""

from collections.abc import Mapping
from typing import Any

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.region import LIVE_S, Region, attempt
from penstock.console.web.layout.parts.table import Act, DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import Moment, Text, badge, box, button, card, facts, note
from penstock.console.web.pages.alerts.silences import ask_silence, matched_words
from penstock.console.web.pages.alerts.words import (
    SEVERITIES,
    STATES,
    amount,
    condition_of,
    group_words,
    severity_tone,
    state_tone,
    what_of,
    where_of,
    worst_of,
)
from penstock.console.web.view import View, link

_ORIGINS = {"ready": "Ready-made", "own": "penstock.yaml"}
_VERDICTS = {"holds": "Holds", "calm": "Does not hold", "unknown": "Cannot be told", "put_off": "Put off"}
_VERDICT_TONES: Mapping[str, Tone] = {"holds": "bad", "calm": "ok", "unknown": "", "put_off": "warn"}
_STATE_FILTER = Filter("state", "State", (("", "Any state"), *STATES.items()))


async def rules(view: View) -> None:
    name = view.query.get("rule", "")[:100]
    if name:
        view.aside["rule"] = name
        await _Rule(view, name).open()
    else:
        await _Rules(view).open()


class _Rules:
    def __init__(self, view: View) -> None:
        self._view = view
        may = view.who.may("alerts.write")
        columns = (
            Column("name", "Rule", "mono", href=lambda row: link("/alerts", tab="rules", rule=row["name"])),
            Column("state", "State", "badge", _state_words, state_tone),
            Column("now", "Now"),
            Column("what", "What"),
            Column("condition", "Fires"),
            Column("severity", "Severity", "badge", tone=severity_tone),
            *((Column("channels", "Tells", "tags"),) if view.who.tenant is None else ()),
        )
        self._table = DataTable(
            view,
            Listing(
                caption="Alert rules",
                columns=columns,
                read=self._read,
                sort="state",
                nothing=(
                    "rule",
                    "No rule",
                    "The ready-made ones are turned off. Write one under `alerts.rules` in penstock.yaml.",
                ),
                filters=(
                    _STATE_FILTER,
                    Filter("severity", "Severity", SEVERITIES),
                    Filter("origin", "Written in", (("", "Own and ready-made"), *_ORIGINS.items())),
                ),
                acts=(Act("silence", "Silence", self._silence, "", lambda _: may),),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        await self._table.open()
        note("Rules are written under `alerts.rules` in penstock.yaml, and are in force after a reload.")

    async def _read(self, filters: Mapping[str, str]) -> list[Row]:
        rows = [_row(each) for each in await self._view.read("/alerts/rules")]
        wanted = ("state", "severity", "origin")
        return [row for row in rows if all(filters.get(name) in (None, row[name]) for name in wanted)]

    def _silence(self, row: Row) -> None:
        ask_silence(self._view, self._table.refresh, rule=row["name"])


def _row(rule: Mapping[str, Any]) -> Row:
    worst = worst_of(rule)
    return {
        **rule,
        "id": rule["name"],
        "now": "" if worst is None else amount(worst["value"], rule),
        "what": ", ".join(filter(None, (what_of(rule), where_of(rule)))),
        "condition": condition_of(rule),
        "origin": "ready" if rule["is_ready_made"] else "own",
    }


def _state_words(row: Row) -> str:
    alike = sum(each["state"] == row["state"] for each in row["groups"])
    words = STATES[row["state"]]
    return f"{words}: {alike} of {len(row['groups'])}" if row["state"] != "quiet" and len(row["groups"]) > 1 else words


class _Rule:
    """One rule; what a check would say is asked for by a button, and told to nobody."""

    def __init__(self, view: View, name: str) -> None:
        self._view = view
        self._name = name
        self._found: Mapping[str, Any] = {}
        self._table = DataTable(
            view,
            Listing(
                caption="Groups",
                columns=(
                    Column("name", "Group"),
                    Column("state", "State", "badge", lambda row: STATES[row["state"]], state_tone),
                    Column("value", "Value", value=lambda row: amount(row["value"], self._found)),
                    Column("bound", "Bound", value=lambda row: amount(row["bound"], self._found)),
                    Column("since", "Since", "time"),
                    Column("told_at", "Told", "time"),
                    Column("judged_at", "Judged", "time"),
                ),
                read=self._read_groups,
                sort="name",
                nothing=("hourglass_empty", "Not judged yet", "Rules are judged once a minute, where exchanges came."),
                filters=(_STATE_FILTER,),
                every_s=LIVE_S,
            ),
        )

    async def open(self) -> None:
        with box("p", "crumb").style("margin-top: 0"):
            Text("a", "All rules", href=link("/alerts", tab="rules"))
        self._region = Region(self._view, self._read, self._show, every_s=LIVE_S)
        await self._region.open()
        if self._found:
            self._checked = box("div")
            await self._table.open()

    async def _read(self) -> dict[str, Any]:
        rules: list[dict[str, Any]] = await self._view.read("/alerts/rules")
        rule = next((each for each in rules if each["name"] == self._name), None)
        if rule is None:
            raise ApiRefused(404, "unknown_alert_rule", "There is no such rule, or it is turned off.")
        silences = await self._view.read("/alerts/silences")
        self._found = rule
        kept = {name: value for name, value in rule.items() if name != "groups"}  # the table shows those
        return {"rule": kept, "silences": [each for each in silences if each["rule"] == self._name]}

    async def _read_groups(self, filters: Mapping[str, str]) -> list[Row]:
        groups = self._found["groups"]
        return [
            {**each, "id": group_words(each["group"]), "name": group_words(each["group"])}
            for each in groups
            if filters.get("state") in (None, each["state"])
        ]

    def _show(self, found: Mapping[str, Any]) -> None:
        rule = found["rule"]
        for each in found["silences"]:
            with box("div", "note warn row"):
                Text("span", f"Nobody is told ({matched_words(each)}): {each['reason']}. Until")
                Moment(each["until"])
        with card():
            with box("div", "head"):
                with box("div", "row"):
                    Text("h2", rule["name"], "mono")
                    badge(STATES[rule["state"]], state_tone(rule))
                    badge(rule["severity"].capitalize(), severity_tone(rule))
                if self._view.who.may("alerts.write"):
                    with box("div", "row"):
                        button("Try it now", self._check, icon="play_arrow")
                        button("Silence", self._silence, icon="notifications_paused")
            pairs = [
                ("What", what_of(rule)),
                ("Fires", condition_of(rule)),
                ("Of", where_of(rule) or "all exchanges"),
                ("Written in", _ORIGINS["ready" if rule["is_ready_made"] else "own"]),
            ]
            if self._view.who.tenant is None:
                pairs.append(("Tells", ", ".join(rule["channels"]) or "nobody: no channel takes its alerts"))
            facts(*pairs)

    async def _check(self) -> None:
        async def look() -> None:
            found = await self._view.act("POST", path_of("alerts", "rules", self._name) + "/check")
            self._checked.clear()
            with self._checked:
                self._show_check(found)

        await attempt(self._view, look, "")

    def _show_check(self, found: Mapping[str, Any]) -> None:
        with card("If it were judged now"):
            with box("p", "row"):
                Text("span", "Nobody was told. For the minutes until")
                Moment(found["at"])
            if not found["groups"]:
                Text("p", "No exchange came that it could be held against.", "count")
            for each in found["groups"]:
                with box("div", "row").style("padding: 4px 0"):
                    badge(_VERDICTS[each["verdict"]], _VERDICT_TONES[each["verdict"]])
                    Text("span", group_words(each["group"]))
                    if each["value"] is not None:
                        bound = amount(each["bound"], self._found)
                        value = amount(each["value"], self._found)
                        Text("span", f"{value}, where {bound} is the bound" if bound else value, "count")

    def _silence(self) -> None:
        ask_silence(self._view, self._region.refresh, rule=self._name)
