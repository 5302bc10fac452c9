"""A set inside a real database, put there and searched as the product does it."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from evaluation.retrieval.memo import Memo
from evaluation.retrieval.sets import Question, RetrievalSet, Text
from penstock.core.clock import SystemClock
from penstock.core.sources import PUBLIC
from penstock.knowledge.document import BaseId, Chunk, Document
from penstock.knowledge.index.bases import Fingerprint, create_base, document_id
from penstock.knowledge.index.request import Found, Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.steps import Asker, take
from penstock.knowledge.index.store import ORDINAL_BITS, PostgresStore
from penstock.knowledge.ingest.embedding import in_context
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate

TENANT = "evaluation"
ANYBODY = Asker(TENANT, (PUBLIC,))


@contextmanager
def fresh_database() -> Generator[str]:
    """A database of its own, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-evaluation-"))
    try:
        with EmbeddedPostgres(folder) as server:
            url = server.start()
            migrate(url)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A set in its base; `names` says which key a document's id stands for."""

    connection: psycopg.Connection
    base: BaseId
    names: dict[str, str]
    memo: Memo
    of_chunks: bool

    def search(self, question: Question, *, k: int) -> Found:
        """As a caller who may read everything."""
        self.memo.fill([question.text])
        search = Search(question.text, self.memo.get(question.text).vector, ANYBODY, (self.base,), k)
        return take(self.connection, searching(search, now=0.0))

    def keys(self, found: Found) -> list[str]:
        """What was found, by the names that the questions have for it, each once."""
        each = ((self.names[hit.passage.document], hit.chunk & ((1 << ORDINAL_BITS) - 1)) for hit in found.hits)
        return list(dict.fromkeys(f"{name}#{ordinal}" if self.of_chunks else name for name, ordinal in each))


def load(connection: psycopg.Connection, of: RetrievalSet, memo: Memo) -> Loaded:
    """Put the set into a base of its name."""
    documents = [(each, _document(each)) for each in of.texts]
    texts = [[in_context(each.title, one) for one in whole.chunks] for each, whole in documents]
    memo.fill([text for each in texts for text in each])
    width = len(memo.get(texts[0][0]).vector)
    base = create_base(connection, TENANT, of.name, Fingerprint("evaluation", width))
    store = PostgresStore(connection, SystemClock())
    for (_, whole), embedded in zip(documents, texts, strict=True):
        store.put(base, whole, memo.vectors(embedded))
    connection.execute("VACUUM ANALYZE")
    rows = connection.execute("SELECT id, key FROM knowledge_documents WHERE base = %s", (base,)).fetchall()
    return Loaded(connection, base, {document_id(number): key for number, key in rows}, memo, of.of_chunks)


def _document(text: Text) -> Document:
    chunks: list[Chunk] = []
    at = 0
    for ordinal, piece in enumerate(text.pieces):
        end = at + len(piece.text)
        chunks.append(Chunk(ordinal=ordinal, text=piece.text, start=at, end=end, heading=piece.heading))
        at = end + 1
    return Document(
        key=text.key,
        title=text.title,
        text="\n".join(piece.text for piece in text.pieces),
        chunks=tuple(chunks),
        digest=text.key.encode(),
        media_type="text/plain",
        readers=(PUBLIC,),
    )


def by_half(found: Found, half: Literal["cosine", "lexical"]) -> Found:
    """What was found in the order of one of its halves alone."""
    return Found(tuple(sorted(found.hits, key=lambda hit: -float(getattr(hit, half)))), found.nearest)
