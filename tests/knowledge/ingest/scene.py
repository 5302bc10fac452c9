"""A folder, a store in memory and an embedder that is quick: what bringing a source up to date is tried on."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId, Document, Known
from penstock.knowledge.ingest.embedding import Embedder
from penstock.knowledge.ingest.progress import Progress
from penstock.knowledge.ingest.reading import Reading, read
from penstock.knowledge.ingest.sources.folder import Folder
from penstock.knowledge.ingest.sources.rules import parsed_rules
from penstock.knowledge.ingest.sync import Job, Sync, Tools
from penstock.knowledge.ingest.unreadable import Limits
from penstock.testing.clock import FakeClock

BASE = BaseId(1)


class Store:
    """Implements `DocumentStore` for one base; `log` is what was asked of it."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[Document, NDArray[np.float32]]] = {}
        self.log: list[tuple[str, str]] = []

    def known(self, base: BaseId, source: str) -> Mapping[str, Known]:
        return {key: Known(key, each.digest, each.readers, len(each.chunks)) for key, (each, _) in self.kept.items()}

    def put(self, base: BaseId, document: Document, vectors: NDArray[np.float32]) -> None:
        assert len(vectors) == len(document.chunks)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1) or not len(vectors)
        self.log.append(("put", document.key))
        self.kept[document.key] = (document, vectors)

    def move(self, base: BaseId, key: str, *, to: Document) -> None:
        self.log.append(("move", f"{key} > {to.key}"))
        old, vectors = self.kept.pop(key)
        assert len(to.chunks) == len(old.chunks)
        # As the protocol has it: rights are moved by nobody but `permit`.
        self.kept[to.key] = (msgspec.structs.replace(to, readers=old.readers), vectors)

    def permit(self, base: BaseId, readers: Mapping[str, tuple[Reader, ...]]) -> None:
        for key, each in readers.items():
            self.log.append(("permit", key))
            document, vectors = self.kept[key]
            self.kept[key] = (msgspec.structs.replace(document, readers=each), vectors)

    def remove(self, base: BaseId, keys: Collection[str]) -> None:
        for key in keys:
            self.log.append(("remove", key))
            del self.kept[key]

    @property
    def readers(self) -> dict[str, tuple[Reader, ...]]:
        return {key: document.readers for key, (document, _) in self.kept.items()}


class Here:
    """Reads in this process, and notes what."""

    def __init__(self) -> None:
        self.read_names: list[str] = []

    def read(self, data: bytes, name: str) -> Reading:
        self.read_names.append(name)
        return read(data, name, Limits())


class Marked:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, bytes]] = {}

    def load(self) -> Mapping[str, tuple[str, bytes]]:
        return dict(self.kept)

    def keep(self, key: str, mark: str, digest: bytes) -> None:
        self.kept[key] = (mark, digest)


class Scene:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store()
        self.reader = Here()
        self.embedded: list[str] = []

    def write(self, **texts: str | bytes) -> None:
        for name, text in texts.items():
            path = self.root / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def sync(
        self, *rules: str, is_stopped: Callable[[], bool] = lambda: False, salt: str = "", most_bytes: int = 1 << 20
    ) -> Progress:
        embedder = Embedder(self._vector, width=4, threads=1)
        self.store.log.clear()
        self.reader.read_names.clear()
        self.embedded.clear()
        job = Job(base=BASE, source="s", rules=parsed_rules(rules or ("public",)), salt=salt)
        tools = Tools(reader=self.reader, embedder=embedder, marks=Marked(), clock=FakeClock())
        try:
            return Sync(job, Folder(self.root, most_bytes=most_bytes), self.store, tools, is_stopped=is_stopped).run()
        finally:
            embedder.close()

    @staticmethod
    def embedder() -> Embedder:
        return Embedder(lambda _: np.array([0, 1, 0, 0], np.float32), width=4, threads=1)

    def _vector(self, text: str) -> NDArray[np.float32]:
        self.embedded.append(text)
        return np.array([0, 1, 0, 0], np.float32)
