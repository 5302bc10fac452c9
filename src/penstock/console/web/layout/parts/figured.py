"""Figures as tiles and charts with a table below, read together: both say the same, and both keep up to date."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock.console.web.api_client import ApiRefused
from penstock.console.web.layout.parts.region import LIVE_S, Region
from penstock.console.web.layout.parts.table import DataTable, Listing
from penstock.console.web.layout.parts.table_state import Row
from penstock.console.web.layout.parts.text import box
from penstock.console.web.view import View

SLOW_S = 4 * LIVE_S
Found = tuple[Any, Sequence[Row]]
"""What is drawn, and the rows of the table."""


class Figured:
    """`await open()` where it is to stand, `refresh` where something else is asked for.

    `read` asks the API; `listing` says what the table is like now, but for its rows, of which the table's own filters
    leave those whose value of that name is the same.  With `every_s` both are read again by themselves.
    """

    def __init__(
        self,
        view: View,
        read: Callable[[], Awaitable[Found]],
        show: Callable[[Any], None],
        listing: Callable[[], Listing],
        *,
        every_s: float | None = SLOW_S,
    ) -> None:
        self._view = view
        self._ask = read
        self._listing = listing
        self._rows: Sequence[Row] = ()
        self._show = show
        self._every_s = every_s

    async def open(self) -> None:
        self._region = Region(self._view, self._read, self._show, every_s=self._every_s)
        self._place = box()
        await self._region.open()
        await self._draw_table()

    async def refresh(self, *, is_other: bool = False) -> None:
        """`is_other` where the table has other columns now."""
        await self._region.refresh()
        if is_other:
            self._place.clear()
            await self._draw_table()
        else:
            await self._table.refresh()

    async def _draw_table(self) -> None:
        with self._place:
            # Its rows are in memory: it is shown again within seconds of what stands above it.
            self._table = DataTable(self._view, replace(self._listing(), read=self._given, every_s=LIVE_S))
            await self._table.open()

    async def _read(self) -> Any:
        try:
            found, self._rows = await self._ask()
        except ApiRefused:
            self._place.style("display: none")  # an empty table would say that there is nothing
            raise
        self._place.style(remove="display: none")
        return found

    async def _given(self, filters: Mapping[str, str]) -> list[Row]:
        return [row for row in self._rows if all(row.get(name) == value for name, value in filters.items())]


async def nothing(_: Mapping[str, str]) -> list[Row]:
    """For a `Listing` whose rows come from `Figured`."""
    return []
