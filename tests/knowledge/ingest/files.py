"""Files of each format, made for the tests; and what is done to them by those who mean harm."""

import zipfile
from email.message import EmailMessage
from io import BytesIO
from typing import Any

import docx
import openpyxl
import pptx
from pptx.util import Inches

TABLE = [["Model", "Price"], ["Aero", "6.5"], ["Bolt", "8.2"]]


def word() -> bytes:
    document: Any = docx.Document()
    document.add_heading("Handbook", 1)
    document.add_paragraph("Read this first.")
    document.add_heading("Prices", 2)
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(table.rows, TABLE, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Bullet")
    return _saved(document)


def slides() -> bytes:
    deck: Any = pptx.Presentation()
    for title, body in (("Welcome", "Good morning."), ("Plan", "Ship it.")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    table = deck.slides[1].shapes.add_table(3, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for row, cells in enumerate(TABLE):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    deck.slides[1].notes_slide.notes_text_frame.text = "Say it slowly."
    return _saved(deck)


def sheets() -> bytes:
    book: Any = openpyxl.Workbook()
    book.active.title = "Cars"
    for row in TABLE:
        book.active.append(row)
    book.create_sheet("Parts").append(["Wheel", 4])
    book["Parts"].append(["Door", 5])
    return _saved(book)


def mail() -> bytes:
    message = EmailMessage()
    message["Subject"] = "The contract"
    message["From"] = "Ada <ada@example.org>"
    message["To"] = "bob@example.org"
    message["Date"] = "Mon, 2 Mar 2026 10:00:00 +0000"
    message.set_content("Please sign it by Friday.\n")
    message.add_attachment(b"# Terms\n\nPay in thirty days.\n", "text", "markdown", filename="../terms.md")
    message.add_attachment(word(), "application", "octet-stream", filename="handbook.docx")
    return message.as_bytes()


def pdf(lines: list[tuple[str, int, int, int]], *, encrypted: bool = False, pages: int = 1) -> bytes:
    """Each line's text, size, and place from the left and from the bottom; the same on every page."""
    drawn = " ".join(f"BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm ({text}) Tj ET" for text, size, x, y in lines).encode()
    kids = " ".join(f"{5 + number} 0 R" for number in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        *[b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources <</Font <</F1 3 0 R>>>>>>"]
        * pages,
    ]
    data = b"%PDF-1.4\n"
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    lock = (
        b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + b"41" * 32 + b"> /U <" + b"42" * 32 + b"> >>"
        b" /ID [<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]"
    )
    trailer = b"<< /Size %d /Root 1 0 R%s >>" % (len(objects) + 1, lock if encrypted else b"")
    return data + b"trailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    """An archive with parts changed or added."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, old.read(name)))
        for name in changes.keys() - set(old.namelist()):
            new.writestr(name, changes[name])
    return target.getvalue()


def _saved(document: Any) -> bytes:
    target = BytesIO()
    document.save(target)
    return target.getvalue()
