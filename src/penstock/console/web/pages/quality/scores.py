"""Scores: how good answers were by assistant, release, target or tenant, and by each check, over time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.console.web.layout.parts.amounts import count, share
from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.narrowing import NONE, Narrowing
from penstock.console.web.layout.parts.table import Act, Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, card, tile, tiles
from penstock.console.web.pages.quality.words import CHECKS, check_words, interval, score, verdict_words
from penstock.console.web.view import View, link

DIMENSIONS = ("tenant", "assistant", "release", "target")
_GROUPS = ("assistant", "release", "target", "tenant")
_SERIES = 6
_MOST_REASONS = 2
_NEXT = (
    "Take a longer time range. Answers are looked at where their contents are kept: write `contents: {keep: sampled}`"
    " and `quality: {sample: 0.5}` in penstock.yaml."
)
NOTHING = ("fact_check", "No answer was looked at in this time", _NEXT)


async def scores(view: View) -> None:
    await _Scores(view).open()


class _Scores:
    """By a group, with what people said beside it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, DIMENSIONS, groups=_GROUPS)
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._asked.draw(self._changed)
        await self._figured.open()

    async def _changed(self) -> None:
        await self._figured.refresh(is_other=True)

    def _listing(self) -> Listing:
        asked = self._asked

        def href(row: Row) -> str:
            if not row["group"] or not self._view.who.may("ledger.read"):
                return ""
            return link("/quality", tab="answers", **{**_without_group(asked.said()), asked.by: row["group"]})

        columns = (
            Column("group", asked.by.capitalize(), value=lambda row: row["group"] or NONE, href=href),
            Column("answers", "Looked at", "number"),
            Column("score", "Score", "number"),
            Column("within", "95 % within"),
            Column("passed", "Good enough", "percent"),
            Column("reasons", "Most often", "tags"),
            *(
                (Column("thumbs", "Thumbs"), Column("rating", "Rating", "number"))
                if asked.by in ("assistant", "tenant")
                else ()
            ),
        )
        return Listing(
            caption=f"Scores by {asked.by}",
            columns=columns,
            read=nothing,
            sort="-answers",
            nothing=NOTHING,
            acts=(
                Act(
                    "only",
                    "Only this",
                    lambda row: asked.narrow(row["group"]),
                    "",
                    lambda r: asked.may_narrow(r["group"]),
                ),
            ),
        )

    async def _read(self) -> Found:
        asked = self._asked
        whole = await self._view.read("/quality", **asked.query())
        before = await self._view.read("/quality", **asked.query(before=1))
        by = await self._view.read("/quality", by=asked.by, **asked.query())
        steps = await self._view.read("/quality", by=asked.by, **asked.query(by_step=True))
        found = {name: each["lines"] for name, each in (("whole", whole), ("before", before), ("steps", steps))}
        rows = [_row(line, asked.by) for line in by["lines"]]
        return {**found, "rows": len(rows)}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        (now,) = found["whole"] or [None]
        if now is None or not (now["answers"] or found["rows"]):
            return  # the table says what to do
        (before,) = found["before"] or [None]
        _tiles(now, before)
        if not now["answers"]:
            return
        steps = self._asked.period.steps()
        with card(f"Score by {self._asked.by} over time"):
            series = _along(found["steps"], steps, lambda line: line["group"][self._asked.by] or NONE)
            chart("Score by step", self._asked.period.labels(steps), series, from_zero=False)


def _tiles(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    with tiles():
        tile("Score", score(now["mean"]["value"]), _against(now, before, interval(now["mean"])))
        passed = now["passed"]
        tile("Good enough", share(passed["value"]), f"a score of 0.5 and better; {interval(passed, percent=True)}")
        tile("Answers looked at", count(now["answers"]), "a sample of those that are kept")
        said = now["feedback"]
        if said is not None:
            rated = said["good"] + said["bad"]
            tile("Thumbs up", share(said["good_share"]["value"]), f"of {count(rated)} that people gave to any answer")
            rating = said["mean_rating"]
            words = "\N{EN DASH}" if rating is None else f"{rating:.1f} of 5"
            tile("Rating", words, f"the mean of {count(said['ratings'])}")


def _against(now: Mapping[str, Any], before: Mapping[str, Any] | None, within: str) -> str:
    was = None if before is None else before["mean"]["value"]
    said = f"{within} with 95 %" if within else ""
    if now["mean"]["value"] is None or was is None:
        return said
    return f"{said}; {was:.3f} before" if said else f"{was:.3f} before"


def _row(line: Mapping[str, Any], by: str) -> Row:
    said = line["feedback"] or {"good": None, "bad": None, "mean_rating": None}
    reasons = sorted(
        ((amount, verdict) for verdict, amount in line["verdicts"].items() if verdict != "good"), reverse=True
    )
    mean, rating = line["mean"]["value"], said["mean_rating"]
    return {
        "id": line["group"][by] or NONE,
        "group": line["group"][by],
        "answers": line["answers"],
        "score": None if mean is None else score(mean),
        "within": interval(line["mean"]),
        "passed": line["passed"]["value"],
        "reasons": [f"{verdict_words(verdict)} {amount:,}" for amount, verdict in reasons[:_MOST_REASONS]],
        "thumbs": f"{said['good']:,} up, {said['bad']:,} down" if said["good"] or said["bad"] else "",
        "rating": None if rating is None else round(rating, 2),
    }


async def checks(view: View) -> None:
    await _Checks(view).open()


class _Checks:
    """By check."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, DIMENSIONS)
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            self._asked.draw(self._figured.refresh)
        await self._figured.open()

    def _listing(self) -> Listing:
        return Listing(
            caption="Scores by check",
            columns=(
                Column("name", "Check"),
                Column("means", "What it looks at"),
                Column("answers", "Had something to say of", "number"),
                Column("score", "Score", "number"),
                Column("within", "95 % within"),
                Column("passed", "Good enough", "percent"),
            ),
            read=nothing,
            sort="score",
            nothing=NOTHING,
        )

    async def _read(self) -> Found:
        asked = self._asked
        whole = await self._view.read("/quality/checks", **asked.query())
        steps = await self._view.read("/quality/checks", **asked.query(by_step=True))
        answers = await self._view.read("/quality", **asked.query(by_step=True))
        lines = [{**line, "check": "answer"} for line in answers["lines"]] + steps["lines"]
        return {"whole": whole["lines"], "steps": lines}, [_check_row(line) for line in whole["lines"]]

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found["whole"]:
            return  # the table says what to do
        steps = self._asked.period.steps()
        lowest = sorted(found["whole"], key=lambda line: line["mean"]["value"])
        shown = ["answer", *(line["check"] for line in lowest[: _SERIES - 1])]
        lines = [line for line in found["steps"] if line["check"] in shown]
        with card("Score by check over time"):
            series = _along(lines, steps, lambda line: check_words(line["check"]))
            chart("Score by step", self._asked.period.labels(steps), series, from_zero=False)


def _check_row(line: Mapping[str, Any]) -> Row:
    return {
        "id": line["check"],
        "name": check_words(line["check"]),
        "means": CHECKS.get(line["check"], ("", ""))[1],
        "answers": line["answers"],
        "score": score(line["mean"]["value"]),
        "within": interval(line["mean"]),
        "passed": line["passed"]["value"],
    }


def _along(
    lines: Sequence[Mapping[str, Any]], steps: Sequence[datetime], named: Callable[[Mapping[str, Any]], str]
) -> list[Series]:
    """One line for each of those with the most answers; where none was looked at it is broken."""
    by_name: dict[str, dict[datetime, float | None]] = {}
    answers: dict[str, int] = {}
    for line in lines:
        name = named(line)
        by_name.setdefault(name, {})[datetime.fromisoformat(line["at"])] = line["mean"]["value"]
        answers[name] = answers.get(name, 0) + line["answers"]
    order = sorted(by_name, key=lambda name: -answers[name])[:_SERIES]
    return [Series(name, [_rounded(by_name[name].get(at)) for at in steps]) for name in order]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _without_group(said: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in said.items() if value and name not in ("by", "step")}
