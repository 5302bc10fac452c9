"""Lines of a page into blocks: what is a heading, an item of a list, a row of a table, a paragraph."""

import re
from collections.abc import Iterator
from typing import Final

from penstock.knowledge.ingest.blocks import Block
from penstock.knowledge.ingest.formats.pdf_lines import Line, Span
from penstock.knowledge.ingest.formats.pdf_tables import table_at
from penstock.knowledge.ingest.formats.tables import markdown_table

_BULLET: Final = re.compile(r"(?:[•●○◦▪■‣–·o-]|\uf0b7)\s*(?=\S)")  # noqa: RUF001 - dashes and bullets are meant
_NUMBERED: Final = re.compile(r"(?:\d{1,3}[.)]|[a-z][.)])\s")
_ONLY_MARK: Final = re.compile(r"(?:[•●○◦▪■‣–·o]|\uf0b7|\d{1,3}[.)])$")  # noqa: RUF001 - same
_COLUMN: Final = 6.0
"""Points: items of one depth begin at the same place within this."""
_APART: Final = 1.9
"""In letter sizes: lines further apart are of different paragraphs."""
_MOST_HEADING: Final = 200


def blocks_of_lines(lines: list[Line], *, levels: dict[float, int], page: int) -> Iterator[Block]:
    """`levels` has the level of each size that is larger than that of running text."""
    lines = [_marked(line) for line in lines]
    at = 0
    while at < len(lines):
        line = lines[at]
        rows, end = table_at(lines, at) if line.size not in levels else ([], at)
        if rows:
            table = markdown_table(rows)
            if table:
                yield Block(kind="table", text=table, page=page)
            at = end
        elif line.size in levels and len(line.text) <= _MOST_HEADING:
            end = at + 1
            while end < len(lines) and lines[end].size == line.size and _follows(lines[end - 1], lines[end]):
                end += 1
            text = _joined(lines[at:end])
            yield Block(kind="heading", text=text[:_MOST_HEADING], level=levels[line.size], page=page)
            if len(text) > _MOST_HEADING:
                yield Block(kind="text", text=text[_MOST_HEADING:], page=page)
            at = end
        elif _is_bold_heading(lines, at):
            yield Block(kind="heading", text=line.text, level=max(levels.values(), default=0) + 1, page=page)
            at += 1
        elif _is_item(line):
            items, at = _list(lines, at, levels)
            yield Block(kind="list", text="\n".join(items), page=page)
        else:
            end = at + 1
            while end < len(lines) and _continues(lines, end, levels):
                end += 1
            yield Block(kind="text", text=_joined(lines[at:end]), page=page)
            at = end


def _marked(line: Line) -> Line:
    """A bullet is no cell: it goes before what it marks."""
    if len(line.spans) >= 2 and _ONLY_MARK.match(line.spans[0].text):
        first, second = line.spans[:2]
        joined = Span(f"{first.text} {second.text}", first.x0, second.x1, second.base, second.size, second.is_bold)
        return Line([joined, *line.spans[2:]], line.is_hyphenated)
    return line


def _is_item(line: Line) -> bool:
    text = line.text
    return len(text) > 2 and (
        (_BULLET.match(text) is not None and not text[:2].isalpha()) or _NUMBERED.match(text) is not None
    )


def _list(lines: list[Line], at: int, levels: dict[float, int]) -> tuple[list[str], int]:
    """Items, deeper ones further in; lines that go on an item are joined to it."""
    items: list[str] = []
    starts = sorted({round(each.x0 / _COLUMN) for each in lines[at : at + 60] if _is_item(each)})
    parts: list[Line] = []

    def close() -> None:
        if parts:
            depth = min(starts.index(round(parts[0].x0 / _COLUMN)), 5)
            text = _joined(parts)
            bullet = _BULLET.match(text) if not _NUMBERED.match(text) else None
            items.append("  " * depth + (f"- {text[bullet.end() :]}" if bullet else text))
            parts.clear()

    while at < len(lines):
        line = lines[at]
        if (
            line.size in levels
            or _is_bold_heading(lines, at)
            or (items and len(line.spans) > 1 and not _is_item(line) and table_at(lines, at)[0])
        ):
            break
        if _is_item(line):
            close()
            if round(line.x0 / _COLUMN) not in starts:
                break
            parts.append(line)
        elif parts and _follows(parts[-1], line) and line.x0 >= parts[0].x0 + 2.0:
            parts.append(line)
        else:
            break
        at += 1
    close()
    outer = min((len(item) - len(item.lstrip()) for item in items), default=0)
    return [item[outer:] for item in items], at


def _continues(lines: list[Line], at: int, levels: dict[float, int]) -> bool:
    line, before = lines[at], lines[at - 1]
    return (
        line.size not in levels
        and not _is_item(line)
        and _follows(before, line)
        and not table_at(lines, at)[0]
        and not _is_bold_heading(lines, at)
        and line.is_bold == (before.is_bold and line.is_bold)
    )


def _follows(before: Line, line: Line) -> bool:
    drop = before.lowest - line.highest
    return 0 < drop <= _APART * max(before.size, line.size)


def _is_bold_heading(lines: list[Line], at: int) -> bool:
    """Bold, alone on its line, short, no sentence, and with running text after it."""
    line = lines[at]
    if not line.is_bold or len(line.spans) > 1 or len(line.text) > 90 or line.text.endswith((".", ",", ";")):
        return False
    if _BULLET.match(line.text) and not line.text[:2].isalpha():
        return False
    if at and _follows(lines[at - 1], line) and lines[at - 1].is_bold:
        return False
    return at + 1 < len(lines) and not lines[at + 1].is_bold


def _joined(lines: list[Line]) -> str:
    text = ""
    for line in lines:
        words = " ".join(line.text.split())
        text += words if not text else f" {words}"
        if line.is_hyphenated:
            text += "\x00"
    return text.replace("-\x00 ", "").replace("\x00 ", "").replace("\x00", "")
