"""Answers that were looked at, each with what was found and the way to its exchange."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from penstock.console.web.api_client import path_of
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.figured import Figured, Found, nothing
from penstock.console.web.layout.parts.narrowing import Narrowing
from penstock.console.web.layout.parts.table import Listing
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import box, note
from penstock.console.web.pages.quality.scores import DIMENSIONS, NOTHING
from penstock.console.web.pages.quality.words import VERDICTS, verdict_tone, verdict_words
from penstock.console.web.view import View, link

_MOST = 200


def _first_large(words: str) -> str:
    return words[:1].upper() + words[1:]


_CHOICES: Mapping[str, Mapping[str, str]] = {
    "order": {"worst": "Worst first", "newest": "Newest first, good ones too"},
    "check": {"answer": "By all checks", "judge": "By the judge"},
    "verdict": {"": "Any finding", **{name: _first_large(words) for name, words in VERDICTS.items() if name != "good"}},
}
"""By name: values and words; the first is what an address without one means."""
_LABELS = {"order": "Order", "check": "Looked at by", "verdict": "What was found"}


async def answers(view: View) -> None:
    await _Answers(view).open()


class _Answers:
    def __init__(self, view: View) -> None:
        self._view = view
        self._asked = Narrowing(view, DIMENSIONS)
        self._chosen = {
            name: view.query[name] if view.query.get(name) in options else next(iter(options))
            for name, options in _CHOICES.items()
        }
        view.aside |= self._said()
        self._figured = Figured(view, self._read, self._show, self._listing)

    async def open(self) -> None:
        with box("div", "tools"):
            for name, options in _CHOICES.items():
                pick(_LABELS[name], self._chosen[name], list(options.items()), partial(self._choose, name))
            self._asked.draw(self._figured.refresh)
        await self._figured.open()

    async def _choose(self, name: str, value: str) -> None:
        if value in _CHOICES[name]:
            self._chosen[name] = value
            self._view.keep_aside(**{name: "", **self._said()}, page="", sort="")
            await self._figured.refresh(is_other=True)

    def _said(self) -> dict[str, str]:
        return {name: value for name, value in self._chosen.items() if value != next(iter(_CHOICES[name]))}

    def _listing(self) -> Listing:
        everybody = self._view.who.tenant is None
        return Listing(
            caption="Answers looked at",
            columns=(
                Column("at", "When", "time", href=lambda row: link("/exchanges" + path_of(str(row["id"])))),
                Column("score", "Score", "number", lambda row: f"{row['score']:.3f}"),
                Column(
                    "verdict",
                    "Found",
                    "badge",
                    lambda row: _first_large(verdict_words(row["verdict"])),
                    lambda row: verdict_tone(row["verdict"], row["score"]),
                ),
                Column("why", "By each check", "tags"),
                Column("assistant", "Assistant"),
                Column("release", "Release", "mono"),
                *((Column("tenant", "Tenant", "mono"),) if everybody else ()),
                Column("target", "Target", "mono"),
                Column("id", "Exchange", "mono", lambda row: _short(str(row["id"]))),
            ),
            read=nothing,
            sort="score" if self._chosen["order"] == "worst" else "-at",
            nothing=NOTHING if not self._chosen["verdict"] else _NONE_OF_IT,
        )

    async def _read(self) -> Found:
        path = "/quality/worst" if self._chosen["order"] == "worst" else "/quality/answers"
        more = {name: self._chosen[name] for name in ("check", "verdict")}
        found = await self._view.read(path, limit=_MOST, **more, **self._asked.query())
        rows = [_row(each) for each in found["items"]]
        return {"rows": len(rows)}, rows

    def _show(self, found: Mapping[str, Any]) -> None:
        if found["rows"] == _MOST:
            which = "worst" if self._chosen["order"] == "worst" else "newest"
            note(f"These are the {_MOST} {which}: take a shorter time range, or narrow them, to see others.")


_NONE_OF_IT = ("search_off", "Nothing of the kind was found", "Choose another finding, or take a longer time range.")


def _row(each: Mapping[str, Any]) -> Row:
    why = ["judged good" if found["verdict"] == "good" else verdict_words(found["verdict"]) for found in each["why"]]
    return {**each, "id": each["exchange"], "name": each["exchange"], "why": why}


def _short(exchange: str) -> str:
    return f"{exchange[:7]}\N{HORIZONTAL ELLIPSIS}{exchange[-6:]}" if len(exchange) > 20 else exchange
