"""PDF: its text in the order in which it is drawn, headings by their size, tables by their columns.

A PDF has no structure but that of ink.  What repeats at the edge of most pages is left out.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pypdfium2
import pypdfium2.raw as pdfium

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.formats.package import core_metadata
from penstock.knowledge.ingest.formats.pdf_layout import blocks_of_lines
from penstock.knowledge.ingest.formats.pdf_lines import Line, Span
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_GAP: Final = 0.6
"""In widths of the letter size: more than this between two letters of a line, and they are of different cells."""
_SAME_LINE: Final = 0.5
_BOLD: Final = 600
_BOLD_NAME: Final = re.compile(rb"bold|black|heavy|demi|-bd|cmbx", re.IGNORECASE)
_EDGE_LINES: Final = 2
_EDGE_SHARE: Final = 0.6
_NUMBER: Final = re.compile(r"\d+")
_DEFAULT_TITLE: Final = re.compile(
    r"(?:untitled|microsoft (?:word|powerpoint) - .*|.*\.(?:docx?|pptx?|xlsx?|pdf|md|html?))$", re.IGNORECASE
)


def read_pdf(data: bytes, limits: Limits) -> Content:
    """Raises `Unreadable`; a file that pdfium repairs is read as far as it could be."""
    if b"%%EOF" not in data[-2048:] and b"startxref" not in data[-4096:]:
        raise Unreadable("damaged", "it is cut off: a PDF ends with where its parts lie, and this one does not")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise Unreadable("encrypted", "it is encrypted: save it without a password") from None
        raise Unreadable("damaged", "it is no sound PDF") from None
    try:
        return _content(document, limits)
    finally:
        document.close()


def _content(document: pypdfium2.PdfDocument, limits: Limits) -> Content:
    count = len(document)
    if count > limits.pages:
        raise Unreadable("too_large", f"it has {count} pages, more than {limits.pages}")
    pages: list[list[Line]] = []
    chars = 0
    for number in range(count):
        lines = _lines(document, number)
        chars += sum(len(span.text) for line in lines for span in line.spans)
        if chars > limits.text_chars:
            raise Unreadable("too_large", f"it has more than {limits.text_chars} letters")
        pages.append(lines)
    if not chars:
        raise Unreadable("empty", "it has no text: its pages may be pictures, which are not read")
    said = document.get_metadata_dict()
    title, metadata = core_metadata(said.get("Title"), said.get("Author"), said.get("Subject"))
    if title is not None and _DEFAULT_TITLE.match(title):
        title = None
    return Content(
        media_type="application/pdf",
        blocks=_over_pages(list(_blocks(_without_edges(pages)))),
        title=title,
        metadata=metadata,
    )


def _blocks(pages: list[list[Line]]) -> Iterator[Block]:
    sizes: Counter[float] = Counter()
    for lines in pages:
        for line in lines:
            sizes[line.size] += sum(len(span.text) for span in line.spans)
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    larger = sorted({size for size in sizes if size >= 1.12 * body}, reverse=True)
    levels: dict[float, int] = {}
    level, last = 0, 0.0
    for size in larger:
        if not last or size < 0.93 * last:
            level, last = min(level + 1, 6), size
        levels[size] = level
    for number, lines in enumerate(pages, 1):
        yield from blocks_of_lines(lines, levels=levels, page=number)


def _over_pages(blocks: list[Block]) -> list[Block]:
    """A sentence that goes on over the page is one, and stands on the page where it begins."""
    joined: list[Block] = []
    for block in blocks:
        before = joined[-1] if joined else None
        goes_on = (
            before is not None
            and before.kind in {"text", "list"}
            and block.kind == "text"
            and before.page != block.page
            and block.text[:1].islower()
            and not before.text.endswith((".", "!", "?", ":", ";"))
        )
        if before is not None and block.kind == "table" and before.kind == "table" and before.page != block.page:
            rows = _more_rows(before.text, block.text)
            whole = before if rows is None else msgspec.structs.replace(before, text=f"{before.text}\n{rows}")
            joined[-1:] = [whole, block] if rows is None else [whole]
        elif before is not None and goes_on:
            joined[-1] = msgspec.structs.replace(before, text=f"{before.text} {block.text}")
        else:
            joined.append(block)
    return joined


def _more_rows(table: str, other: str) -> str | None:
    """What the other adds to the table if it is the rest of it: as many columns, and no header or the same."""
    head, rule, *_ = table.split("\n")
    first, other_rule, *rows = other.split("\n")
    if rule != other_rule:
        return None
    return "\n".join(rows if first == head else [first, *rows])


def _lines(document: pypdfium2.PdfDocument, number: int) -> list[Line]:
    """Of one page.  A page that cannot be loaded is a page without text."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return []
    try:
        textpage = page.get_textpage()
    except pypdfium2.PdfiumError:
        page.close()
        return []
    try:
        return list(_spans_in_lines(textpage))
    finally:
        textpage.close()
        page.close()


class _Letters:
    """What pdfium knows of each letter of a page."""

    def __init__(self, textpage: Any) -> None:
        self._raw = textpage.raw
        self.count: int = pdfium.FPDFText_CountChars(self._raw)
        self._sides = tuple(ctypes.c_double() for _ in range(4))
        self._name = ctypes.create_string_buffer(128)
        self._points = tuple(ctypes.byref(side) for side in self._sides)

    def letter(self, at: int) -> str:
        code = pdfium.FPDFText_GetUnicode(self._raw, at)
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""

    def box(self, at: int) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        pdfium.FPDFText_GetCharBox(self._raw, at, *self._points)
        left, right, bottom, top = (side.value for side in self._sides)
        return left, right, bottom, top

    def baseline(self, at: int) -> float:
        """What the letter stands on, which its lowest point may be below."""
        pdfium.FPDFText_GetCharOrigin(self._raw, at, self._points[0], self._points[1])
        return self._sides[1].value

    def size(self, at: int) -> float:
        """As it is shown: the font's size times what the page makes of it."""
        found = pdfium.FS_MATRIX()
        size = pdfium.FPDFText_GetFontSize(self._raw, at)
        if pdfium.FPDFText_GetMatrix(self._raw, at, found):
            size *= (found.c * found.c + found.d * found.d) ** 0.5 or 1.0
        return round(size, 1)

    def is_bold(self, at: int) -> bool:
        """By the weight that the font states, or by its name, which is all that many fonts have."""
        if pdfium.FPDFText_GetFontWeight(self._raw, at) >= _BOLD:
            return True
        flags = ctypes.c_int()
        length = pdfium.FPDFText_GetFontInfo(self._raw, at, self._name, len(self._name), ctypes.byref(flags))
        return 0 < length <= len(self._name) and _BOLD_NAME.search(self._name.value) is not None


def _spans_in_lines(textpage: Any) -> Iterator[Line]:
    """Letters to spans, spans to lines: a new line where pdfium says so and the letters' height does."""
    letters = _Letters(textpage)
    spans: list[Span] = []
    text: list[str] = []
    x0 = x1 = base = size = 0.0
    bold = 0
    is_hyphenated = False
    for at in range(letters.count):
        letter = letters.letter(at)
        if letter in {"\ufffe", "\x02"}:  # pdfium's mark for a hyphen at a line's end
            is_hyphenated = True
            continue
        if not letter or letter in "\r\n":
            continue
        if letter.isspace():
            if text and text[-1] != " ":
                text.append(" ")
            continue
        left, right, bottom, top = letters.box(at)
        if right <= left and top <= bottom:
            continue
        bottom = letters.baseline(at)
        shown = letters.size(at) if not text or abs(bottom - base) > 0.1 * size or left > x1 + 0.2 * size else size
        # A line ends where the next letter is lower; one that is higher and further right is of the next cell of a row.
        is_new_line = bool(text or spans) and (
            base - bottom > _SAME_LINE * max(size, shown, 1.0)
            or (bottom - base > _SAME_LINE * max(size, 1.0) and left < x1)
        )
        is_next_cell = bool(text) and bottom > base + _SAME_LINE * max(size, 1.0) and left > x1
        if text and (is_new_line or is_next_cell or left - x1 > _GAP * max(shown, 1.0) or left < x0 - 1.0):
            spans.append(Span("".join(text).strip(), x0, x1, base, size, 2 * bold > len(text)))
            text, bold = [], 0
        if is_new_line and spans:
            yield Line(spans, is_hyphenated=is_hyphenated)
            spans, is_hyphenated = [], False
        if not text:
            x0, base, size = left, bottom, shown
        text.append(letter)
        bold += letters.is_bold(at)
        x1 = right
    if text:
        spans.append(Span("".join(text).strip(), x0, x1, base, size, 2 * bold > len(text)))
    if spans:
        yield Line(spans, is_hyphenated=is_hyphenated)


def _without_edges(pages: list[list[Line]]) -> list[list[Line]]:
    """Without what stands, but for its numbers, at the edge of most pages: running titles, page numbers."""
    if len(pages) < 2:
        return pages
    seen: Counter[str] = Counter()
    for lines in pages:
        seen.update({_edge_key(line) for line in [*lines[:_EDGE_LINES], *lines[-_EDGE_LINES:]]})
    repeated = {
        key
        for key, times in seen.items()
        if times >= max(2, _EDGE_SHARE * len(pages)) and (len(pages) >= 4 or key == "#")
    }
    if not repeated:
        return pages
    return [
        [
            line
            for at, line in enumerate(lines)
            if not ((at < _EDGE_LINES or at >= len(lines) - _EDGE_LINES) and _edge_key(line) in repeated)
        ]
        for lines in pages
    ]


def _edge_key(line: Line) -> str:
    return _NUMBER.sub("#", line.text)
