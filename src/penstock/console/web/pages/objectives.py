"""Objectives: what was promised to callers, what is left of what may go badly, and how fast that goes."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.amounts import count, seconds, share
from penstock.console.web.layout.parts.chart import Series, timeline
from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.table import DataTable, Filter, Listing
from penstock.console.web.layout.parts.table_state import Column, Row, Tone
from penstock.console.web.layout.parts.text import Moment, Text, badge, box, card, facts, note, tile, tiles
from penstock.console.web.view import View, link

_STATES = {
    "missed": "Missed",
    "burning": "Burning",
    "low": "Little left",
    "kept": "Kept",
    "none": "Nothing counted",
}
"""The worst first."""
_TONES: Mapping[str, Tone] = {"missed": "bad", "burning": "bad", "low": "warn", "kept": "ok", "none": ""}
_KINDS = {"availability": "Availability", "latency": "Latency"}
_OF = {"duration": "answered in full", "first_event": "begun"}
_BURNS = (("5m", "1h", 14.4), ("30m", "6h", 6.0))
"""As the rules that are made ready: both windows of a pair must burn so fast (docs/objectives.md)."""
_WINDOWS: Mapping[str, str] = {
    "5m": "5 min",
    "30m": "30 min",
    "1h": "1 h",
    "6h": "6 h",
    "1d": "1 d",
    "3d": "3 d",
}
_LOW = 0.25
_EVERY_S = 6 * LIVE_S
"""They change once a minute."""


async def build(view: View) -> None:
    name = view.query.get("objective", "")[:100]
    if name:
        view.aside["objective"] = name
        await _Objective(view, name).open()
    else:
        await _open_all(view)


async def _open_all(view: View) -> None:
    rows: list[Row] = []

    async def read() -> list[dict[str, Any]]:
        found = await view.read("/objectives")
        rows[:] = [_row(each) for each in found]
        return found

    async def given(filters: Mapping[str, str]) -> list[Row]:
        wanted = ("state", "kind")
        return [row for row in rows if all(filters.get(name) in (None, row[name]) for name in wanted)]

    columns = (
        Column("name", "Objective", "mono", href=lambda row: link("/objectives", objective=row["name"])),
        Column("state", "State", "badge", lambda row: _STATES[row["state"]], lambda row: _TONES[row["state"]]),
        Column("assistant", "Assistant", value=lambda row: row["assistant"] or "all"),
        Column("promise", "Promised"),
        Column("reached_words", "Reached"),
        Column("left", "Budget left", "percent", value=lambda row: row["remaining"]),
        Column("burn_1h", "Burn, 1 h", "number", value=lambda row: _round(row["burn"]["1h"])),
        Column("burn_1d", "Burn, 1 d", "number", value=lambda row: _round(row["burn"]["1d"])),
        Column("exchanges", "Exchanges", "number"),
        Column("bad", "Went badly", "number"),
        Column("exhausted_at", "Nothing left", "time"),
    )
    await Region(view, read, _show_all, every_s=_EVERY_S).open()
    await DataTable(
        view,
        Listing(
            caption="Objectives",
            columns=columns,
            read=given,
            sort="left",
            nothing=(
                "flag",
                "No objective yet",
                "Say what is promised to callers under `objectives` in penstock.yaml; it is in force after a reload.",
            ),
            filters=(
                Filter("state", "State", (("", "Any state"), *_STATES.items())),
                Filter("kind", "Kind", (("", "Any kind"), *_KINDS.items())),
            ),
            every_s=_EVERY_S,
        ),
    ).open()


def _row(each: Mapping[str, Any]) -> Row:
    return {
        **each,
        "id": each["name"],
        "state": state_of(each),
        "promise": promise(each),
        "reached_words": share(each["reached"]),
    }


def state_of(each: Mapping[str, Any]) -> str:
    """How an objective stands, in a word."""
    if each["remaining"] is None:
        return "none"
    if each["remaining"] < 0:
        return "missed"
    burn = each["burn"]
    if any((burn[short] or 0) > most and (burn[long] or 0) > most for short, long, most in _BURNS):
        return "burning"
    return "low" if each["remaining"] < _LOW else "kept"


def promise(each: Mapping[str, Any]) -> str:
    target = f"{100 * each['target']:.5g} %"
    if each["kind"] == "availability":
        return f"{target} without a fault, of {each['window_days']} days"
    within = f"{each['within_s']:g} s"
    return f"{target} {_OF[each['of']]} within {within}, of {each['window_days']} days"


def _show_all(found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        return  # the table says what to do
    worst = list(_STATES)
    with box("div", "two").style("margin-bottom: 20px"):
        for each in sorted(found, key=lambda each: (worst.index(state_of(each)), each["remaining"] or 0)):
            with card():
                _head(each, is_link=True)
                _budget(each)
                _burns(each)


def _head(each: Mapping[str, Any], *, is_link: bool) -> None:
    state = state_of(each)
    with box("div", "head").style("margin-bottom: 4px"):
        with box("h2"):
            if is_link:
                Text("a", each["name"], href=link("/objectives", objective=each["name"]))
            else:
                Text("span", each["name"])
        badge(_STATES[state], _TONES[state])
    of = f"assistant {each['assistant']}" if each["assistant"] else "all assistants"
    Text("p", f"{promise(each)}; {of}", "count").style("margin: 0 0 12px")


def _budget(each: Mapping[str, Any]) -> None:
    """What is left of what may go badly, as a bar."""
    remaining = each["remaining"]
    with box("div", "row"):
        if remaining is None:
            Text("span", "No exchange counts yet, so that nothing is used.")
            return
        Text("b", share(remaining) if remaining >= 0 else "Nothing")
        Text("span", "of the error budget is left")
    tone = "bad" if remaining <= 0 else "warn" if remaining < _LOW else ""
    left = min(1.0, max(0.0, remaining))
    with box("div", "bar", role="img", aria_label=f"{left:.0%} of the error budget is left"):
        box("i", tone).style(f"width: {100 * left:.1f}%")
    with box("p", "row").style("margin: 8px 0 0"):
        Text("span", f"{count(each['bad'])} of {count(each['exchanges'])} exchanges went badly", "count")
        if each["exhausted_at"] is not None and remaining > 0:
            Text("span", "as fast as in the last day, nothing is left", "count")
            Moment(each["exhausted_at"])


def _burns(each: Mapping[str, Any]) -> None:
    """How many times too fast; 1 uses up just all."""
    most = {window: limit for short, long, limit in _BURNS for window in (short, long)}
    with box("dl", "burns"):
        for window, words in _WINDOWS.items():
            rate = each["burn"][window]
            with box("div"):
                Text("dt", words)
                is_fast = rate is not None and rate > most.get(window, 1.0)
                tone = "bad" if is_fast and window in most else "warn" if rate is not None and rate > 1 else ""
                Text("dd", "\N{EN DASH}" if rate is None else f"{rate:.3g}\N{MULTIPLICATION SIGN}", tone)


def _round(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 3)


class _Objective:
    """One of them, with each day of its window."""

    def __init__(self, view: View, name: str) -> None:
        self._view = view
        self._name = name
        self._days: list[Row] = []
        self._table = DataTable(
            view,
            Listing(
                caption="Days",
                columns=(
                    Column("day", "Day (UTC)", "mono"),
                    Column("exchanges", "Exchanges", "number"),
                    Column("bad", "Went badly", "number"),
                    Column("reached_words", "Went well"),
                    Column("burn", "Burn", "number", value=lambda row: _round(row["burn"])),
                ),
                read=self._given,
                sort="-day",
                nothing=("hourglass_empty", "No exchange counts yet", "Ask something, and look again in two minutes."),
            ),
        )

    async def open(self) -> None:
        with box("p", "crumb"):
            Text("a", "All objectives", href=link("/objectives"))
        await Region(self._view, self._read, self._show, every_s=_EVERY_S).open()
        await self._table.open()

    async def _read(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = await self._view.read("/objectives")
        objective = next((each for each in found if each["name"] == self._name), None)
        if objective is None:
            raise ApiRefused(404, "unknown_objective", "There is no such objective in the configuration.")
        return {"objective": objective, "days": await self._history()}

    async def _history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._view.read(path_of("objectives", self._name, "history"))
        self._days = [
            {**each, "id": each["at"], "day": each["at"][:10], "reached_words": share(each["reached"])}
            for each in found
        ]
        return found

    async def _given(self, _: Mapping[str, str]) -> list[Row]:
        return self._days

    def _show(self, found: Mapping[str, Any]) -> None:
        each, days = found["objective"], found["days"]
        with card():
            _head(each, is_link=False)
            _budget(each)
            _burns(each)
        with tiles():
            tile("Reached", share(each["reached"]), f"{100 * each['target']:.5g} % is promised")
            tile("Went badly", count(each["bad"]), f"of {count(each['exchanges'])} exchanges that count")
            may = each["exchanges"] * each["budget"]
            tile("May go badly", count(may), f"of as many exchanges within {each['window_days']} days")
            if each["within_s"] is not None:
                tile("Within", seconds(each["within_s"]), _OF[each["of"]])
        if days:
            self._draw(each, days)
        if self._view.who.may("alerts.read"):
            with card("Who is told"):
                rules = ", ".join(f"objective-{each['name']}-{word}" for word in ("fast", "slow"))
                facts(("Ready-made rules", rules))
                with box("p").style("margin: 12px 0 0"):
                    Text("a", "All rules of it", href=link("/alerts", tab="rules", q=f"objective-{each['name']}"))
        note("Objectives are written under `objectives` in penstock.yaml, and are in force after a reload.")

    def _draw(self, each: Mapping[str, Any], days: Sequence[Mapping[str, Any]]) -> None:
        times = [day["at"] for day in days]
        allowed = each["exchanges"] * each["budget"]
        used = [day["bad"] / allowed if allowed else None for day in days]
        left: list[float | None] = []
        rest = 1.0
        for day in used:
            rest -= day or 0.0
            left.append(rest)
        with box("div", "two").style("margin-bottom: 20px"):
            with card("Went well, by day"):
                reached = Series("Went well", [day["reached"] for day in days])
                promised = Series("Promised", [each["target"]] * len(days))
                timeline("Went well, by day", times, [reached, promised], unit="share", from_zero=False)
            with card("Error budget of this window"):
                spent = Series("Left, with the days before", left)
                timeline("Error budget of this window", times, [spent], unit="share")
