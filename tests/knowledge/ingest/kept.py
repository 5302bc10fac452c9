"""An index in PostgreSQL that is just enough for processes to share: it keeps documents whole and finds nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
import numpy as np
import psycopg
from numpy.typing import NDArray

from penstock.app.knowledge.ingest import Index
from penstock.app.knowledge.views import BaseView
from penstock.core.clock import Clock
from penstock.core.errors import ConfigError
from penstock.core.sources import Passage, Reader
from penstock.encoder.executor import Encoder
from penstock.knowledge.document import BaseId, Document, Known

SCHEMA = """
    CREATE TABLE IF NOT EXISTS kept_bases (id bigint GENERATED ALWAYS AS IDENTITY, tenant text, name text);
    CREATE TABLE IF NOT EXISTS kept (base bigint, key text, version int DEFAULT 1, document bytea, vectors bytea,
        PRIMARY KEY (base, key));
"""


class KeptStore:
    """Implements `DocumentStore`; `version` counts how often a document was put."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.execute(SCHEMA)

    def documents(self, base: BaseId) -> dict[str, Document]:
        rows = self._connection.execute("SELECT key, document FROM kept WHERE base = %s", (base,)).fetchall()
        return {key: msgspec.msgpack.decode(data, type=Document) for key, data in rows}

    def versions(self, base: BaseId) -> dict[str, int]:
        return dict(self._connection.execute("SELECT key, version FROM kept WHERE base = %s", (base,)).fetchall())

    def vectors(self, base: BaseId) -> dict[str, bytes]:
        return dict(self._connection.execute("SELECT key, vectors FROM kept WHERE base = %s", (base,)).fetchall())

    def known(self, base: BaseId, source: str) -> Mapping[str, Known]:
        return {
            key: Known(key, each.digest, each.readers, len(each.chunks))
            for key, each in self.documents(base).items()
            if each.source == source
        }

    def put(self, base: BaseId, document: Document, vectors: NDArray[np.float32]) -> None:
        self._connection.execute(
            "INSERT INTO kept (base, key, document, vectors) VALUES (%s, %s, %s, %s) ON CONFLICT (base, key) DO UPDATE"
            " SET document = excluded.document, vectors = excluded.vectors, version = kept.version + 1",
            (base, document.key, msgspec.msgpack.encode(document), vectors.tobytes()),
        )

    def move(self, base: BaseId, key: str, *, to: Document) -> None:
        query = "UPDATE kept SET key = %s, document = %s WHERE base = %s AND key = %s"
        self._connection.execute(query, (to.key, msgspec.msgpack.encode(to), base, key))

    def permit(self, base: BaseId, readers: Mapping[str, tuple[Reader, ...]]) -> None:
        for key, document in self.documents(base).items():
            if key in readers:
                changed = msgspec.msgpack.encode(msgspec.structs.replace(document, readers=readers[key]))
                query = "UPDATE kept SET document = %s WHERE base = %s AND key = %s"
                self._connection.execute(query, (changed, base, key))

    def remove(self, base: BaseId, keys: Collection[str]) -> None:
        self._connection.execute("DELETE FROM kept WHERE base = %s AND key = ANY(%s)", (base, list(keys)))


class KeptBases:
    """Implements `Bases`; a search finds the documents that hold the query's letters."""

    def __init__(self, connection: psycopg.Connection, store: KeptStore) -> None:
        self._connection = connection
        self._store = store

    def create(self, tenant: str, name: str) -> BaseId:
        if self.find(tenant, name) is not None:
            raise ConfigError(f"there is a knowledge base {name!r} already")
        query = "INSERT INTO kept_bases (tenant, name) VALUES (%s, %s) RETURNING id"
        row = self._connection.execute(query, (tenant, name)).fetchone()
        assert row is not None
        return BaseId(row[0])

    def find(self, tenant: str, name: str) -> BaseView | None:
        return next((base for base in self.listed(tenant) if base.name == name), None)

    def listed(self, tenant: str | None) -> Sequence[BaseView]:
        rows = self._connection.execute("SELECT id, tenant, name FROM kept_bases").fetchall()
        return [
            BaseView(
                id=BaseId(number),
                tenant=owner,
                name=name,
                documents=len(documents := self._store.documents(BaseId(number))),
                chunks=sum(len(each.chunks) for each in documents.values()),
            )
            for number, owner, name in rows
            if tenant in {None, owner}
        ]

    def delete(self, base: BaseId) -> None:
        self._connection.execute("DELETE FROM kept WHERE base = %s", (base,))
        self._connection.execute("DELETE FROM kept_bases WHERE id = %s", (base,))

    def search(self, base: BaseId, query: str, readers: Sequence[Reader], *, most: int) -> Sequence[Passage]:
        found = [
            each
            for each in self._store.documents(base).values()
            if query in each.text and set(each.readers) & set(readers)
        ]
        return [
            Passage(
                label=str(at),
                document=each.key,
                version=1,
                title=each.title,
                text=each.text,
                start=0,
                end=len(each.text),
            )
            for at, each in enumerate(found[:most], 1)
        ]


def open_kept(connection: psycopg.Connection, encoder: Callable[[], Encoder], clock: Clock) -> Index:
    """Implements `OpenIndex`."""
    del encoder, clock
    store = KeptStore(connection)
    return Index(store, KeptBases(connection, store))
