"""CSV: one table, its first row the header."""

import csv
from io import StringIO
from typing import Final

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.decode import decode
from penstock.knowledge.ingest.formats.tables import markdown_table
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_DELIMITERS: Final = (",", ";", "\t", "|")
_SAMPLE_LINES: Final = 50


def read_delimited(data: bytes, limits: Limits) -> Content:
    """Raises `Unreadable` where it has more cells than may be, or no rows."""
    text = decode(data)
    csv.field_size_limit(limits.text_chars)
    rows: list[list[str]] = []
    cells = 0
    try:
        for row in csv.reader(StringIO(text), delimiter=_delimiter(text)):
            cells += len(row)
            if cells > limits.cells:
                raise Unreadable("too_large", f"it has more than {limits.cells} cells")
            rows.append(row)
    except csv.Error as error:
        raise Unreadable("damaged", f"it is no CSV: {error}") from None
    table = markdown_table(rows)
    if not table:
        raise Unreadable("empty", "it has no rows")
    return Content(media_type="text/csv", blocks=[Block(kind="table", text=table)])


def _delimiter(text: str) -> str:
    """The one that cuts most of the first lines into the same number of fields, which must be two at least."""
    lines = [line for line in text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES] if line.strip()]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count, default=1)
        score = counts.count(usual) / max(len(counts), 1) * min(usual, 8) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best
