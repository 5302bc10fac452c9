"""Exchanges: searched by whatever is known of them, or was said, the newest first, page by page, as CSV, and as they
come in.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from nicegui import ui

from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.layout.parts.amounts import seconds, usd
from penstock.console.web.layout.parts.csv_file import csv_file
from penstock.console.web.layout.parts.fields import pick
from penstock.console.web.layout.parts.grid import Grid
from penstock.console.web.layout.parts.paging import MOST_ROWS, all_of
from penstock.console.web.layout.parts.region import LIVE_S, Region, attempt, toast
from penstock.console.web.layout.parts.span import Span, pick_span
from penstock.console.web.layout.parts.table_state import Column, Row
from penstock.console.web.layout.parts.text import Text, attach, box, button, empty
from penstock.console.web.pages.exchanges.choice import AMOUNTS, LABELS, OUTCOMES, Choice
from penstock.console.web.pages.exchanges.searching import HITS, hits_file, look, show_hits, wait_for_press
from penstock.console.web.pages.exchanges.words import outcome_tone, outcome_words
from penstock.console.web.view import View, link

PAGE_ROWS = 50
_FIRST = ("outcome", "tenant", "model", "target", "user", "id")
_MOST_MARKS = 2
_MOST_KNOWN = 200
_NOT_SEARCHED = ("guard:", "tier:", "claims:supported", "confidence:", "cited", "recalled", "cache:miss", "restored")
"""Tallies of the ordinary course of things: exchanges are not marked with them."""
_numbers = count()


def _marks(row: Row) -> list[str]:
    marks = [str(each) for each in row["marks"]]
    more = len(marks) - _MOST_MARKS
    return [*marks[:_MOST_MARKS], *([f"+{more}"] if more > 0 else [])]


COLUMNS = (
    Column("started_at", "When", "clock", href=lambda row: link("/exchanges" + path_of(str(row["id"])))),
    Column(
        "outcome", "Outcome", "badge", lambda row: outcome_words(row["outcome"]), lambda r: outcome_tone(r["outcome"])
    ),
    Column("tenant", "Tenant", "mono"),
    Column("model", "Assistant", "mono"),
    Column("target", "Target", "mono"),
    Column("duration_s", "Took", "number", lambda row: seconds(row["duration_s"])),
    Column("input_tokens", "Tokens in", "number"),
    Column("output_tokens", "Tokens out", "number"),
    Column("cost_nanousd", "Cost", "number", lambda row: usd(row["cost_nanousd"], digits=5)),
    Column("marks", "What happened", "tags", _marks),
)
_EXPORTED = (
    "id started_at duration_s first_event_s tenant project key user feature dialect operation is_streamed model release"
    " target region outcome outcome_code attempts input_tokens output_tokens cache_read_tokens cache_write_tokens"
    " reasoning_tokens usage_accuracy cost_nanousd cost_accuracy config_hash marks"
)
EXPORTED = tuple(_EXPORTED.split())


async def build(view: View) -> None:
    await _Exchanges(view).open()


class _Exchanges:
    def __init__(self, view: View) -> None:
        self._view = view
        self._choice = Choice.read(view.query)
        self._before: list[str] = []
        """Where the pages before this one began."""
        self._is_pressed = False
        """Whether somebody wants the text looked for: an address alone looks at nothing that was said."""
        self._hits: list[Row] = []
        self._grid: tuple[Choice, Grid] | None = None
        """The page of exchanges that is drawn."""
        self._next: str | None = None
        """Where the page behind it begins."""

    async def open(self) -> None:
        known = await self._known_marks()
        with box("section", "card"):
            with box("div", "tools"):
                pick_span(self._choice.span, self._view.clock.now(), self._turn_span)
                self._count = Text("span", "", "count", role="status")
                self._live = button("Live", self._toggle, icon="play_arrow", kind="small")
                button("Export CSV", self._export, icon="download", kind="small")
            if self._view.who.may("prompts.read"):
                self._draw_search()
            self._filters = box("div", role="search")
            self._draw_filters(known)
            self._region = Region(self._view, self._read, self._show, renew=self._renew)
            await self._region.open()
            self._timer = ui.timer(LIVE_S * self._view.pace, self._tick, immediate=False)
        self._tell_live()

    async def _known_marks(self) -> list[str]:
        """What happened lately, by name, the most frequent first; none where that cannot be read."""
        since, _ = Span("7d").bounds(self._view.clock.now())
        try:
            found = await self._view.read("/figures/tallies", prefix=[""], since=since.isoformat())
        except ApiRefused:
            return []  # it is an offer only: the field takes any name
        names = sorted(found["tallies"], key=lambda each: -each["amount"])
        return [each["name"] for each in names if not each["name"].startswith(_NOT_SEARCHED)][:_MOST_KNOWN]

    def _draw_search(self) -> None:
        typing = [self._choice.text]

        async def search() -> None:
            await self._turn(self._choice.saying(typing[0]), is_pressed=True)

        def take(event: Any) -> None:
            typing[0] = str(event.args)

        with box("div", "tools", role="search", aria_label="What was said"):
            self._said = box("input", "field", type="search", defaultValue=typing[0], aria_label="What was said")
            attach(self._said.classes("grow"), placeholder='What was said: words, or "a phrase"', maxlength="300")
            self._said.on("input", take, js_handler="(e) => emit(e.target.value)")
            self._said.on("keydown.enter", search, [])
            button("Search", search, kind="small", icon="manage_search")

    def _draw_filters(self, known: Sequence[str]) -> None:
        self._filters.clear()
        shown = [name for name in LABELS if name != "tenant" or self._view.who.tenant is None]
        with self._filters:
            with box("div", "filters"):
                for name in shown:
                    if name in _FIRST:
                        self._field(name, ())
            with box("div", "ends-of-filters"):
                more = box("details", "more")
                button("Clear filters", partial(self._clear, known), kind="small")
            if any(name in self._choice.values for name in shown if name not in _FIRST):
                more.props["open"] = True
            with more:
                Text("summary", "More filters")
                with box("div", "filters"):
                    for name in shown:
                        if name not in _FIRST:
                            self._field(name, known if name == "mark" else ())

    def _field(self, name: str, known: Sequence[str]) -> None:
        value = self._choice.values.get(name, "")
        with box("label"):
            Text("span", LABELS[name])
            if name == "outcome":
                options = [("", "Any"), *((each, outcome_words(each)) for each in OUTCOMES)]
                pick(LABELS[name], value, options, partial(self._turn_value, name))
                return
            field = box("input", "field", type="number" if name in AMOUNTS else "search", defaultValue=value)
            attach(field, autocomplete="off", **({"step": "any", "min": "0"} if name in AMOUNTS else {}))
            field.on(
                "input",
                lambda e: self._turn_value(name, str(e.args)),
                js_handler="(e) => emit(e.target.value)",
                throttle=0.3,
                leading_events=False,
            )
            if known:
                field.props["list"] = place = f"known-{next(_numbers)}"
                with box("datalist", id=place):
                    for each in known:
                        Text("option", "", value=each)

    async def _clear(self, known: Sequence[str]) -> None:
        await self._turn(replace(self._choice, values={}, after=""))
        self._draw_filters(known)

    async def _turn_value(self, name: str, text: str) -> None:
        await self._turn(self._choice.having(name, text))

    async def _turn_span(self, span: Span) -> None:
        await self._turn(replace(self._choice, span=span, after=""))

    async def _turn(self, choice: Choice, *, before: Sequence[str] = (), is_pressed: bool = False) -> None:
        self._choice, self._before, self._is_pressed = choice, list(before), is_pressed
        self._view.used()
        self._view.remember(choice.query())
        self._tell_live()
        await self._region.refresh()

    @property
    def _is_of_text(self) -> bool:
        return bool(self._choice.text) and self._view.who.may("prompts.read")

    async def _read(self) -> dict[str, Any]:
        self._hits = []
        if self._is_of_text:
            if not self._is_pressed:
                return {"items": [], "next": None, "text": self._choice.text}
            found = await look(self._view, self._choice)
            self._hits = found["items"]
            return found
        wanted = self._choice.values.get("id")
        if wanted is not None:
            try:
                return {"items": [await self._view.read("/ledger" + path_of(wanted))], "next": None}
            except ApiRefused as refused:
                if refused.status != 404:
                    raise
                return {"items": [], "next": None}
        asked = self._choice.asked(self._view.clock.now())
        return await self._view.read("/ledger", limit=PAGE_ROWS, after=self._choice.after, **asked)

    def _show(self, found: dict[str, Any]) -> None:
        self._body = box()
        self._draw(found)

    def _renew(self, found: dict[str, Any]) -> None:
        """What came in meanwhile goes into the table that is there: a link keeps the focus, and a click arrives."""
        rows, had_next = found["items"], self._next is not None
        if self._grid is None or self._grid[0] != self._choice or not rows or (found["next"] is not None) != had_next:
            self._body.clear()
            self._draw(found)
            return
        self._next = str(found["next"]) if had_next else None
        self._tell_count(rows)
        self._grid[1].show(rows, "")

    def _tell_count(self, rows: Sequence[Row]) -> None:
        place = len(self._before) * (HITS if self._is_of_text else PAGE_ROWS)
        more = "" if self._next is None else ", and more"
        self._count.set_text(f"{place + 1:,} to {place + len(rows):,}{more}" if rows else "None")

    def _draw(self, found: dict[str, Any]) -> None:
        rows: list[Row] = found["items"]
        self._grid, self._next = None, None if found["next"] is None else str(found["next"])
        self._tell_count(rows)
        with self._body:
            self._draw_rows(found, rows)

    def _draw_rows(self, found: dict[str, Any], rows: Sequence[Row]) -> None:
        if self._is_of_text and not self._is_pressed:
            wait_for_press(self._choice)
            return
        if self._is_of_text:
            show_hits(found, self._choice)
        elif not rows:
            self._show_nothing()
            return
        else:
            self._grid = self._choice, Grid("Exchanges", COLUMNS, rows, is_dense=True)
        if found["next"] is None and not self._choice.after:
            return
        with box("nav", "pager", aria_label="Pages"):
            newer = button("Newer", self._newer, kind="small")
            older = button("Older", self._older, kind="small")
        newer.props["disabled"] = not self._choice.after
        older.props["disabled"] = found["next"] is None

    def _show_nothing(self) -> None:
        if self._choice.values or self._choice.after:
            empty("search_off", "Nothing fits", "Change the filters, or look at a longer time.")
        elif self._choice.span.name == "30d":
            empty("forum", "Nothing was asked yet", "Point an application's base_url at the data plane.")
        else:
            empty(
                "forum", "Nothing was asked in this time", "Look at a longer one, or ask something in the playground."
            )

    async def _newer(self) -> None:
        """Back by the way that was come; who came by a link is led to the newest."""
        earlier = self._before[:-1]
        await self._turn(
            replace(self._choice, after=self._before[-1] if self._before else ""), before=earlier, is_pressed=True
        )

    async def _older(self) -> None:
        if self._next is None:
            return
        here, following = self._choice.after, self._next
        await self._turn(
            replace(self._choice, after=following, is_live=False), before=[*self._before, here], is_pressed=True
        )

    async def _toggle(self) -> None:
        await self._turn(replace(self._choice, is_live=not self._choice.is_live and not self._is_of_text, after=""))

    def _tell_live(self) -> None:
        is_live = self._choice.is_live
        self._live.clear()
        with self._live:
            ui.icon("pause" if is_live else "play_arrow")
            Text("span", "Pause" if is_live else "Live")
        self._live.props["aria-pressed"] = str(is_live).lower()
        self._live.props["disabled"] = self._is_of_text

    async def _tick(self) -> None:
        if self._choice.is_live and not self._is_of_text:
            await self._region.tick()

    async def _export(self) -> None:
        self._view.used()
        await attempt(self._view, self._send_file, "")

    async def _send_file(self) -> None:
        """What is found, from the newest on, as far as a file is good for it."""
        if self._is_of_text:
            ui.download.content(hits_file(self._hits), "penstock-said.csv", "text/csv")
            return
        if "id" in self._choice.values:
            rows: list[Row] = (await self._read())["items"]
        else:
            rows = await all_of(self._view, "/ledger", **self._choice.asked(self._view.clock.now()))
        data = csv_file(EXPORTED, ([row[name] for name in EXPORTED] for row in rows))
        ui.download.content(data, "penstock-exchanges.csv", "text/csv")
        if len(rows) >= MOST_ROWS:
            toast(f"The newest {MOST_ROWS:,} are in the file: choose fewer for the rest.", "warn")
        else:
            toast(f"{len(rows):,} exchanges are in the file.")
