"""The enterprise set: 50 documents of one company, each in five formats, taken apart as ingest does it.

Its questions are those that came with it, for each document some eight; where the list of a document breaks off, those
that are whole.  Its documents overlap: a price stands in a car's own document and in the list of all cars, and only the
one that a question was made from counts as right.
"""

import csv
import re
from typing import Final

import msgspec

from evaluation.retrieval.sets import DATA, Piece, Question, RetrievalSet, Text
from penstock.knowledge.ingest.isolation.readers import Readers

FORMATS: Final = ("md", "html", "docx", "pptx", "pdf")

_ROOT: Final = DATA / "rag" / "enterprise"
_ASKED: Final = re.compile(r'"query_text":\s*("(?:[^"\\]|\\.)*")')


def enterprise(kind: str) -> RetrievalSet:
    """All documents in one format; keys are their names without it, so that questions are the same for each."""
    texts: list[Text] = []
    with Readers(children=1) as readers:
        for path in sorted((_ROOT / kind).glob(f"*.{kind}")):
            reading = readers.read(path.read_bytes(), path.name)
            pieces = tuple(Piece(chunk.heading, chunk.text) for chunk in reading.chunks)
            texts.append(Text(path.stem.strip(), reading.title, pieces))
    return RetrievalSet(f"enterprise-{kind}", texts, _questions())


def _questions() -> list[Question]:
    csv.field_size_limit(1 << 24)
    found: list[Question] = []
    with (_ROOT / "Aventro Motors.csv").open(newline="", errors="replace") as file:
        for row in csv.DictReader(file):
            right = frozenset({row["document_name"].removesuffix(".md").strip()})
            found += [Question(msgspec.json.decode(each), right) for each in _ASKED.findall(row["response"])]
    return found
