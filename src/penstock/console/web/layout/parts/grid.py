"""A table as the browser draws it: rows of plain values, with links where a cell has an address."""

from collections.abc import Callable, Sequence

from nicegui import ui

from penstock.console.web.layout.parts.table_state import Column, Row


class Grid(ui.element, component="table.js"):
    """`sort` names the column that it is ordered by, behind a `-` where descending; with `is_sortable` the headings ask
    for another (`sort` event).

    One that `is_dense` has a line for each row, where what is long is cut, and said in full when pointed at.
    `acts_of` says which buttons a row has (`act` event).
    """

    def __init__(
        self,
        caption: str,
        columns: Sequence[Column],
        rows: Sequence[Row],
        *,
        sort: str = "",
        is_sortable: bool = False,
        is_dense: bool = False,
        acts_of: Callable[[Row], list[dict[str, str]]] | None = None,
    ) -> None:
        super().__init__()
        self.props["caption"] = caption
        self.props["dense"] = is_dense
        self.props["columns"] = [
            {"name": c.name, "label": c.label, "kind": c.kind, "sortable": is_sortable} for c in columns
        ]
        self.props["acts"] = acts_of is not None
        self._columns = columns
        self._acts_of = acts_of
        self._write(rows, sort)

    def show(self, rows: Sequence[Row], sort: str) -> None:
        """Other rows, or in another order: what has the focus keeps it, and a click on its way arrives."""
        self._write(rows, sort)
        self.update()

    def _write(self, rows: Sequence[Row], sort: str) -> None:
        columns, acts_of = self._columns, self._acts_of
        self.props["sort"] = sort.removeprefix("-")
        self.props["descending"] = sort.startswith("-")
        self.props["rows"] = [
            {
                "id": str(row["id"]),
                "name": str(row.get("name") or row["id"]),
                "cells": [c.of(row) for c in columns],
                "tones": ["" if c.tone is None else c.tone(row) for c in columns],
                "links": ["" if c.href is None else c.href(row) for c in columns],
                "acts": [] if acts_of is None else acts_of(row),
            }
            for row in rows
        ]
