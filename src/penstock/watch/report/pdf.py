"""A report as PDF, by fpdf2: the same parts as in HTML, charts as vectors, letters embedded.

The letters are DejaVu Sans, cut down to the Latin, Greek and Cyrillic alphabets.  What they have not is drawn as the
replacement sign, and the last line of the report says so: a name is never shown as another.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

from penstock.watch.report.blocks import Block, Cell, Chart, Document, Section, Table, Text, Tile, Tiles, Tone
from penstock.watch.report.charts import COLORS, Bar, Color, Dot, Drawing, Label, Shape, Stroke

_FONTS: Final = Path(__file__).parent / "fonts"
_FAMILY: Final = "DejaVu"
_MARGIN: Final = 17.0
_WIDTH: Final = 210.0 - 2 * _MARGIN
_BOTTOM: Final = 18.0
_ROW: Final = 5.6
_GAP: Final = 4.0
_INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"
_TONES: Final[dict[Tone, Color]] = {"plain": "ink", "good": "good", "bad": "bad"}


def pdf(document: Document) -> bytes:
    """The whole file; the same bytes for the same document."""
    page = _Page(document.footer)
    page.set_title(page.known(f"{document.about}: {document.title}"))
    page.set_lang("en")
    page.add_page()
    _head(page, document)
    for section in document.sections:
        _section(page, section)
    if page.is_short_of_letters:
        page.ln(2)
        _text(page, f"{_INSTEAD} stands for letters that this document has not; the HTML report shows them.")
    return bytes(page.output())


class _Page(FPDF):
    """A4 with a line of its own at the end of each page."""

    def __init__(self, said: str) -> None:
        super().__init__(format="A4")
        self.is_short_of_letters = False
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FAMILY, style, _FONTS / file)
        font = self.fonts[_FAMILY.lower()]
        self._known: set[int] = set(font.cmap) if isinstance(font, TTFFont) else set()  # it is one, as was just said
        self._said = said
        self.set_margins(_MARGIN, _MARGIN)
        self.c_margin = 0.0  # texts begin where rules do
        self.set_auto_page_break(auto=True, margin=_BOTTOM)
        self.alias_nb_pages()

    def footer(self) -> None:
        self.set_y(-12)
        self.letters(7.5, "soft")
        self.cell(_WIDTH - 30, 4, self.cut(self.known(self._said), _WIDTH - 32))
        self.cell(30, 4, f"{self.page_no()} / {{nb}}", align="R")

    def letters(self, size: float, color: Color = "ink", *, is_bold: bool = False) -> None:
        self.set_font(_FAMILY, "B" if is_bold else "", size)
        self.set_text_color(*_rgb(color))

    def known(self, text: str) -> str:
        """With the replacement sign for what the font has not."""
        if all(ord(each) in self._known for each in text):
            return text
        self.is_short_of_letters = True
        return "".join(each if ord(each) in self._known else _INSTEAD for each in text)

    def cut(self, text: str, width: float) -> str:
        """To the width, in the letters that are set."""
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(text + "…") > width:
            text = text[:-1]
        return text + "…"

    def room_for(self, height: float) -> None:
        """Go on to the next page where this one has not so much room."""
        if self.get_y() + height > self.h - _BOTTOM:
            self.add_page()


def _head(page: _Page, document: Document) -> None:
    page.letters(8.5, "main", is_bold=True)
    page.cell(0, 5, f"{document.about.upper()} · REPORT OF A MONTH", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.letters(24, is_bold=True)
    page.cell(0, 12, page.known(document.title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.letters(9.5, "soft")
    for line in document.lines:
        page.cell(0, 5, page.cut(page.known(line), _WIDTH), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.ln(2.5)
    page.set_fill_color(*_rgb("main"))
    page.rect(_MARGIN, page.get_y(), _WIDTH, 0.9, style="F")
    page.ln(3)


def _section(page: _Page, section: Section) -> None:
    page.room_for(12 + _height(section.blocks[0]))
    page.ln(_GAP)
    page.letters(13, is_bold=True)
    page.start_section(page.known(section.title))
    page.cell(0, 8, page.known(section.title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    for block in section.blocks:
        _block(page, block)


def _block(page: _Page, block: Block) -> None:
    match block:
        case Tiles(tiles=tiles):
            _tiles(page, tiles)
        case Chart():
            _chart(page, block)
        case Table():
            _table(page, block)
        case Text(text=text):
            _text(page, text)


def _height(block: Block) -> float:
    """About what has to stand together at its beginning."""
    match block:
        case Chart(drawing=drawing):
            return drawing.height * _WIDTH / drawing.width + 8
        case Tiles():
            return 44.0
        case Table(rows=rows):
            return 14 + _ROW * min(len(rows), 3)
        case Text():
            return 10.0


def _text(page: _Page, text: str) -> None:
    page.letters(9)
    page.multi_cell(_WIDTH, 4.8, page.known(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.ln(1.5)


def _tiles(page: _Page, tiles: Sequence[Tile]) -> None:
    gap, height = 3.0, 19.0
    width = (_WIDTH - 2 * gap) / 3
    y = page.get_y()
    for place, tile in enumerate(tiles):
        if place % 3 == 0:
            page.room_for(height + gap)
            y = page.get_y()
        x = _MARGIN + (place % 3) * (width + gap)
        page.set_draw_color(*_rgb("line"))
        page.set_line_width(0.25)
        page.rect(x, y, width, height, round_corners=True, corner_radius=1.6)
        _tile(page, tile, (x + 3.5, y), width - 6)
        if place % 3 == 2 or place == len(tiles) - 1:
            page.set_xy(_MARGIN, y + height + gap)


def _tile(page: _Page, tile: Tile, at: tuple[float, float], width: float) -> None:
    parts: tuple[tuple[float, float, Color, str], ...] = (
        (2.2, 7.8, "soft", tile.title),
        (7.2, 14.5, "ink", tile.value),
        (13.2, 6.8, "soft" if tile.tone == "plain" else _TONES[tile.tone], tile.change),
    )
    for down, size, color, text in parts:
        page.letters(size, color, is_bold=text == tile.value)
        page.set_xy(at[0], at[1] + down)
        page.cell(width, 4.5, page.cut(page.known(text), width))


def _table(page: _Page, table: Table) -> None:
    page.room_for(14 + _ROW * min(len(table.rows), 3))
    widths = _widths(page, table)
    _title(page, table.title)
    _header(page, table, widths)
    for place, row in enumerate(table.rows, 1):
        rows = 2 if place == len(table.rows) and table.last is not None else 1  # a sum stands with what it is of
        if page.get_y() + rows * _ROW > page.h - _BOTTOM:
            page.add_page()
            _header(page, table, widths)
        _row(page, row, widths)
    if table.last is not None:
        _rule(page, 0.3, "rule")
        _row(page, table.last, widths, is_bold=True)
    page.ln(_GAP)


def _title(page: _Page, title: str) -> None:
    page.letters(9.2, is_bold=True)
    page.cell(0, 6, page.cut(page.known(title), _WIDTH), new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _widths(page: _Page, table: Table) -> list[float]:
    """Of the numbers' columns as wide as their widest; names have the rest, a quarter at least."""
    page.letters(8, is_bold=True)
    rows = [*table.rows, *(() if table.last is None else (table.last,))]
    others = [
        max(page.get_string_width(page.known(each)) for each in [table.head[place], *(row[place].text for row in rows)])
        + 5.0
        for place in range(1, len(table.head))
    ]
    most = 0.75 * _WIDTH
    if sum(others) > most:
        others = [each * most / sum(others) for each in others]
    return [_WIDTH - sum(others), *others]


def _header(page: _Page, table: Table, widths: Sequence[float]) -> None:
    page.letters(7.6, "soft")
    for place, (text, width) in enumerate(zip(table.head, widths, strict=True)):
        page.cell(width, 5, page.cut(page.known(text), width - 1), align="R" if place else "L")
    page.ln(5)
    _rule(page, 0.3, "rule")


def _row(page: _Page, row: Sequence[Cell], widths: Sequence[float], *, is_bold: bool = False) -> None:
    y = page.get_y()
    for place, (cell, width) in enumerate(zip(row, widths, strict=True)):
        page.letters(8, _TONES[cell.tone], is_bold=is_bold)
        page.cell(
            width,
            _ROW - 0.6,
            page.cut(page.known(cell.text), width - (2.5 if place == 0 else 0.5)),
            align="R" if place else "L",
        )
    if row[0].share is not None and row[0].share > 0:
        page.set_fill_color(*_rgb("pale"))
        page.rect(_MARGIN, y + _ROW - 1.2, 0.7 * widths[0] * row[0].share, 0.8, style="F")
    page.set_xy(_MARGIN, y + _ROW)
    _rule(page, 0.15, "line")


def _rule(page: _Page, width: float, color: Color) -> None:
    page.set_draw_color(*_rgb(color))
    page.set_line_width(width)
    page.line(_MARGIN, page.get_y(), _MARGIN + _WIDTH, page.get_y())


def _chart(page: _Page, chart: Chart) -> None:
    drawing = chart.drawing
    scale = _WIDTH / drawing.width
    page.room_for(drawing.height * scale + 8)
    _title(page, chart.caption)
    x, y = page.get_x(), page.get_y()
    for shape in drawing.shapes:
        _draw(page, shape, drawing, (x, y, scale))
    page.set_xy(_MARGIN, y + drawing.height * scale + 1)


def _draw(page: _Page, shape: Shape, drawing: Drawing, at: tuple[float, float, float]) -> None:
    x, y, scale = at
    match shape:
        case Bar():
            page.set_fill_color(*_rgb(shape.color))
            page.rect(x + shape.x * scale, y + shape.y * scale, shape.width * scale, shape.height * scale, style="F")
        case Stroke():
            page.set_draw_color(*_rgb(shape.color))
            page.set_line_width(shape.width * scale)
            page.polyline([(x + px * scale, y + py * scale) for px, py in shape.points])
        case Dot():
            page.set_fill_color(*_rgb(shape.color))
            page.circle(x + shape.x * scale, y + shape.y * scale, shape.radius * scale, style="F")
        case Label():
            page.letters(drawing.text_size * scale * 72 / 25.4, shape.color)
            text = page.known(shape.text)
            back = {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor] * page.get_string_width(text)
            page.text(x + shape.x * scale - back, y + shape.y * scale, text)


def _rgb(color: Color) -> tuple[int, int, int]:
    said = COLORS[color].removeprefix("#")
    return int(said[:2], 16), int(said[2:4], 16), int(said[4:], 16)
