"""What survives of each format, on documents that exist in five: the Markdown ones say what should be there."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from penstock.knowledge.ingest.isolation.readers import Readers
from penstock.knowledge.ingest.reading import Reading
from penstock.knowledge.ingest.unreadable import Unreadable

FORMATS = ("md", "html", "docx", "pptx", "pdf")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| (?!---)(.+) \|$", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class Survived:
    """Counts over all documents of a format: what the Markdown has, and how much of that is there."""

    documents: int = 0
    failed: int = 0
    headings: int = 0
    headings_kept: int = 0
    headings_more: int = 0
    rows: int = 0
    rows_kept: int = 0
    words: int = 0
    words_kept: int = 0
    chunks: int = 0
    with_page: int = 0
    with_anchor: int = 0


def survey(root: Path) -> dict[str, Survived]:
    """By format."""
    found = {kind: Survived() for kind in FORMATS}
    with Readers(children=1) as readers:
        for page in sorted((root / "md").glob("*.md")):
            wanted = readers.read(page.read_bytes(), page.name)
            for kind, survived in found.items():
                path = root / kind / f"{page.stem}.{kind}"
                if not path.exists():
                    continue
                survived.documents += 1
                try:
                    _compare(wanted, readers.read(path.read_bytes(), path.name), survived)
                except Unreadable:
                    survived.failed += 1
    return found


def _compare(wanted: Reading, found: Reading, survived: Survived) -> None:
    headings, got = _said(_HEADING, wanted.text), _said(_HEADING, found.text)
    survived.headings += headings.total()
    survived.headings_kept += (headings & got).total()
    survived.headings_more += (got - headings).total()
    rows, got = _said(_ROW, wanted.text), _said(_ROW, found.text)
    survived.rows += rows.total()
    survived.rows_kept += (rows & got).total()
    words, got = _words(wanted.text), _words(found.text)
    survived.words += words.total()
    survived.words_kept += (words & got).total()
    survived.chunks += len(found.chunks)
    survived.with_page += sum(chunk.page is not None for chunk in found.chunks)
    survived.with_anchor += sum(chunk.anchor is not None for chunk in found.chunks)


def _said(expression: "re.Pattern[str]", text: str) -> "Counter[str]":
    """Without blanks and marks, which typesetting changes."""
    return Counter("".join(_WORD.findall(_folded(found[1]))) for found in expression.finditer(text))


def _words(text: str) -> "Counter[str]":
    return Counter(_WORD.findall(_folded(text)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
