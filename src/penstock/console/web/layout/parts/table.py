"""A table of what the API lists: search, filters, order, pages, export, all of it in the page's address."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from penstock.console.web.layout.parts.csv_file import csv_file
from penstock.console.web.layout.parts.fields import pick, typed
from penstock.console.web.layout.parts.grid import Grid
from penstock.console.web.layout.parts.region import Region
from penstock.console.web.layout.parts.table_state import PAGE_ROWS, Column, Row, TableState, chosen
from penstock.console.web.layout.parts.text import Text, box, button, empty
from penstock.console.web.view import View


@dataclass(frozen=True, slots=True)
class Act:
    """What can be done with a row, where `fits` says so."""

    name: str
    label: str
    run: Callable[[Row], Any]
    tone: str = ""
    fits: Callable[[Row], bool] = bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice beside the search; the first option is none.  Its value is handed to `read`."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a table shows.  `read` asks the API, with the filters; each row has an `id` and may have a `name`."""

    caption: str
    columns: Sequence[Column]
    read: Callable[[Mapping[str, str]], Awaitable[list[Row]]]
    sort: str
    nothing: tuple[str, str, str]
    acts: Sequence[Act] = ()
    filters: Sequence[Filter] = ()
    every_s: float | None = None


class DataTable:
    """`await open()` where it is to stand; `refresh` after something was changed."""

    def __init__(self, view: View, listing: Listing) -> None:
        self._view = view
        self._listing = listing
        names = [each.name for each in listing.filters]
        self._state = TableState.read(view.query, listing.columns, names, listing.sort)
        self._rows: list[Row] = []
        self._grid: Grid | None = None
        self._place = (0, 0)
        """The page and how many there are, as they are drawn."""

    async def open(self) -> None:
        with box("section", "card"):
            with box("div", "tools", role="search"):
                typed("Search", self._state.search, self._search, kind="search").classes("grow")
                for each in self._listing.filters:
                    self._draw_filter(each)
                self._count = Text("span", "", "count", role="status")
                button("Export CSV", self._export, icon="download", kind="small")
            self._region = Region(self._view, self._read, self._show, every_s=self._listing.every_s, renew=self._renew)
            await self._region.open()

    async def refresh(self) -> None:
        await self._region.refresh()

    async def _read(self) -> list[Row]:
        return await self._listing.read(self._state.filters)

    def _draw_filter(self, wanted: Filter) -> None:
        async def change(value: str) -> None:
            kept = {name: each for name, each in self._state.filters.items() if name != wanted.name}
            filters = {**kept, wanted.name: value} if value else kept
            self._turn(replace(self._state, filters=filters, page=1))
            await self._region.refresh()
            if not self._count.is_deleted:
                self._draw()

        pick(wanted.label, self._state.filters.get(wanted.name, ""), wanted.options, change)

    def _show(self, rows: list[Row]) -> None:
        self._rows = rows
        self._body = box()
        self._grid = None
        self._draw()

    def _renew(self, rows: list[Row]) -> None:
        self._rows = rows
        self._draw()

    def _draw(self) -> None:
        listing, state = self._listing, self._state
        found = chosen(self._rows, listing.columns, state)
        pages = max(1, -(-len(found) // PAGE_ROWS))
        page = min(state.page, pages)
        shown = found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
        total = len(self._rows)
        self._count.set_text(f"{len(found)} of {total}" if len(found) < total else f"{total}")
        if self._grid is not None and shown and self._place == (page, pages):
            self._grid.show(shown, self._order)
            return
        self._place = page, pages
        self._grid = None
        self._body.clear()
        with self._body:
            if not shown:
                empty(
                    *(
                        listing.nothing
                        if not total and not state.filters
                        else ("search_off", "Nothing fits", "Change the search or the filters.")
                    )
                )
                return
            self._grid = self._drawn(shown)
            if pages > 1:
                self._pager(page, pages)

    @property
    def _order(self) -> str:
        return ("-" if self._state.descending else "") + self._state.sort

    def _drawn(self, shown: Sequence[Row]) -> Grid:
        columns, acts = self._listing.columns, self._listing.acts

        def acts_of(row: Row) -> list[dict[str, str]]:
            return [{"name": a.name, "label": a.label, "tone": a.tone} for a in acts if a.fits(row)]

        grid = Grid(
            self._listing.caption,
            columns,
            shown,
            sort=self._order,
            is_sortable=True,
            acts_of=acts_of if acts else None,
        )
        grid.on("sort", lambda event: self._sort(str(event.args)))
        grid.on("act", self._act)
        return grid

    def _pager(self, page: int, pages: int) -> None:
        with box("nav", "pager", aria_label="Pages"):
            before = button("Previous", lambda: self._go(page - 1), kind="small")
            Text("span", f"Page {page} of {pages}")
            after = button("Next", lambda: self._go(page + 1), kind="small")
        before.props["disabled"] = page <= 1
        after.props["disabled"] = page >= pages

    def _turn(self, state: TableState) -> None:
        self._state = state
        self._view.used()
        query = state.query()
        if query.get("sort") == self._listing.sort:
            del query["sort"]
        self._view.remember(query)

    def _search(self, text: str) -> None:
        self._turn(replace(self._state, search=text[:200], page=1))
        self._draw()

    def _sort(self, name: str) -> None:
        if name in {column.name for column in self._listing.columns}:
            self._turn(self._state.sorted_by(name))
            self._draw()

    def _go(self, page: int) -> None:
        self._turn(replace(self._state, page=max(1, page)))
        self._draw()

    async def _act(self, event: Any) -> None:
        """The browser names a row and an action; only those that were offered are done."""
        row = next((each for each in self._rows if str(each["id"]) == event.args.get("id")), None)
        act = next((each for each in self._listing.acts if each.name == event.args.get("name")), None)
        if row is None or act is None or not act.fits(row):
            return
        self._view.used()
        done = act.run(row)
        if done is not None:
            await done

    def _export(self) -> None:
        """All rows that the search and the filters leave, not this page's only."""
        columns = self._listing.columns
        rows = chosen(self._rows, columns, self._state)
        data = csv_file([c.label for c in columns], ([c.of(row) for c in columns] for row in rows))
        name = self._listing.caption.lower().replace(" ", "-")
        ui.download.content(data, f"penstock-{name}.csv", "text/csv")
