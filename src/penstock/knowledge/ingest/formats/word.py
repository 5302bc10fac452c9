"""DOCX: its headings by their styles, lists, tables, and the page breaks that Word noted when it last showed it."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import docx
from docx.oxml.ns import qn

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.formats.package import check_package, core_metadata
from penstock.knowledge.ingest.formats.slugs import Slugs
from penstock.knowledge.ingest.formats.tables import markdown_table
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_P: Final = qn("w:p")
_TBL: Final = qn("w:tbl")
_WRAPPERS: Final = frozenset(qn(f"w:{name}") for name in ("sdt", "sdtContent", "ins", "customXml", "smartTag"))
_MOST_DEPTH: Final = 20
_CODE_STYLES: Final = ("code", "source", "verbatim", "preformatted", "macro text")


def read_word(data: bytes, limits: Limits) -> Content:
    """Raises `Unreadable`."""
    check_package(data, limits)
    document: Any = docx.Document(BytesIO(data))
    body = document.element.body
    styles = {style.style_id: style for style in document.styles if style.style_id}
    if body is None:
        raise Unreadable("damaged", "it has no body")
    said = document.core_properties
    title, metadata = core_metadata(said.title, said.author, said.subject)
    reader = _Body(styles)
    blocks = list(reader.blocks(body))
    return Content(
        media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        blocks=blocks,
        title=reader.title or title,
        metadata=metadata,
    )


class _Body:
    def __init__(self, styles: dict[str, Any]) -> None:
        self._levels = {style_id: _level(style) for style_id, style in styles.items()}
        self._names = {style_id: (style.name or "").lower() for style_id, style in styles.items()}
        self._lists = {style_id for style_id, style in styles.items() if _is_list_style(style)}
        self._slugs = Slugs()
        self._page = 1
        self._has_pages = False
        self.title: str | None = None

    def blocks(self, body: Any) -> Iterator[Block]:
        self._has_pages = next(body.iter(qn("w:lastRenderedPageBreak")), None) is not None
        items: list[str] = []
        code: list[str] = []
        start = self._page
        for element in _elements(body, 0):
            kind, text, level = self._read(element)
            if kind != "list" and items:
                yield Block(kind="list", text="\n".join(items), page=self._at(start))
                items = []
            if kind != "code" and code:
                yield Block(kind="code", text="\n".join(["```", *code, "```"]), page=self._at(start))
                code = []
            if not items and not code:
                start = self._page
            self._page += _breaks_before(element)
            if not items and not code:
                start = self._page
            match kind:
                case "list":
                    items.append(f"{'  ' * min(level, 10)}- {text}")
                case "code":
                    code.append(text)
                case "heading":
                    anchor = self._slugs.of(text)
                    yield Block(kind="heading", text=text, level=level, page=self._at(start), anchor=anchor)
                case "table":
                    yield Block(kind="table", text=text, page=self._at(start))
                case "text":
                    yield Block(kind="text", text=text, page=self._at(start))
                case _:
                    pass
            self._page += _breaks_within(element)
        if items:
            yield Block(kind="list", text="\n".join(items), page=self._at(start))
        if code:
            yield Block(kind="code", text="\n".join(["```", *code, "```"]), page=self._at(start))

    def _at(self, page: int) -> int | None:
        return page if self._has_pages else None

    def _read(self, element: Any) -> tuple[str, str, int]:
        """Its kind, its text and its level; the kind is "" where there is nothing to read."""
        if element.tag == _TBL:
            table = markdown_table(_rows(element, 0))
            return ("table" if table else "", table, 0)
        text = _text(element)
        style_id = _value(element, "w:pPr/w:pStyle") or ""
        name = self._names.get(style_id, style_id.lower())
        if any(word in name for word in _CODE_STYLES) and text:
            return "code", text, 0
        text = "\n".join(line for line in (" ".join(part.split()) for part in text.split("\n")) if line)
        if not text:
            return "", "", 0
        if name == "title" and self.title is None:
            self.title = text.replace("\n", " ")
            return "heading", self.title, 1
        outline = _value(element, "w:pPr/w:outlineLvl")
        level = self._levels.get(style_id, 0)
        if outline is not None and outline.isdecimal() and int(outline) < 9:
            level = int(outline) + 1
        if level:
            return "heading", text.replace("\n", " "), level
        in_list = element.find(_path("w:pPr/w:numPr")) is not None or style_id in self._lists
        if in_list:
            depth = _value(element, "w:pPr/w:numPr/w:ilvl") or "0"
            return "list", text.replace("\n", " "), int(depth) if depth.isdecimal() else 0
        return "text", text, 0


def _elements(parent: Any, depth: int) -> Iterator[Any]:
    """Paragraphs and tables, those in content controls and in insertions included."""
    for child in parent:
        if child.tag in {_P, _TBL}:
            yield child
        elif child.tag in _WRAPPERS and depth < _MOST_DEPTH:
            yield from _elements(child, depth + 1)


def _text(paragraph: Any) -> str:
    """What is shown: deleted text is not."""
    parts: list[str] = []
    for node in paragraph.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr"), qn("w:noBreakHyphen")):
        if node.tag == qn("w:t"):
            parts.append(node.text or "")
        elif node.tag == qn("w:noBreakHyphen"):
            parts.append("-")
        elif node.getparent().tag == qn("w:r"):
            parts.append("\t" if node.tag == qn("w:tab") else "\n")
    return "".join(parts)


def _rows(table: Any, depth: int) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in table.iterchildren(qn("w:tr")):
        cells: list[str] = []
        for each in row.iterchildren(qn("w:tc")):
            is_below = each.find(_path("w:tcPr/w:vMerge")) is not None and _value(each, "w:tcPr/w:vMerge") != "restart"
            words = " ".join(_text(element) for element in each.iter(_P)) if depth < _MOST_DEPTH else ""
            cells.append("" if is_below else words)
            span = _value(each, "w:tcPr/w:gridSpan") or "1"
            cells += [""] * ((min(int(span), 50) if span.isdecimal() else 1) - 1)
        rows.append(cells)
    return rows


def _breaks_before(element: Any) -> int:
    """Pages that end before its first word."""
    if element.tag != _P:
        return 0
    count = 0
    for node in element.iter(qn("w:lastRenderedPageBreak"), qn("w:t")):
        if node.tag == qn("w:t"):
            if node.text:
                break
        else:
            count += 1
    return count


def _breaks_within(element: Any) -> int:
    return sum(1 for _ in element.iter(qn("w:lastRenderedPageBreak"))) - _breaks_before(element)


def _level(style: Any) -> int:
    """A heading's level, by the name of its style or of one that it is based on."""
    for _ in range(10):
        name = (style.name or "").lower()
        if name.startswith("heading ") and name[8:].isdecimal():
            return min(int(name[8:]), 9)
        style = getattr(style, "base_style", None)
        if style is None:
            return 0
    return 0


def _is_list_style(style: Any) -> bool:
    return style.element.find(_path("w:pPr/w:numPr")) is not None or (style.name or "").lower().startswith("list ")


def _path(path: str) -> str:
    return "/".join(qn(part) for part in path.split("/"))


def _value(element: Any, path: str) -> str | None:
    found = element.find(_path(path))
    return None if found is None else found.get(qn("w:val"))
