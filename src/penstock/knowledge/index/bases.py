"""Knowledge bases themselves, and their documents as lists: what commands and the console show.

What creates, deletes and counts bases runs as who owns them, for administrators of their tenant; what shows documents
runs as who asks.
"""

from dataclasses import dataclass
from typing import Final, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg import sql

from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId
from penstock.knowledge.index.steps import READABLE, Asker, Statement, Steps, assume

SHARED: Final = ""
"""The tenant of bases that all tenants read; their documents are public."""
_MOST_INDEXED: Final = 4_000
"""What pgvector can index of half-precision numbers; wider vectors are compared one by one."""

_CREATE: LiteralString = """
    INSERT INTO knowledge_bases (tenant, name, encoder, width) VALUES (%s, %s, %s, %s)
    ON CONFLICT (tenant, name) DO NOTHING RETURNING id
"""
_FIND: LiteralString = """
    SELECT id, tenant, name, encoder, width, documents, chunks, revision FROM knowledge_bases
    WHERE tenant = %(tenant)s AND name = %(name)s
"""
_LIST: LiteralString = """
    SELECT id, tenant, name, encoder, width, documents, chunks, revision FROM knowledge_bases
    WHERE %(tenant)s::text IS NULL OR tenant = ANY (ARRAY['', %(tenant)s]) ORDER BY tenant, name LIMIT 10000
"""
_POSTINGS: LiteralString = """
    DELETE FROM knowledge_postings AS p USING (
        SELECT c.id, unnest(c.terms) AS term
        FROM knowledge_chunks AS c JOIN knowledge_documents AS d ON d.id = c.document WHERE d.base = %s
    ) AS o WHERE p.term = o.term AND p.chunk = o.id
"""
_DOCUMENTS: LiteralString = f"""
    SELECT d.id, d.key, d.version, d.title, d.uri, d.media_type, d.source, d.readers, d.metadata, d.modified_at,
        d.chunks
    FROM knowledge_documents AS d
    WHERE d.base = %(base)s AND {READABLE} AND d.key > %(after)s ORDER BY d.key LIMIT %(most)s
"""  # noqa: S608 - put together of constants
_DOCUMENT: LiteralString = f"""
    SELECT d.id, d.key, d.version, d.title, d.uri, d.media_type, d.source, d.readers, d.metadata, d.modified_at,
        d.chunks, t.text
    FROM knowledge_documents AS d JOIN knowledge_texts AS t ON t.document = d.id
    WHERE d.id = %(document)s AND {READABLE}
"""  # noqa: S608 - same


_EVERY: LiteralString = """
    SELECT d.id, d.key, d.version, d.title, d.uri, d.media_type, d.source, d.readers, d.metadata, d.modified_at,
        d.chunks
    FROM knowledge_documents AS d
    WHERE d.base = %(base)s AND d.key COLLATE "C" > %(after)s ORDER BY d.key COLLATE "C" LIMIT %(most)s
"""


class Base(NamedTuple):
    """A base as it stands.  `revision` rises with every change of its documents or of who may read them."""

    id: BaseId
    tenant: str
    name: str
    encoder: str
    width: int
    documents: int
    chunks: int
    revision: int


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A document that its asker may read; `text` only where one document was asked for."""

    id: str
    key: str
    version: int
    title: str
    uri: str | None
    media_type: str
    source: str
    readers: tuple[Reader, ...]
    metadata: dict[str, str]
    modified_at: float | None
    chunks: int
    text: str | None = None


class BaseExists(Exception):
    """The tenant has a base of this name already."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a base's vectors depend on (`Encoder.identity`), and how long they are."""

    encoder: str
    width: int


def create_base(connection: psycopg.Connection, tenant: str, name: str, of: Fingerprint) -> BaseId:
    """Make a base of the tenant, or of all (`SHARED`).  Raises `BaseExists`."""
    with connection.transaction():
        row = connection.execute(_CREATE, (tenant, name, of.encoder, of.width)).fetchone()
        if row is None:
            raise BaseExists(name)
        if of.width <= _MOST_INDEXED:
            connection.execute(
                sql.SQL(
                    "CREATE INDEX IF NOT EXISTS {} ON knowledge_vectors"
                    " USING hnsw ((embedding::halfvec({width})) halfvec_ip_ops) WITH (m = 16, ef_construction = 64)"
                    " WHERE vector_dims(embedding) = {width}"
                ).format(sql.Identifier(f"knowledge_vectors_{of.width}"), width=sql.Literal(of.width))
            )
    return BaseId(row[0])


def find_base(connection: psycopg.Connection, tenant: str, name: str) -> Base | None:
    """The tenant's own base of this name."""
    row = connection.execute(_FIND, {"tenant": tenant, "name": name}).fetchone()
    return None if row is None else Base(*row)


def list_bases(connection: psycopg.Connection, tenant: str | None) -> list[Base]:
    """The tenant's own bases and those of all; None is every base there is."""
    return [Base(*row) for row in connection.execute(_LIST, {"tenant": tenant}).fetchall()]


def delete_base(connection: psycopg.Connection, base: BaseId) -> bool:
    """Delete a base and all that is in it; False where there was none."""
    with connection.transaction():
        if connection.execute("SELECT FROM knowledge_bases WHERE id = %s FOR UPDATE", (base,)).fetchone() is None:
            return False
        connection.execute(_POSTINGS, (base,))
        connection.execute("DELETE FROM knowledge_terms WHERE base = %s", (base,))
        connection.execute("DELETE FROM knowledge_bases WHERE id = %s", (base,))
    return True


def bases_for(asker: Asker) -> Steps[list[Base]]:
    """The bases that the asker's searches may name: its tenant's, and those of all."""
    _, rows = yield assume(asker), Statement(_LIST, asker.values)
    return [Base(*row) for row in rows]


def documents_for(asker: Asker, base: BaseId, *, after: str = "", most: int = 100) -> Steps[list[Listed]]:
    """The documents of a base that the asker may read, by key from `after` on."""
    values = {**asker.values, "base": base, "after": after, "most": most}
    _, rows = yield assume(asker), Statement(_DOCUMENTS, values)
    return [_listed(*row) for row in rows]


def every_document(connection: psycopg.Connection, base: BaseId, *, after: str, most: int) -> list[Listed]:
    """Documents by key (its code points) from `after` on, whoever may read them: for who keeps the base."""
    rows = connection.execute(_EVERY, {"base": base, "after": after, "most": most}).fetchall()
    return [_listed(*row) for row in rows]


def source_holding(connection: psycopg.Connection, base: BaseId, key: str) -> str | None:
    """The source that a document came from; None where there is no document of this key."""
    query = "SELECT source FROM knowledge_documents WHERE base = %s AND key = %s"
    row = connection.execute(query, (base, key)).fetchone()
    return None if row is None else str(row[0])


def document_for(asker: Asker, document: str) -> Steps[Listed | None]:
    """One document with its text; None where there is none that the asker may read."""
    number = document_number(document)
    if number is None:
        return None
    _, rows = yield assume(asker), Statement(_DOCUMENT, {**asker.values, "document": number})
    return _listed(*rows[0]) if rows else None


def document_id(number: int) -> str:
    """What a document is called outside of the database."""
    return f"doc_{number}"


def document_number(document: str) -> int | None:
    """The other way round; None for what is no document's id."""
    digits = document.removeprefix("doc_")
    is_one = digits != document and digits.isascii() and digits.isdigit() and len(digits) < 19
    return int(digits) if is_one else None


def _listed(number: int, *rest: object) -> Listed:
    names = ("key", "version", "title", "uri", "media_type", "source", "readers", "metadata", "modified_at", "chunks")
    found = dict(zip((*names, "text"), rest, strict=False))
    return msgspec.convert({"id": document_id(number), **found}, Listed)
