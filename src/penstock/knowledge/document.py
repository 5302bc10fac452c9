"""A document between its two halves: `ingest` takes files apart into it, `index` keeps it and finds in it."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, Literal, NewType, Protocol

import msgspec

from penstock.core.sources import Reader

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BaseId = NewType("BaseId", int)
"""A knowledge base, which belongs to one tenant."""

WITHIN: Final = "!/"
"""Between an e-mail's key and the name of a file that it carries."""

ChunkKind = Literal["text", "table", "code", "list"]


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """What is found as one: `text` as it is shown, a whole table or some paragraphs that belong together.

    `start` and `end` are its place in `Document.text`; `heading` are the titles above it, the widest first.  `page`
    counts from 1 where the format has pages (or slides, or sheets), `anchor` is a fragment for the document's `uri`.
    """

    ordinal: int
    text: str
    start: int
    end: int
    heading: tuple[str, ...] = ()
    kind: ChunkKind = "text"
    page: int | None = None
    anchor: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One document, read.

    `key` is what it is known by within its knowledge base: the path below a source's folder, an address, or a name
    that the caller of the API gave it.  A document of the same key takes its place.  `digest` is of the bytes that it
    was made from.  `readers` are all who may read it, never empty: a document that nobody names is nobody's.
    """

    key: str
    title: str
    text: str
    chunks: tuple[Chunk, ...]
    digest: bytes
    media_type: str
    readers: tuple[Reader, ...]
    source: str = ""
    uri: str | None = None
    modified_at: float | None = None
    metadata: dict[str, str] = {}


class Known(msgspec.Struct, frozen=True):
    """What the index has of a document, as far as `ingest` must know it to leave alone what has not changed."""

    key: str
    digest: bytes
    readers: tuple[Reader, ...]
    chunks: int


class DocumentStore(Protocol):
    """Where documents are kept and found; called from a worker's thread, one call at a time.

    Each call is one transaction, in force as a whole or not at all, and at once.  `put` takes the place of the document
    of the same key; `vectors` has a row of unit length for each chunk.  `move` gives what is kept under one key
    another, with its new title and uri, and reads nothing anew.  All raise `psycopg.Error` where the database fails.
    """

    def known(self, base: BaseId, source: str) -> Mapping[str, Known]: ...
    def put(self, base: BaseId, document: Document, vectors: "NDArray[np.float32]") -> None: ...
    def move(self, base: BaseId, key: str, *, to: Document) -> None: ...
    def permit(self, base: BaseId, readers: Mapping[str, tuple[Reader, ...]]) -> None: ...
    def remove(self, base: BaseId, keys: Collection[str]) -> None: ...


def owner_of(key: str) -> str:
    """The file that it came in: an e-mail's key for what the e-mail carries."""
    return key.split(WITHIN, 1)[0]
