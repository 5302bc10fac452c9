"""XLSX: a page for each sheet, a table for each run of rows.  Formulas are read as what they last came to."""

from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any, Final

import openpyxl

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.formats.package import check_package, core_metadata
from penstock.knowledge.ingest.formats.tables import markdown_table
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_MOST_COLUMNS: Final = 256


def read_sheets(data: bytes, limits: Limits) -> Content:
    """Raises `Unreadable`."""
    check_package(data, limits)
    # Macros and links to other files are left aside; rows are read one by one, whatever size the sheet claims.
    book: Any = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        title, metadata = core_metadata(book.properties.title, book.properties.creator, book.properties.subject)
        blocks = list(_sheets(book, limits))
    finally:
        book.close()
    return Content(
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        blocks=blocks,
        title=title,
        metadata=metadata,
        are_pages_apart=True,
    )


def _sheets(book: Any, limits: Limits) -> Iterator[Block]:
    cells = 0
    for number, sheet in enumerate(book.worksheets, 1):
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()
        yield Block(kind="heading", text=sheet.title, level=1, page=number, anchor=f"sheet-{number}")
        rows: list[list[str]] = []
        for row in sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS):
            found = [_shown(value) for value in row]
            cells += max(1, sum(bool(value) for value in found))
            if cells > limits.cells:
                raise Unreadable("too_large", f"it has more than {limits.cells} cells")
            if any(found):
                rows.append(found)
            elif rows:
                yield from _run(rows, number)
                rows = []
        yield from _run(rows, number)


def _run(rows: list[list[str]], number: int) -> Iterator[Block]:
    """Rows without an empty one between them; one alone, with one value, is a title or a note."""
    if len(rows) == 1 and sum(bool(value) for value in rows[0]) == 1:
        yield Block(kind="text", text=next(value for value in rows[0] if value), page=number)
        return
    table = markdown_table(rows)
    if table:
        yield Block(kind="table", text=table, page=number)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case float():
            return f"{value:.10g}"
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case _:
            return str(value).strip()
