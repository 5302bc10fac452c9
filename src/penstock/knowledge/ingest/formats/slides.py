"""PPTX: a page for each slide, its title a heading, its notes at its end."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

import pptx
from pptx.util import Emu

from penstock.knowledge.ingest.blocks import Block, Content
from penstock.knowledge.ingest.formats.package import check_package, core_metadata
from penstock.knowledge.ingest.formats.tables import markdown_table
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

_MOST_DEPTH: Final = 20
_ROW: Final = Emu(200_000)
"""Shapes whose upper edges are less than a fifth of an inch apart stand beside each other."""


def read_slides(data: bytes, limits: Limits) -> Content:
    """Raises `Unreadable`."""
    check_package(data, limits)
    presentation: Any = pptx.Presentation(BytesIO(data))
    slides = list(presentation.slides)
    said = presentation.core_properties
    title, metadata = core_metadata(said.title, said.author, said.subject)
    blocks = _blocks(slides, limits)
    return Content(
        media_type="application/vnd.openxmlformats-officedocument.presentationml.presentation",
        blocks=blocks,
        title=title,
        metadata=metadata,
        are_pages_apart=True,
    )


def _blocks(slides: list[Any], limits: Limits) -> list[Block]:
    if len(slides) > limits.pages:
        raise Unreadable("too_large", f"it has {len(slides)} slides")
    return [block for number, slide in enumerate(slides, 1) for block in _slide(slide, number)]


def _slide(slide: Any, number: int) -> Iterator[Block]:
    if slide._element.get("show") == "0":  # noqa: SLF001 - the library has no name for hidden slides
        return
    title = slide.shapes.title
    words = "" if title is None else " ".join(title.text_frame.text.split())
    level = 1 if number == 1 else 2
    if words:
        yield Block(kind="heading", text=words, level=level, page=number, anchor=f"slide-{number}")
    for shape in _in_reading_order(slide.shapes, 0):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape(shape, number)
    if slide.has_notes_slide:
        notes = slide.notes_slide.notes_text_frame
        if notes is not None and notes.text.strip():
            yield Block(kind="text", text=f"Notes: {' '.join(notes.text.split())}", page=number)


def _in_reading_order(shapes: Any, depth: int) -> list[Any]:
    """From top to bottom, and beside each other from left to right; groups taken apart."""
    flat: list[Any] = []
    for shape in shapes:
        if hasattr(shape, "shapes"):
            if depth < _MOST_DEPTH:
                flat += _in_reading_order(shape.shapes, depth + 1)
        else:
            flat.append(shape)
    return sorted(flat, key=lambda shape: (int(shape.top or 0) // _ROW, int(shape.left or 0)))


def _shape(shape: Any, number: int) -> Iterator[Block]:
    if getattr(shape, "has_table", False) and shape.has_table:
        table = markdown_table([[cell.text for cell in row.cells] for row in shape.table.rows])
        if table:
            yield Block(kind="table", text=table, page=number)
        return
    if not shape.has_text_frame:
        return
    is_bulleted = (
        shape.is_placeholder
        and shape.placeholder_format.type is not None
        and "SUBTITLE" not in str(shape.placeholder_format.type)
    )
    lines = [
        (paragraph.level or 0, " ".join(paragraph.text.split()))
        for paragraph in shape.text_frame.paragraphs
        if paragraph.text.strip()
    ]
    if not lines:
        return
    if len(lines) > 1 and (is_bulleted or any(level for level, _ in lines)):
        text = "\n".join(f"{'  ' * level}- {words}" for level, words in lines)
        yield Block(kind="list", text=text, page=number)
    else:
        yield Block(kind="text", text="\n".join(words for _, words in lines), page=number)
