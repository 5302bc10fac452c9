"""Tables as CSV (RFC 4180), which a spreadsheet reads as text and nothing else."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import cast

_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets take a cell that begins so for a formula."""


def csv_file(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """With a byte order mark, without which some spreadsheets do not take it for UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([defused(cell) for cell in header])
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def defused(cell: object) -> str:
    """The cell's text; numbers stay numbers, a text that would be a formula gets an apostrophe before it."""
    if cell is None:
        return ""
    if isinstance(cell, int | float):
        return str(cell)
    text = (
        ", ".join("" if each is None else str(each) for each in cast("list[object]", cell))
        if isinstance(cell, list)
        else str(cell)
    )
    return f"'{text}" if text.startswith(_STARTS) else text
