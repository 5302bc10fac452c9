"""Which answers are looked at and for what, and what the judge has cost of its budget."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.console.web.layout.parts.amounts import NANO, count, share, usd
from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.period import Period
from penstock.console.web.layout.parts.table import Listing
from penstock.console.web.layout.parts.table_state import Column
from penstock.console.web.layout.parts.text import Text, box, card, note, tile, tiles
from penstock.console.web.pages.quality.words import check_words
from penstock.console.web.view import View

_DIGITS = 4


async def sample(view: View) -> None:
    await _Sample(view).open()


class _Sample:
    def __init__(self, view: View) -> None:
        self._view = view
        self._period = Period(view)
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._period.draw(self._figured.refresh)
        await self._figured.open()

    def _listing(self) -> Listing:
        return Listing(
            caption="What is looked at",
            columns=(
                Column("id", "Assistant"),
                Column("sample", "Looked at, of what is kept", "percent"),
                Column("judged", "Of these judged", "percent"),
                Column("checks", "Checks", "tags"),
            ),
            read=nothing,
            sort="id",
            nothing=("tune", "No assistant yet", "Write one under `models` in penstock.yaml."),
        )

    async def _read(self) -> Found:
        asked = self._period.query()
        found = await self._view.read("/quality/looked-at", since=asked["since"], until=asked["until"])
        rows = [
            {
                "id": each["assistant"],
                "sample": each["sample"],
                "judged": each["judged"] if each["sample"] else 0,
                "checks": [check_words(check) for check in each["checks"]],
            }
            for each in found["assistants"]
        ]
        return {name: found[name] for name in ("is_watched", "keep_days", "judge")}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found["is_watched"]:
            note(
                "No answer is looked at. Write `contents: {keep: sampled}` and `quality: {sample: 0.5}` in"
                " penstock.yaml: half of the answers that are kept are looked at then."
            )
            return
        judge = found["judge"]
        if judge is not None:
            self._judge(judge)
        elif self._view.who.tenant is None:
            note("No model judges. Name one under `quality.judge` in penstock.yaml, with what it may cost a day.")
        note(f"Single scores are kept for {found['keep_days']:,.0f} days, their sums for good.")

    def _judge(self, judge: Mapping[str, Any]) -> None:
        budget, states = judge["budget_nanousd"], judge["states"]
        spent = {each["day"]: each for each in judge["spent"]}
        today = datetime.fromtimestamp(self._view.clock.now(), UTC).date()
        used = spent.get(today.isoformat(), {"nanousd": 0, "calls": 0})
        with tiles():
            tile("Judge", judge["model"], "a model of this installation")
            with box("div", "tile"):
                Text("dt", "Spent today (UTC)")
                Text("dd", usd(used["nanousd"], digits=_DIGITS))
                part = used["nanousd"] / budget
                Text("dd", f"{share(part)} of {usd(budget)} a day", "small")
                with box("div", "bar", aria_hidden="true"):
                    box("i", "bad" if part >= 1 else "warn" if part > 0.8 else "").style(f"width: {min(part, 1):.1%}")
            whole = sum(each["nanousd"] for each in judge["spent"])
            calls = sum(each["calls"] for each in judge["spent"])
            tile("Spent", usd(whole, digits=_DIGITS), f"{count(calls)} calls in the {self._period.words}")
            tile("Judged", count(states["judged"]), f"{count(states['waiting'] + states['asked'])} are under way")
            without = states["unreadable"] + states["refused"]
            tile(
                "Without a verdict",
                count(without),
                f"{count(states['unreadable'])} unreadable, {count(states['refused'])} not answered;"
                f" {count(states['left_out'])} had nothing to judge",
            )
        if not spent:
            return
        since, until = self._period.window()
        first = since.astimezone(UTC).date()
        days = [first + timedelta(days=each) for each in range((until.astimezone(UTC).date() - first).days + 1)]
        with card("What the judge cost, by day (UTC)"):
            values = [spent.get(day.isoformat(), {"nanousd": 0})["nanousd"] / NANO for day in days]
            series = [Series("Spent", values)]
            chart("Cost by day", [f"{day:%d %b}" for day in days], series, kind="bar", unit="usd")
