"""Tables as Markdown, whichever format they come from."""

from collections.abc import Sequence
from typing import Final

_MOST_COLUMNS: Final = 256


def cell(text: str) -> str:
    """On one line, and without what would end the cell."""
    return " ".join(text.split()).replace("|", "\\|")


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the header.  Empty rows and columns are left out; "" where nothing is left."""
    cleaned = [[cell(each) for each in row[:_MOST_COLUMNS]] for row in rows]
    cleaned = [row for row in cleaned if any(row)]
    if not cleaned:
        return ""
    width = max(len(row) for row in cleaned)
    padded = [row + [""] * (width - len(row)) for row in cleaned]
    used = [at for at in range(width) if any(row[at] for row in padded)]
    lines = ["| " + " | ".join(row[at] for at in used) + " |" for row in padded]
    lines.insert(1, "|" + " --- |" * len(used))
    return "\n".join(lines)
