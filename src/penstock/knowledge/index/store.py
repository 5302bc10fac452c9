"""What is written: documents into bases, and out of them.  Read `penstock.knowledge.document.DocumentStore` first.

Writers of one base wait for each other, on the base's row: so the counts that BM25 needs are right, and nothing
deadlocks.  Whoever reads waits for nobody.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.types.json import Jsonb

from penstock.core.clock import Clock
from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId, Document, Known
from penstock.knowledge.index.halves import halfvec
from penstock.knowledge.index.postings import Counted, counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDINAL_BITS: Final = 20
MOST_CHUNKS: Final = 1 << ORDINAL_BITS

_LOCK = "SELECT tenant, width FROM knowledge_bases WHERE id = %s FOR UPDATE"
_KNOWN = "SELECT key, digest, readers, chunks FROM knowledge_documents WHERE base = %s AND source = %s"
_OLD = "SELECT id, chunks FROM knowledge_documents WHERE base = %s AND key = ANY (%s)"
_TAKE_POSTINGS = """
    WITH old AS (
        SELECT c.id, c.words, c.terms FROM knowledge_chunks AS c WHERE c.document = ANY (%(documents)s)
    ), gone AS (
        DELETE FROM knowledge_postings AS p USING (SELECT id, unnest(terms) AS term FROM old) AS o
        WHERE p.term = o.term AND p.chunk = o.id
    )
    SELECT words, terms FROM old
"""
_PUT = """
    INSERT INTO knowledge_documents AS kept (base, tenant, key, source, title, uri, media_type, digest, readers,
        metadata, modified_at, kept_at, chunks, words)
    VALUES (%(base)s, %(tenant)s, %(key)s, %(source)s, %(title)s, %(uri)s, %(media_type)s, %(digest)s, %(readers)s,
        %(metadata)s, %(modified_at)s, %(kept_at)s, %(chunks)s, %(words)s)
    ON CONFLICT (base, key) DO UPDATE SET version = kept.version + 1, source = excluded.source, title = excluded.title,
        uri = excluded.uri, media_type = excluded.media_type, digest = excluded.digest, readers = excluded.readers,
        metadata = excluded.metadata, modified_at = excluded.modified_at, kept_at = excluded.kept_at,
        chunks = excluded.chunks, words = excluded.words
    RETURNING id
"""
_PUT_TEXT = """
    INSERT INTO knowledge_texts (document, mean, text) VALUES (%s, %s::halfvec, %s)
    ON CONFLICT (document) DO UPDATE SET mean = excluded.mean, text = excluded.text
"""
_COPY_CHUNKS = """
    COPY knowledge_chunks (id, document, starts, ends, words, page, kind, heading, anchor, text, terms) FROM STDIN
"""
_COPY_VECTORS = "COPY knowledge_vectors (chunk, document, base, embedding) FROM STDIN (FORMAT BINARY)"
_COPY_POSTINGS = "COPY knowledge_postings (term, chunk, weight, words) FROM STDIN (FORMAT BINARY)"
_COUNT_TERMS = """
    INSERT INTO knowledge_terms AS kept (term, base, chunks)
    SELECT term, %(base)s, chunks FROM unnest(%(terms)s::bigint[], %(chunks)s::int[]) AS t (term, chunks)
    ON CONFLICT (term) DO UPDATE SET chunks = kept.chunks + excluded.chunks
"""
_DROP_TERMS = "DELETE FROM knowledge_terms WHERE term = ANY (%s) AND chunks <= 0"
_COUNT = """
    UPDATE knowledge_bases SET documents = documents + %(documents)s, chunks = chunks + %(chunks)s,
        words = words + %(words)s, revision = revision + 1
    WHERE id = %(base)s
"""
_MOVE = """
    UPDATE knowledge_documents
    SET key = %(to)s, title = %(title)s, uri = %(uri)s, source = %(source)s, modified_at = %(modified_at)s,
        readers = %(readers)s, metadata = %(metadata)s, kept_at = %(kept_at)s
    WHERE base = %(base)s AND key = %(key)s
"""
_PERMIT = "UPDATE knowledge_documents SET readers = %s WHERE base = %s AND key = %s"


class NoSuchBase(LookupError):
    """The base is not there, or not any more."""


class PostgresStore:
    """A `DocumentStore` over one connection in autocommit, whose user owns the tables."""

    def __init__(self, connection: psycopg.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def known(self, base: BaseId, source: str) -> Mapping[str, Known]:
        rows = self._connection.execute(_KNOWN, (base, source)).fetchall()
        return {
            key: Known(key, bytes(digest), tuple(Reader(each) for each in readers), chunks)
            for key, digest, readers, chunks in rows
        }

    def put(self, base: BaseId, document: Document, vectors: "NDArray[np.float32]") -> None:
        """As the contract says.  Raises `NoSuchBase`, and `ValueError` for vectors that are not of the base's width."""
        if len(document.chunks) >= MOST_CHUNKS:
            raise ValueError(f"a document of {len(document.chunks)} chunks is too large")
        each = [counted(base, document, chunk) for chunk in document.chunks]
        with self._connection.transaction():
            tenant, width = self._lock(base)
            if vectors.shape != (len(document.chunks), width):
                raise ValueError(f"vectors of {vectors.shape} for {len(document.chunks)} chunks of {width}")
            terms, before, words = self._take(base, [document.key])
            length = sum(found.words for found in each)
            values = {**_row(base, tenant, document, self._clock.now()), "words": length}
            row = self._connection.execute(_PUT, values).fetchone()
            assert row is not None  # noqa: S101 - INSERT … RETURNING with no condition gives a row
            number = int(row[0])
            self._connection.execute("DELETE FROM knowledge_chunks WHERE document = %s", (number,))
            self._connection.execute(_PUT_TEXT, (number, _mean(vectors), _sound(document.text)))
            self._write(base, number, document, each, vectors)
            terms.update(term for found in each for term in found.weights)
            self._count(
                base,
                terms,
                documents=0 if before is not None else 1,
                chunks=len(each) - (before or 0),
                words=length - words,
            )

    def move(self, base: BaseId, key: str, *, to: Document) -> None:
        """As the contract says; what was under the new key is gone.  Its old title is found until it is read anew."""
        with self._connection.transaction():
            tenant, _ = self._lock(base)
            if to.key != key:
                self._remove(base, [to.key])
            values = {**_row(base, tenant, to, self._clock.now()), "key": key, "to": to.key}
            self._connection.execute(_MOVE, values)
            self._count(base, Counter(), documents=0, chunks=0, words=0)

    def permit(self, base: BaseId, readers: Mapping[str, tuple[Reader, ...]]) -> None:
        with self._connection.transaction():
            self._lock(base)
            with self._connection.cursor() as cursor:
                cursor.executemany(_PERMIT, [(list(who), base, key) for key, who in readers.items()])
            self._count(base, Counter(), documents=0, chunks=0, words=0)

    def remove(self, base: BaseId, keys: Collection[str]) -> None:
        with self._connection.transaction():
            self._lock(base)
            self._remove(base, list(keys))

    def _remove(self, base: BaseId, keys: Sequence[str]) -> None:
        terms, chunks, words = self._take(base, keys)
        if chunks is None:
            return
        gone = self._connection.execute(
            "DELETE FROM knowledge_documents WHERE base = %s AND key = ANY (%s)", (base, list(keys))
        ).rowcount
        self._count(base, terms, documents=-gone, chunks=-chunks, words=-words)

    def _lock(self, base: BaseId) -> tuple[str, int]:
        row = self._connection.execute(_LOCK, (base,)).fetchone()
        if row is None:
            raise NoSuchBase(f"there is no knowledge base {base}")
        return str(row[0]), int(row[1])

    def _take(self, base: BaseId, keys: Sequence[str]) -> tuple[Counter[int], int | None, int]:
        """Take the postings of documents away; returns what is to be counted down.  None where there are none."""
        old = self._connection.execute(_OLD, (base, list(keys))).fetchall()
        terms: Counter[int] = Counter()
        if not old:
            return terms, None, 0
        rows = self._connection.execute(_TAKE_POSTINGS, {"documents": [number for number, _ in old]}).fetchall()
        for _, of_chunk in rows:
            terms.subtract(of_chunk)
        return terms, sum(chunks for _, chunks in old), sum(words for words, _ in rows)

    def _write(
        self, base: BaseId, number: int, document: Document, each: Sequence[Counted], vectors: "NDArray[np.float32]"
    ) -> None:
        first = number << ORDINAL_BITS
        halves = vectors.astype(">f2")
        head = halves.shape[1].to_bytes(2, "big") + b"\0\0"  # as pgvector's halfvec is sent
        with self._connection.cursor() as cursor:
            with cursor.copy(_COPY_CHUNKS) as copy:
                for at, (chunk, found) in enumerate(zip(document.chunks, each, strict=True)):
                    place = (first + at, number, chunk.start, chunk.end, found.words, chunk.page, chunk.kind)
                    heading = [_sound(title) for title in chunk.heading]
                    copy.write_row((*place, heading, chunk.anchor, _sound(chunk.text), list(found.weights)))
            with cursor.copy(_COPY_VECTORS) as copy:
                copy.set_types(["int8", "int8", "int8", "bytea"])
                for at in range(len(each)):
                    copy.write_row((first + at, number, base, head + halves[at].tobytes()))
            with cursor.copy(_COPY_POSTINGS) as copy:
                copy.set_types(["int8", "int8", "int2", "int2"])
                for at, found in enumerate(each):
                    for term, weight in found.weights.items():
                        copy.write_row((term, first + at, weight, found.words))

    def _count(self, base: BaseId, terms: Counter[int], *, documents: int, chunks: int, words: int) -> None:
        changed = {term: number for term, number in terms.items() if number}
        if changed:
            values = {"base": base, "terms": list(changed), "chunks": list(changed.values())}
            self._connection.execute(_COUNT_TERMS, values)
            if fewer := [term for term, number in changed.items() if number < 0]:
                self._connection.execute(_DROP_TERMS, (fewer,))
        self._connection.execute(_COUNT, {"base": base, "documents": documents, "chunks": chunks, "words": words})


def _row(base: BaseId, tenant: str, document: Document, now: float) -> dict[str, object]:
    return {
        "base": base,
        "tenant": tenant,
        "key": document.key,
        "source": document.source,
        "title": _sound(document.title),
        "uri": document.uri,
        "media_type": document.media_type,
        "digest": document.digest,
        "readers": sorted(set(document.readers)),
        "metadata": Jsonb({_sound(name): _sound(value) for name, value in document.metadata.items()}),
        "modified_at": document.modified_at,
        "kept_at": now,
        "chunks": len(document.chunks),
    }


def _sound(text: str) -> str:
    """As PostgreSQL takes it: no zero bytes, no unpaired surrogates.  No character changes its place."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _mean(vectors: "NDArray[np.float32]") -> str:
    """Of unit length, or zero where there is nothing to be the mean of."""
    total = vectors.sum(axis=0)
    norm = float((total * total).sum()) ** 0.5
    return halfvec(total / norm if norm else total)
