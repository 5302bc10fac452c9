"""What people said of answers and what became of conversations: feedback, conversions, escalations, satisfaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.console.web.layout.parts.amounts import count, share, usd
from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.narrowing import NONE, Narrowing
from penstock.console.web.layout.parts.table import Act, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, card, tile, tiles
from penstock.console.web.pages.quality.words import EVENTS
from penstock.console.web.view import View

_NANO = 1_000_000_000
_COUNTED = ("conversion", "resolved", "escalated")
_NEXT = (
    "Take a longer time range. Applications send verdicts to `/v1/feedback`, and conversions, resolutions, escalations"
    " and satisfaction to `/v1/events`."
)
_Key = tuple[str, ...]


async def outcomes(view: View) -> None:
    await _Outcomes(view).open()


class _Outcomes:
    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, ("tenant", "assistant", "release"), groups=("assistant", "release", "tenant"))
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._asked.draw(self._changed)
        await self._figured.open()

    async def _changed(self) -> None:
        await self._figured.refresh(is_other=True)

    def _listing(self) -> Listing:
        by = self._asked.by
        return Listing(
            caption=f"Outcomes by {by}",
            columns=(
                Column("group", by.capitalize(), value=lambda row: row["group"] or NONE),
                *((Column("assistant", "Assistant"),) if by == "release" else ()),
                Column("conversion", "Conversions", "number"),
                Column("value", "Value", "usd"),
                Column("resolved", "Resolved", "number"),
                Column("escalated", "Escalated", "number"),
                Column("satisfaction", "Satisfaction", "percent"),
                *(
                    (
                        Column("thumbs", "Thumbs"),
                        Column("rating", "Rating", "number"),
                    )
                    if by != "release"
                    else ()
                ),
            ),
            read=nothing,
            sort="-conversion",
            nothing=(
                "thumbs_up_down",
                "Nobody said anything in this time",
                _NEXT,
            ),
            acts=(
                Act(
                    "only",
                    "Only this",
                    lambda row: self._asked.narrow(row["group"]),
                    "",
                    lambda row: self._asked.may_narrow(row["group"]),
                ),
            ),
        )

    async def _read(self) -> Found:
        asked, by = self._asked, ["assistant", "release"] if self._asked.by == "release" else [self._asked.by]
        whole = await self._view.read("/quality/outcomes", **asked.query())
        steps = await self._view.read("/quality/outcomes", **asked.query(by_step=True))
        groups = await self._view.read("/quality/outcomes", by=by, **asked.query())
        said = await self._view.read("/quality", **asked.query())
        by_said = await self._view.read("/quality", by=by, **asked.query())
        said_steps = await self._view.read("/quality", **asked.query(by_step=True))
        found = {"whole": whole["lines"], "steps": steps["lines"], "said": said["lines"], "along": said_steps["lines"]}
        return found, _rows(groups["lines"], by_said["lines"], by)

    def _show(self, found: Mapping[str, Any]) -> None:
        feedback = next((line["feedback"] for line in found["said"] if line["feedback"]), None)
        is_said = feedback is not None and any(feedback[name] for name in ("good", "bad", "ratings", "corrections"))
        if not found["whole"] and not is_said:
            return  # the table says what to do
        _tiles({line["kind"]: line for line in found["whole"]}, feedback)
        steps = self._asked.period.steps()
        labels = self._asked.period.labels(steps)
        with box("div", "two").style("margin-bottom: 20px"):
            with card("What became of conversations"):
                series = [
                    Series(EVENTS[kind], [_of(found["steps"], kind, at, "events") or 0 for at in steps])
                    for kind in _COUNTED
                ]
                chart("Events by step", labels, series, kind="bar", is_stacked=True)
            with card("How content people are"):
                content = [
                    Series("Satisfaction", [_of(found["steps"], "satisfaction", at, "satisfaction") for at in steps]),
                    Series("Thumbs up", [_thumbs(found["along"], at) for at in steps]),
                ]
                chart("Shares by step", labels, content, unit="share")


def _tiles(events: Mapping[str, Mapping[str, Any]], feedback: Mapping[str, Any] | None) -> None:
    def amount(kind: str) -> int:
        return events.get(kind, {}).get("events", 0)

    sold = events.get("conversion", {})
    content = events.get("satisfaction", {})
    settled = amount("resolved") + amount("escalated")
    with tiles():
        worth = f"worth {usd(sold['value_nanousd'])}" if sold.get("valued") else "without a value"
        tile("Conversions", count(amount("conversion")), worth if sold else "")
        tile("Resolved", count(amount("resolved")), f"{share(amount('resolved') / settled)} of both" if settled else "")
        tile("Escalated", count(amount("escalated")), "a person had to go on")
        tile("Satisfaction", share(content.get("satisfaction")), f"the mean of {count(content.get('rated', 0))}")
        if feedback is not None:
            of = feedback["good"] + feedback["bad"]
            rating = feedback["mean_rating"]
            words = "no rating" if rating is None else f"rated {rating:.1f} of 5, {count(feedback['ratings'])} times"
            tile("Thumbs up", share(feedback["good_share"]["value"]), f"of {count(of)}, up and down; {words}")


def _rows(events: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]], by: Sequence[str]) -> list[Row]:
    rows: dict[_Key, dict[str, Any]] = {}

    def row(line: Mapping[str, Any]) -> dict[str, Any]:
        key = tuple(line["group"][name] for name in by)
        begun: dict[str, Any] = dict.fromkeys(_COUNTED, 0)
        begun |= dict.fromkeys(("value", "satisfaction", "thumbs", "rating"))
        return rows.setdefault(key, {**begun, "id": "\n".join(key) or NONE, "group": key[-1], "assistant": key[0]})

    for line in events:
        if line["kind"] == "satisfaction":
            row(line)["satisfaction"] = line["satisfaction"]
        else:
            row(line)[line["kind"]] = line["events"]
        if line["kind"] == "conversion" and line["valued"]:
            row(line)["value"] = line["value_nanousd"] / _NANO
    for line in said:
        feedback = line["feedback"]
        if feedback and any(feedback[name] for name in ("good", "bad", "ratings", "corrections")):
            rating = feedback["mean_rating"]
            row(line)["thumbs"] = f"{feedback['good']:,} up, {feedback['bad']:,} down"
            row(line)["rating"] = None if rating is None else round(rating, 2)
    return list(rows.values())


def _of(lines: Sequence[Mapping[str, Any]], kind: str, at: datetime, name: str) -> Any:
    found = (line[name] for line in lines if line["kind"] == kind and datetime.fromisoformat(line["at"]) == at)
    return next(found, None)


def _thumbs(lines: Sequence[Mapping[str, Any]], at: datetime) -> float | None:
    found = (line["feedback"] for line in lines if datetime.fromisoformat(line["at"]) == at)
    feedback = next(found, None)
    return None if feedback is None else feedback["good_share"]["value"]
