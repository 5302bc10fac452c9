from typing import Any

import pytest
from tests.knowledge.ingest import files

from penstock.knowledge.ingest.reading import Reading, read
from penstock.knowledge.ingest.unreadable import Limits, Unreadable

TABLE = "| Model | Price |\n| --- | --- |\n| Aero | 6.5 |\n| Bolt | 8.2 |"


def of(data: bytes, name: str) -> Reading:
    return read(data, name, Limits())


def refused(data: bytes, name: str, **limits: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, name, Limits(**limits))
    return caught.value.reason


def test_markdown_keeps_its_structure() -> None:
    found = of(
        b"---\ntitle: Leave\nowner: HR\n---\n# Time off\n\nTake **all** of it, see [the form](https://a.example/f) or\n"
        b"[here](../x.md).\n\n## How\n\n1. Ask\n2. Go\n   - far\n\n| Model | Price |\n|---|--:|\n| Aero | 6.5 |\n"
        b"| Bolt | 8.2 |\n\n```py\nx = '# no heading'\n```\n",
        "hr/leave.md",
    )
    assert found.title == "Leave"
    assert found.metadata == {"owner": "HR"}
    assert found.text == (
        "# Time off\n\nTake all of it, see [the form](https://a.example/f) or here.\n\n"
        "## How\n\n1. Ask\n2. Go\n   - far\n\n" + TABLE + "\n\n```py\nx = '# no heading'\n```"
    )


def test_a_heading_is_found_again_by_its_anchor() -> None:
    found = of(
        b"# A\n\n" + b"word " * 150 + b"\n\n## B & c\n\n" + b"other " * 150 + b"\n\n## B & c\n\nend " * 40, "a.md"
    )
    assert ("A", "B & c") in [chunk.heading for chunk in found.chunks]
    anchors = [chunk.anchor for chunk in found.chunks]
    assert anchors[0] == "a"
    assert "b--c" in anchors
    assert "b--c-1" in anchors


@pytest.mark.parametrize(
    "start", [b"> \n> said\n", b"- \n\n\n- a\n", b"```\nno end", b"| a |\n|--|", b"[a]: b\n---\n", b"<div>\n"]
)
def test_odd_markdown_comes_to_an_end(start: bytes) -> None:
    assert "last" in of(start + b"\n\nlast words here", "a.md").text


def test_html_shows_what_a_reader_sees() -> None:
    found = of(
        b"<!doctype html><html><head><title>Cars</title><style>p{}</style></head><body><nav>Menu</nav>"
        b"<h2 id='prices'>Prices</h2><p>In\n lakh.<br>All of <b>them</b>.</p><p hidden>ignore me</p>"
        b"<p style='display: none'>nor me</p>"
        b"<table><tr><th>Model<th>Price<tr><td>Aero<td>6.5<tr><td>Bolt<td>8.2</table>"
        b"<ul><li>one<ul><li>deep</ul><li>two</ul><footer>Imprint</footer><script>x()</script></body></html>",
        "cars.html",
    )
    assert found.title == "Cars"
    assert found.text == f"## Prices\n\nIn lakh.\nAll of them.\n\n{TABLE}\n\n- one\n  - deep\n- two"
    assert found.chunks[0].anchor == "prices"


def test_a_word_document_keeps_headings_lists_and_tables() -> None:
    found = of(files.word(), "h.docx")
    assert found.text == f"# Handbook\n\nRead this first.\n\n## Prices\n\n{TABLE}\n\n- one\n- two"


def test_slides_are_pages_of_their_own() -> None:
    found = of(files.slides(), "d.pptx")
    assert [(chunk.page, chunk.heading) for chunk in found.chunks] == [(1, ("Welcome",)), (2, ("Welcome", "Plan"))]
    assert TABLE in found.text
    assert "Notes: Say it slowly." in found.text


def test_sheets_are_pages_of_their_own() -> None:
    found = of(files.sheets(), "c.xlsx")
    assert [(chunk.page, chunk.kind, chunk.heading) for chunk in found.chunks] == [
        (1, "table", ("Cars",)),
        (2, "table", ("Parts",)),
    ]
    assert TABLE in found.text


def test_a_pdf_has_headings_tables_and_pages() -> None:
    rows = [
        (text, 10, 72 + 100 * column, 660 - 14 * row)
        for row, cells in enumerate(files.TABLE)
        for column, text in enumerate(cells)
    ]
    more = [("and so it goes on for quite a while and longer", 10, 72, 600 - 12 * line) for line in range(9)]
    found = of(
        files.pdf(
            [
                ("Prices", 18, 72, 720),
                ("All of them are in lakh and", 10, 72, 700),
                ("with tax.", 10, 72, 688),
                *rows,
                *more,
            ],
            pages=2,
        ),
        "p.pdf",
    )
    assert found.text.startswith(f"# Prices\n\nAll of them are in lakh and with tax.\n\n{TABLE}")
    assert {chunk.page for chunk in found.chunks} == {1, 2}


def test_csv_is_a_table_whatever_cuts_its_fields() -> None:
    assert of(b'Model;Price\r\n"Aero";6.5\r\nBolt;8.2\r\n', "c.csv").text == TABLE


def test_a_mail_carries_files() -> None:
    found = of(files.mail(), "m.eml")
    assert found.title == "The contract"
    assert "Please sign it by Friday." in found.text
    assert found.metadata["from"] == "Ada <ada@example.org>"
    assert [each.name for each in found.attachments] == ["_terms.md", "handbook.docx"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_text_is_read_in_its_encoding(encoding: str) -> None:
    assert "Größe und Maß" in of(("Größe und Maß\n" * 20).encode(encoding), "a.txt").text


@pytest.mark.parametrize(("name", "media_type"), [("x.pdf", "text/html"), ("x.md", "text/html"), ("x", "text/html")])
def test_a_wrong_name_does_not_matter(name: str, media_type: str) -> None:
    assert of(b"<!DOCTYPE html><html><body><p>Hello there</p></body></html>", name).media_type == media_type
    assert of(files.word(), name).media_type.endswith("wordprocessingml.document")


def test_what_cannot_be_read_is_refused_with_its_reason() -> None:
    word = files.word()
    assert refused(b" \n", "a.md") == "empty"
    assert refused(b"\x00\x01\x02\x03" * 100, "a.docx") == "unsupported"
    assert refused(b"\x89PNG\r\n\x1a\n" + b"x" * 50, "a.txt") == "unsupported"
    assert refused(files.pdf([("Secret", 12, 72, 700)], encrypted=True), "a.pdf") == "encrypted"
    assert refused(files.pdf([("Cut", 12, 72, 700)])[:300], "a.pdf") == "damaged"
    assert (
        refused(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.docx") == "encrypted"
    )
    assert refused(word[: len(word) // 2], "a.docx") == "damaged"
    assert refused(files.repacked(word, {"word/vbaProject.bin": b"x"}), "a.docx") == "macros"
    assert refused(files.pdf([("x", 12, 72, 700)], pages=30), "a.pdf", pages=20) == "too_large"
    assert refused(b"a;b\n" * 100, "a.csv", cells=50) == "too_large"


def test_a_file_made_for_macros_is_refused_though_it_has_none() -> None:
    types = b"<Types><Override ContentType='application/vnd.ms-word.document.macroEnabled.main+xml'/></Types>"
    assert refused(files.repacked(files.word(), {"[Content_Types].xml": types}), "a.docm") == "macros"


def test_a_zip_bomb_is_refused_by_what_it_says_and_by_what_comes_out() -> None:
    bomb = files.repacked(files.word(), {"word/media/a.bin": bytes(40 << 20)})
    assert refused(bomb, "a.docx", expanded_bytes=16 << 20) == "bomb"
    assert refused(bomb, "a.docx") == "bomb"
    lying = bytearray(bomb)
    claim = (40 << 20).to_bytes(4, "little")
    assert lying.count(claim) == 2
    assert refused(bytes(lying).replace(claim, (99).to_bytes(4, "little")), "a.docx", expanded_bytes=16 << 20) in {
        "bomb",
        "damaged",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_anything_expands_them(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY b "{"x" * 1000}">]><a>&b;</a>'
    assert refused(files.repacked(files.word(), {"word/document.xml": text.encode(encoding)}), "a.docx") == "entities"


def test_front_matter_does_not_grow() -> None:
    bomb = b"---\na: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b]\n---\nText of the page\n"
    assert of(bomb, "a.md").metadata == {}
