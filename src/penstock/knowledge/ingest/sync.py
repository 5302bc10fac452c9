"""Brings the index up to date with a source.

Rights come first, then what has moved or gone, then what is new or changed, each document in one transaction of its
own: whenever this ends half-way, doing it again does the rest, and the end is the same.  What cannot be read fails
alone; its old text goes, since the source has it no more, unless the file merely could not be reached.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol

import msgspec

from penstock.core.clock import Clock
from penstock.core.sources import Reader
from penstock.knowledge.document import WITHIN, BaseId, Document, DocumentStore, Known, owner_of
from penstock.knowledge.ingest.blocks import Attachment
from penstock.knowledge.ingest.embedding import Embedder, Vector
from penstock.knowledge.ingest.progress import Progress
from penstock.knowledge.ingest.reading import VERSION, Reading
from penstock.knowledge.ingest.sources.rules import ReaderRule, readers_for
from penstock.knowledge.ingest.sources.source import Entry, Gone, Source, SourceUnavailable
from penstock.knowledge.ingest.unreadable import Unreadable

_MOST_AHEAD: Final = 8
_MOST_BYTES_AHEAD: Final = 64 << 20
_MOST_WITHIN: Final = 3


class Stopped(Exception):
    """Told to stop before the end.  What is done is done; the next time does the rest."""


class FileReader(Protocol):
    def read(self, data: bytes, name: str) -> Reading: ...


class Marks(Protocol):
    """What a source said of its files when they were last read: `{key: (mark, digest)}`."""

    def load(self) -> Mapping[str, tuple[str, bytes]]: ...
    def keep(self, key: str, mark: str, digest: bytes) -> None: ...


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to bring up to date: `source` is its name, as documents carry it.

    Where `removes_gone` is false, what is not listed stays: uploads are listed once.
    """

    base: BaseId
    source: str
    rules: tuple[ReaderRule, ...]
    salt: str = ""
    """What vectors depend on: where it changes, every document is read anew."""
    removes_gone: bool = True


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What reading takes: `readers` is how many files `reader` reads at once."""

    reader: FileReader
    embedder: Embedder
    marks: Marks
    clock: Clock
    readers: int = 2


class _Read(msgspec.Struct, frozen=True):
    """A document that waits for its vectors."""

    document: Document
    vectors: "list[Future[Vector]]"


class Sync:
    """`run` it once, in a thread that may block.  `report` is called after each file; `is_stopped` is asked before."""

    def __init__(
        self,
        job: Job,
        source: Source,
        store: DocumentStore,
        tools: Tools,
        *,
        report: Callable[[Progress], None] = lambda _: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._job = job
        self._source = source
        self._store = store
        self._tools = tools
        self._report = report
        self._is_stopped = is_stopped
        self._progress = Progress()
        self._began_s = tools.clock.monotonic()
        self._known: dict[str, Known] = {}
        self._entries: dict[str, Entry] = {}
        self._readers: dict[str, tuple[Reader, ...]] = {}

    def run(self) -> Progress:
        """Raises `SourceUnavailable`, `Stopped`, and what the store raises."""
        self._known = dict(self._store.known(self._job.base, self._job.source))
        self._entries = self._listed()
        self._permit()
        changed, kept = self._compared()
        self._move_and_remove(changed, kept)
        self._read_all(changed)
        self._progress.phase = "done"
        self._tell()
        return self._progress

    def _listed(self) -> dict[str, Entry]:
        """Everything that somebody may read; the rest is told of."""
        entries: dict[str, Entry] = {}
        for entry in self._source.entries():
            self._progress.files += 1
            readers = readers_for(entry.key, self._job.rules)
            if not readers:
                self._progress.fail(
                    entry.key, Unreadable("nobody", "no rule says who may read it, so nobody may: add one that fits it")
                )
            else:
                self._readers[entry.key] = readers
                entries[entry.key] = entry
        if not self._progress.files and self._known and self._job.removes_gone:
            raise SourceUnavailable("the source is empty now, and was not: remove it if that is meant")
        self._tell()
        return entries

    def _permit(self) -> None:
        """Rights are in force before anything else is done, and whatever becomes of the rest."""
        wanted = {
            key: self._readers[owner]
            for key, known in self._known.items()
            if (owner := owner_of(key)) in self._entries and known.readers != self._readers[owner]
        }
        if wanted:
            self._store.permit(self._job.base, wanted)
            self._progress.permitted = len(wanted)
        nobodys = {failure.key for failure in self._progress.failures if failure.reason == "nobody"}
        unreadable = [key for key in self._known if owner_of(key) in nobodys]
        self._remove(unreadable)

    def _compared(self) -> tuple[dict[str, bytes], set[str]]:
        """The digests of what must be read, and the keys of what could not be reached and stays as it is."""
        self._progress.phase = "comparing"
        marks = self._tools.marks.load()
        changed: dict[str, bytes] = {}
        kept: set[str] = set()
        for key, entry in self._entries.items():
            self._check()
            known = self._known.get(key)
            mark, marked = marks.get(key, ("", b""))
            is_marked = bool(mark) and known is not None and known.digest == marked
            try:
                if entry.trouble is not None:
                    raise entry.trouble
                loaded = self._source.load(entry, mark=mark if is_marked else None)
                digest = marked if loaded is None else self._digest(loaded.data)
                if loaded is not None and loaded.mark is not None:
                    self._tools.marks.keep(key, loaded.mark, digest)
                if known is not None and known.digest == digest:
                    self._progress.unchanged += 1
                    kept.add(key)
                elif loaded is not None:
                    changed[key] = digest
                    self._progress.bytes_to_read += len(loaded.data)
            except Gone:
                pass
            except Unreadable as error:
                self._progress.fail(key, error)
                if error.reason == "unreachable":
                    kept.add(key)
            self._progress.compared += 1
            self._tell()
        self._progress.to_read = len(changed)
        return changed, kept

    def _move_and_remove(self, changed: dict[str, bytes], kept: set[str]) -> None:
        there = kept | changed.keys()
        gone = [key for key in self._known if owner_of(key) not in there] if self._job.removes_gone else []
        carriers = {owner_of(key) for key in self._known if owner_of(key) != key}
        movable = {self._known[key].digest: key for key in gone if owner_of(key) == key and key not in carriers}
        for key, digest in list(changed.items()):
            old = movable.get(digest) if key not in self._known else None
            if old is not None and self._move(old, self._entries[key], digest):
                del movable[digest], changed[key]
                gone.remove(old)
                self._progress.to_read -= 1
        self._remove(gone)

    def _move(self, old: str, entry: Entry, digest: bytes) -> bool:
        """The file is read for its title and text, which may be named after the file; its vectors stay."""
        self._check()
        try:
            loaded = self._source.load(entry)
            if loaded is None or self._digest(loaded.data) != digest:
                return False
            reading = self._tools.reader.read(loaded.data, entry.key)
        except (Unreadable, Gone):
            return False  # reading it in its turn will say why
        if reading.attachments or len(reading.chunks) != self._known[old].chunks:
            return False
        self._progress.bytes_to_read -= len(loaded.data)
        document = self._document(reading, entry.key, entry, digest)
        if self._known[old].readers != document.readers:
            self._store.permit(self._job.base, {old: document.readers})  # before it can be found where it is now
        self._store.move(self._job.base, old, to=document)
        self._progress.moved += 1
        self._tell()
        return True

    def _remove(self, keys: Sequence[str]) -> None:
        if keys:
            self._store.remove(self._job.base, keys)
            self._progress.removed += len(keys)
            for key in keys:
                self._known.pop(key, None)

    def _read_all(self, changed: Mapping[str, bytes]) -> None:
        """A few files ahead are read, and their chunks embedded, while those before them are put into the index."""
        self._progress.phase = "reading"
        self._progress.reading_since_s = self._tools.clock.monotonic() - self._began_s
        ahead: deque[tuple[str, int, Future[list[_Read]]]] = deque()
        pending = iter(changed)
        with ThreadPoolExecutor(self._tools.readers, thread_name_prefix="reading") as pool:
            try:
                while True:
                    while len(ahead) < _MOST_AHEAD and sum(size for _, size, _ in ahead) < _MOST_BYTES_AHEAD:
                        key = next(pending, None)
                        if key is None:
                            break
                        started = self._start(key, pool)
                        if started is not None:
                            ahead.append((key, *started))
                    if not ahead:
                        return
                    key, size, reading = ahead.popleft()
                    self._check()
                    self._put(key, reading)
                    self._progress.read += 1
                    self._progress.bytes_read += size
                    self._tell()
            finally:
                for _, _, reading in ahead:
                    reading.cancel()

    def _start(self, key: str, pool: ThreadPoolExecutor) -> "tuple[int, Future[list[_Read]]] | None":
        entry = self._entries[key]
        try:
            loaded = self._source.load(entry)
        except Gone:
            self._remove([each for each in self._known if owner_of(each) == key])
            return None
        except Unreadable as error:
            self._progress.fail(key, error)
            return None
        if loaded is None:
            return None
        return len(loaded.data), pool.submit(self._read, entry, loaded.data)

    def _put(self, key: str, reading: "Future[list[_Read]]") -> None:
        """The files that it carries first and itself last: it counts as read only when they are."""
        try:
            found = reading.result()
        except Unreadable as error:
            self._progress.fail(key, error)
            self._remove([each for each in self._known if owner_of(each) == key])
            return
        stale = {each for each in self._known if owner_of(each) == key and each != key}
        for each in reversed(found):
            self._store.put(self._job.base, each.document, self._tools.embedder.gathered(each.vectors))
            self._progress.chunks += len(each.document.chunks)
            stale.discard(each.document.key)
        self._remove(sorted(stale))

    def _read(self, entry: Entry, data: bytes) -> list[_Read]:
        """In a thread: the file, and the files within it.  Raises `Unreadable` of the file itself."""
        return list(self._read_one(entry.key, entry, data, 0))

    def _read_one(self, key: str, entry: Entry, data: bytes, depth: int) -> Iterator[_Read]:
        reading = self._tools.reader.read(data, key)
        yield _Read(
            self._document(reading, key, entry, self._digest(data)),
            self._tools.embedder.submit(reading.title, reading.chunks),
        )
        for name, attachment in _named(reading.attachments):
            inner = f"{key}{WITHIN}{name}"
            if depth >= _MOST_WITHIN:
                self._progress.fail(inner, Unreadable("bomb", "it lies too deep within other files"))
                continue
            try:
                yield from self._read_one(inner, entry, attachment.data, depth + 1)
            except Unreadable as error:
                self._progress.fail(inner, error)

    def _document(self, reading: Reading, key: str, entry: Entry, digest: bytes) -> Document:
        return Document(
            key=key,
            title=reading.title,
            text=reading.text,
            chunks=reading.chunks,
            digest=digest,
            media_type=reading.media_type,
            readers=self._readers[entry.key],
            source=self._job.source,
            uri=entry.uri,
            modified_at=entry.modified_at,
            metadata=reading.metadata,
        )

    def _digest(self, data: bytes) -> bytes:
        """Of the bytes, and of all else that decides what becomes of them."""
        key = hashlib.sha256(f"{VERSION}\n{self._job.salt}".encode()).digest()
        return hashlib.blake2b(data, digest_size=32, key=key).digest()

    def _check(self) -> None:
        if self._is_stopped():
            raise Stopped

    def _tell(self) -> None:
        self._progress.seconds = self._tools.clock.monotonic() - self._began_s
        self._report(self._progress)


def _named(attachments: Sequence[Attachment]) -> Iterator[tuple[str, Attachment]]:
    """Names that come twice are told apart."""
    seen: dict[str, int] = {}
    for each in attachments:
        number = seen.get(each.name, 0)
        seen[each.name] = number + 1
        yield (f"{number}-{each.name}" if number else each.name), each
