"""A report as one HTML file: no script, nothing fetched from elsewhere, fit to be printed.

Every text is escaped: names are other people's.  The page forbids itself scripts and connections as well.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from penstock.watch.report.blocks import Block, Cell, Chart, Document, Section, Table, Text, Tile, Tiles
from penstock.watch.report.charts import COLORS, Bar, Dot, Drawing, Label, Shape, Stroke

_STYLE: Final = """\
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f3f6f8; color: #18242f; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
main { max-width: 860px; margin: 32px auto; padding: 44px 52px 32px; background: #fff; border-radius: 10px;
  box-shadow: 0 1px 3px rgb(24 36 47 / 12%); }
header { border-bottom: 3px solid #1d5f8a; padding-bottom: 18px; margin-bottom: 8px; }
header p { margin: 0; color: #5f6f7e; }
header .about { text-transform: uppercase; letter-spacing: .14em; font-size: 12px; font-weight: 600; color: #1d5f8a; }
h1 { margin: 2px 0 4px; font-size: 34px; line-height: 1.15; letter-spacing: -.01em; }
h2 { margin: 38px 0 12px; font-size: 20px; letter-spacing: -.005em; }
.tiles { display: grid; grid-template-columns: repeat(3, 1fr); gap: 12px; }
.tile { border: 1px solid #e1e7ec; border-radius: 8px; padding: 12px 16px 11px; break-inside: avoid; }
.tile dt { color: #5f6f7e; font-size: 13px; }
.tile dd { margin: 0; }
.tile .value { font-size: 25px; font-weight: 650; letter-spacing: -.01em; font-variant-numeric: tabular-nums; }
.tile .change { font-size: 12.5px; color: #5f6f7e; min-height: 1.5em; }
.good { color: #23795a !important; } .bad { color: #b23a32 !important; }
figure { margin: 0 0 10px; break-inside: avoid; }
figcaption, caption { text-align: left; font-weight: 600; font-size: 14px; margin: 0; padding: 12px 0 5px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: inherit; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; margin: 4px 0 14px; font-size: 13.5px;
  font-variant-numeric: tabular-nums; }
th, td { padding: 5px 0 5px 18px; text-align: right; white-space: nowrap; border-bottom: 1px solid #e9eef2; }
th:first-child, td:first-child { padding-left: 0; text-align: left; white-space: normal; overflow-wrap: anywhere;
  width: 99%; min-width: 9em; font-weight: 400; }
thead th { color: #5f6f7e; font-weight: 500; font-size: 12.5px; border-bottom-color: #c9d3db; }
tfoot td, tfoot th { font-weight: 600 !important; border-bottom: 0; border-top: 1px solid #c9d3db; }
tr { break-inside: avoid; }
.bar { display: block; height: 4px; border-radius: 2px; background: #8db8d6; margin-top: 2px; min-width: 1px; }
p { margin: 6px 0 10px; }
footer { margin-top: 36px; padding-top: 12px; border-top: 1px solid #e1e7ec; color: #5f6f7e; font-size: 12.5px; }
@media (max-width: 640px) { main { margin: 0; padding: 24px 18px; border-radius: 0; }
  .tiles { grid-template-columns: repeat(2, 1fr); } }
@media print { @page { size: A4; margin: 15mm 15mm 17mm; } body { background: #fff; font-size: 12px; }
  main { margin: 0; padding: 0; max-width: none; box-shadow: none; } h2 { break-after: avoid; margin-top: 26px; }
  caption { break-after: avoid; } table { font-size: 11px; } .wide { overflow: visible; } }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def html(document: Document) -> str:
    """The whole file."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in document.lines)
    sections = "\n".join(_section(section) for section in document.sections)
    title = f"{document.about}: {document.title}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header><p class="about">{escape(document.about)} · report of a month</p><h1>{escape(document.title)}</h1>'
        f"{lines}</header>\n{sections}\n<footer>{escape(document.footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f"<section><h2>{escape(section.title)}</h2>\n{blocks}</section>"


def _block(block: Block) -> str:
    match block:
        case Tiles(tiles=tiles):
            return f'<dl class="tiles">{"".join(_tile(each) for each in tiles)}</dl>'
        case Chart(caption=caption, drawing=drawing):
            return f"<figure><figcaption>{escape(caption)}</figcaption>{svg(drawing, caption)}</figure>"
        case Table():
            return _table(block)
        case Text(text=text):
            return f"<p>{escape(text)}</p>"


def _tile(tile: Tile) -> str:
    return (
        f'<div class="tile"><dt>{escape(tile.title)}</dt><dd class="value">{escape(tile.value)}</dd>'
        f'<dd class="change {tile.tone}">{escape(tile.change)}</dd></div>'
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in table.head)
    rows = "".join(f"<tr>{_cells(row)}</tr>" for row in table.rows)
    last = "" if table.last is None else f"<tfoot><tr>{_cells(table.last)}</tr></tfoot>"
    return (
        f'<div class="wide"><table><caption>{escape(table.title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody>{last}</table></div>"
    )


def _cells(cells: tuple[Cell, ...]) -> str:
    first, *others = cells
    return _cell(first, 'th scope="row"', "th") + "".join(_cell(each, "td", "td") for each in others)


def _cell(cell: Cell, opening: str, closing: str) -> str:
    bar = "" if cell.share is None else f'<span class="bar" style="width:{70 * cell.share:.1f}%"></span>'
    tone = "" if cell.tone == "plain" else f' class="{cell.tone}"'
    return f"<{opening}{tone}>{escape(cell.text)}{bar}</{closing}>"


def svg(drawing: Drawing, title: str) -> str:
    """The drawing, with what its bars and dots stand for as texts that show where the pointer is."""
    shapes = "".join(_shapes(drawing))
    return (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-label="{escape(title)}"'
        f' font-size="{drawing.text_size:g}">{shapes}</svg>'
    )


def _shapes(drawing: Drawing) -> Iterator[str]:
    return (_shape(shape) for shape in drawing.shapes)


def _shape(shape: Shape) -> str:
    color = COLORS[shape.color]
    match shape:
        case Bar():
            return (
                f'<rect x="{shape.x:.2f}" y="{shape.y:.2f}" width="{shape.width:.2f}" height="{shape.height:.2f}"'
                f' rx="1.5" fill="{color}"><title>{escape(shape.said)}</title></rect>'
            )
        case Stroke():
            points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
            dashes = ' stroke-dasharray="5 4"' if shape.is_dashed else ""
            return (
                f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{shape.width:g}"'
                f' stroke-linejoin="round"{dashes}/>'
            )
        case Dot():
            return (
                f'<circle cx="{shape.x:.2f}" cy="{shape.y:.2f}" r="{shape.radius:g}" fill="{color}">'
                f"<title>{escape(shape.said)}</title></circle>"
            )
        case Label():
            return (
                f'<text x="{shape.x:.2f}" y="{shape.y:.2f}" text-anchor="{shape.anchor}" fill="{color}">'
                f"{escape(shape.text)}</text>"
            )
