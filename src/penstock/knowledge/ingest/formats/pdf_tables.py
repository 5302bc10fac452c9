"""Tables of a PDF: cells that begin below each other, row after row, in the order in which they were drawn.

Within a row cells are drawn from left to right, each with all its lines, so that a row ends where drawing goes back to
the left.
"""

from collections.abc import Sequence
from typing import Final

from penstock.knowledge.ingest.formats.pdf_lines import Line, Span

_COLUMN: Final = 4.0
"""Points: what begins within this of each other is in one column."""
_LEARNING_LINES: Final = 3
"""A header's cells may be of several lines, so that not all columns are seen on its first."""
_APART: Final = 4.0
"""In letter sizes: what is further below the table is not of it."""


def table_at(lines: Sequence[Line], at: int) -> tuple[list[list[str]], int]:
    """The rows of the table that begins with this line, and the line after it; `([], at)` where none does."""
    if len(lines[at].spans) < 2:
        return [], at
    columns: list[float] = []
    taken: list[list[tuple[int, Span]]] = []
    end = at
    while end < len(lines):
        found = _in_columns(lines[end], columns, may_add=end - at < _LEARNING_LINES)
        if found is None or (end > at and not _belongs(lines[end - 1], lines[end], columns)):
            break
        taken.append(found)
        end += 1
    rows = _rows([each for found in taken for each in found], columns)
    full = sum(sum(bool(text) for text in row) >= 2 for row in rows)
    if full < 2 or 2 * full < len(rows) or len(columns) < 2:
        return [], at
    return rows, end


def _in_columns(line: Line, columns: list[float], *, may_add: bool) -> list[tuple[int, Span]] | None:
    """Each span's column, by where it begins; None where one begins elsewhere.  Columns are kept by their places."""
    found: list[tuple[float, Span]] = []
    new: list[float] = []
    for span in line.spans:
        near = [column for column in [*columns, *new] if abs(column - span.x0) <= _COLUMN]
        if near:
            found.append((near[0], span))
        elif may_add:
            new.append(span.x0)
            found.append((span.x0, span))
        else:
            return None
    if columns and new and min(new) < max(columns):
        return None
    columns += new
    columns.sort()
    return [(columns.index(column), span) for column, span in found]


def _belongs(before: Line, line: Line, columns: Sequence[float]) -> bool:
    """Not what stands well below it, and no line that runs on over several columns."""
    if before.lowest - line.highest > _APART * line.size or abs(before.size - line.size) > 0.15 * line.size:
        return False
    for span in line.spans:
        over = [column for column in columns if span.x0 + _COLUMN < column < span.x1 - _COLUMN]
        if over:
            return False
    alone = len(line.spans) == 1 and line.spans[0].x0 <= columns[0] + _COLUMN
    return not (alone and before.lowest - line.highest > 1.9 * line.size)


def _rows(cells: Sequence[tuple[int, Span]], columns: Sequence[float]) -> list[list[str]]:
    rows: list[list[str]] = []
    last = len(columns)
    for column, span in cells:
        if column < last or not rows:
            rows.append([""] * len(columns))
        rows[-1][column] = f"{rows[-1][column]} {span.text}".strip()
        last = column
    return rows
