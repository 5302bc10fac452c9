"""A store that keeps documents in memory: what is measured is the taking in, not the index."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId, Document, Known


class MemoryStore:
    """Implements `DocumentStore` for one base."""

    def __init__(self) -> None:
        self.documents: dict[str, tuple[Document, NDArray[np.float32]]] = {}

    def known(self, base: BaseId, source: str) -> Mapping[str, Known]:
        return {
            key: Known(key, document.digest, document.readers, len(document.chunks))
            for key, (document, _) in self.documents.items()
            if document.source == source
        }

    def put(self, base: BaseId, document: Document, vectors: NDArray[np.float32]) -> None:
        if len(vectors) != len(document.chunks):
            raise ValueError(f"{len(vectors)} vectors for {len(document.chunks)} chunks")
        self.documents[document.key] = (document, vectors)

    def move(self, base: BaseId, key: str, *, to: Document) -> None:
        _, vectors = self.documents.pop(key)
        self.documents[to.key] = (to, vectors)

    def permit(self, base: BaseId, readers: Mapping[str, tuple[Reader, ...]]) -> None:
        raise NotImplementedError

    def remove(self, base: BaseId, keys: Collection[str]) -> None:
        for key in keys:
            self.documents.pop(key, None)
