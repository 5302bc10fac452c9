"""Failures by class, in the three ways that they are counted, each with the way to the exchanges or answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.console.web.layout.parts.amounts import count, share
from penstock.console.web.layout.parts.chart import Series, chart
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.narrowing import Narrowing
from penstock.console.web.layout.parts.table import Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import Text, box, card, note
from penstock.console.web.pages.exchanges.words import outcome_words
from penstock.console.web.pages.quality.words import FAILURES, verdict_words
from penstock.console.web.view import View, link

_WAYS: Mapping[str, tuple[str, str]] = {
    "exchanges": ("How exchanges ended", "Each exchange counts once, by its end."),
    "events": (
        "What went wrong on the way",
        "Calls that failed and refusals: several in one exchange, or an answer after all.",
    ),
    "sample": ("What checks found in answers", "Of the sample of answers that was looked at."),
}
_SERIES = 7


async def failures(view: View) -> None:
    await _Failures(view).open()


class _Failures:
    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, ("tenant", "assistant", "release"))
        way = view.query.get("way", "")
        self._way = way if way in _WAYS else "exchanges"
        self._keep_way()
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            pick("Counted", self._way, [(name, words) for name, (words, _) in _WAYS.items()], self._choose)
            self._asked.draw(self._figured.refresh)
        await self._figured.open()

    async def _choose(self, way: str) -> None:
        if way in _WAYS:
            self._way = way
            self._view.keep_aside(way="" if way == "exchanges" else way, page="")
            await self._figured.refresh(is_other=True)

    def _keep_way(self) -> None:
        if self._way != "exchanges":
            self._view.aside["way"] = self._way

    def _listing(self) -> Listing:
        return Listing(
            caption=_WAYS[self._way][0],
            columns=(
                Column("failure", "Failure"),
                Column("which", "Of which", "mono" if self._way == "events" else "text", href=self._href),
                Column("amount", "How often", "number"),
                *((Column("share", "Share", "percent"),) if self._way != "events" else ()),
                Column("means", "What it means"),
            ),
            read=nothing,
            sort="-amount",
            nothing=("task_alt", "Nothing of the kind in this time", _NOTHING[self._way]),
        )

    def _href(self, row: Row) -> str:
        """The exchanges, or the answers, of which the same is so; for who may see any."""
        if not self._view.who.may("ledger.read"):
            return ""
        if self._way == "sample":
            said = {name: value for name, value in self._asked.said().items() if value and name != "step"}
            return link("/quality", tab="answers", verdict=row["name"], **said)
        name = "outcome" if self._way == "exchanges" else "mark"
        return link("/exchanges", **{name: row["name"]}, **self._asked.exchanges())

    async def _read(self) -> Found:
        whole = await self._view.read("/quality/failures", **self._asked.query())
        steps = await self._view.read("/quality/failures", **self._asked.query(by_step=True))
        found = {name: whole[name] for name in ("exchanges", "looked_at", "lines")}
        return {**found, "steps": steps["lines"], "way": self._way}, self._rows(whole)

    def _rows(self, whole: Mapping[str, Any]) -> list[Row]:
        of = whole["looked_at"] if self._way == "sample" else whole["exchanges"]
        return [
            {
                "id": f"{line['failure']} {name}",
                "name": name,
                "failure": _words(line["failure"]),
                "which": _name_words(self._way, name),
                "amount": amount,
                "share": amount / of if of else None,
                "means": FAILURES.get(line["failure"], ("", ""))[1],
            }
            for line in whole["lines"]
            if line["counted"] == self._way
            for name, amount in line["names"].items()
        ]

    def _show(self, found: Mapping[str, Any]) -> None:
        if not found["exchanges"]:
            return  # the table says what to do
        with box("div", "three"):
            for way, (words, means) in _WAYS.items():
                lines = [line for line in found["lines"] if line["counted"] == way]
                with card(words):
                    Text("p", means, "lead").style("margin: -10px 0 12px")
                    _bars(lines, way, found)
        lines = [line for line in found["steps"] if line["counted"] == self._way]
        if lines:
            steps = self._asked.period.steps()
            with card(f"{_WAYS[self._way][0]}, over time"):
                labels = self._asked.period.labels(steps)
                chart("Failures by step", labels, _along(lines, steps), kind="bar", is_stacked=True)
        note("The three are never to be added up: an exchange whose calls failed may well have been answered.")


_NOTHING = {
    "exchanges": "Every exchange of this time ended well, or none was asked: take a longer time range.",
    "events": "No call failed and nothing was refused: take a longer time range.",
    "sample": "No check found a fault. Where no answer is looked at there is nothing to find: `quality.sample` says"
    " how many are.",
}


def _bars(lines: Sequence[Mapping[str, Any]], way: str, found: Mapping[str, Any]) -> None:
    if not lines:
        Text("p", "Nothing.", "quiet")
        return
    most = max(line["amount"] for line in lines)
    with box("dl", "bars"):
        for line in sorted(lines, key=lambda each: -each["amount"]):
            Text("dt", _words(line["failure"]), title=FAILURES.get(line["failure"], ("", ""))[1])
            with box("dd"):
                of = line["share"]
                Text("span", count(line["amount"]) + ("" if of is None else f", {share(of['value'])}"))
                with box("div", "bar", aria_hidden="true"):
                    box("i").style(f"width: {max(1, 100 * line['amount'] / most):.1f}%")
    whole = found["looked_at"] if way == "sample" else found["exchanges"]
    if way != "events":
        Text("p", f"of {count(whole)} {'answers looked at' if way == 'sample' else 'exchanges'}", "quiet")


def _along(lines: Sequence[Mapping[str, Any]], steps: Sequence[datetime]) -> list[Series]:
    found: dict[str, dict[datetime, int]] = {}
    for line in lines:
        found.setdefault(line["failure"], {})[datetime.fromisoformat(line["at"])] = line["amount"]
    order = sorted(found, key=lambda name: -sum(found[name].values()))
    series = [Series(_words(name), [found[name].get(at, 0) for at in steps]) for name in order[: _SERIES - 1]]
    rest = order[_SERIES - 1 :]
    if rest:
        series.append(Series("All others", [sum(found[name].get(at, 0) for name in rest) for at in steps], "#8a94a4"))
    return series


def _words(failure: str) -> str:
    return FAILURES.get(failure, (failure.replace("_", " ").capitalize(), ""))[0]


def _name_words(way: str, name: str) -> str:
    """Ends and verdicts in words; what happened by the name that exchanges are searched by."""
    if way == "exchanges":
        return outcome_words(name)
    return verdict_words(name) if way == "sample" else name
