"""What operators do with a knowledge base, by command and over the admin API: hand in, look, have read, take away."""

from typing import BinaryIO, Final, Literal

import msgspec
import psycopg

from penstock.app.knowledge.views import Index
from penstock.core.clock import Clock
from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId, owner_of
from penstock.knowledge.index.bases import every_document, source_holding
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import SourceRow, UploadSpec
from penstock.knowledge.jobs.uploads import check_name, hand_in

FILES: Final = "files"
"""The source of single files that were handed in."""

State = Literal["ready", "waiting", "failed"]


class NameTaken(Exception):
    """A document of this name comes from a source that is not ours to overrule; `str()` is that source."""


class DocumentView(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a base.

    `waiting` is one that was handed in and is not read yet (what was there before is there until then); of a `failed`
    one `reason` says why for programs, `message` for people.
    """

    name: str
    state: State
    source: str
    readers: tuple[Reader, ...] = ()
    reason: str | None = None
    message: str | None = None
    id: str | None = None
    version: int | None = None
    title: str | None = None
    media_type: str | None = None
    uri: str | None = None
    modified_at: float | None = None
    chunks: int = 0


class Desk:
    """Over a connection in autocommit.  Each call is in force as a whole or not at all.  All raise `psycopg.Error`."""

    def __init__(self, connection: psycopg.Connection, index: Index, clock: Clock) -> None:
        self.bases = index.bases
        self._connection = connection
        self._documents = index.documents
        self._clock = clock

    def sources(self, base: BaseId) -> list[SourceRow]:
        return store.sources(self._connection, base)

    def hand_in(self, base: BaseId, name: str, file: BinaryIO, readers: tuple[Reader, ...]) -> None:
        """Keep a file until a worker reads it; it takes the place of one of the same name that was handed in.

        Raises `ValueError` for a name that is none, or without readers, and `NameTaken`.
        """
        check_name(name)
        held_by = source_holding(self._connection, base, name)
        if held_by not in {None, FILES}:
            raise NameTaken(held_by)
        with self._connection.transaction():
            source = store.add_source(self._connection, base, FILES, UploadSpec(), ())
            hand_in(self._connection, source, name, file, readers, now=self._clock.now())

    def queue(self, base: BaseId, *, only: str | None = None) -> list[str]:
        """Have a worker bring its sources (or one of them) up to date; returns their names."""
        rows = [row for row in self.sources(base) if only is None or row.name == only]
        with self._connection.transaction():
            for row in rows:
                if store.enqueue(self._connection, row.id):
                    store.mark_waiting(self._connection, row.id, now=self._clock.now())
        return [row.name for row in rows]

    def documents(self, base: BaseId, *, after: str = "", most: int = 100) -> list[DocumentView]:
        """By name, from `after` on: what is there, what waits, and what could not be read."""
        found: dict[str, DocumentView] = {}
        for each in every_document(self._connection, base, after=after, most=most):
            values = {name: getattr(each, name) for name in DocumentView.__struct_fields__ if hasattr(each, name)}
            found[each.key] = DocumentView(name=each.key, state="ready", **values)
        for row in self.sources(base):
            run = store.run_of(self._connection, row.id)
            for failure in () if run is None else run.progress.failures:
                if failure.key > after:
                    view = found.get(failure.key) or DocumentView(name=failure.key, state="failed", source=row.name)
                    found[failure.key] = msgspec.structs.replace(
                        view, state="failed", reason=failure.reason, message=failure.message
                    )
            for upload in store.uploads(self._connection, row.id):
                if upload.key > after:
                    view = found.get(upload.key) or DocumentView(name=upload.key, state="waiting", source=row.name)
                    found[upload.key] = msgspec.structs.replace(
                        view, state="waiting", readers=upload.readers, reason=None, message=None
                    )
        return [found[key] for key in sorted(found)[:most]]

    def remove_document(self, base: BaseId, name: str) -> bool:
        """A document with all that it carries, whether it is there, waits or failed; False where there is none.

        Raises `SourceBusy` while its source is being read, since what is read now would come back.
        """
        is_found = False
        for row in self.sources(base):
            keys = [key for key in self._documents.known(base, row.name) if name in {key, owner_of(key)}]
            run = store.run_of(self._connection, row.id)
            failures = [] if run is None else run.progress.failures
            left = [each for each in failures if name not in {each.key, owner_of(each.key)}]
            waits = any(each.key == name for each in store.uploads(self._connection, row.id))
            if not (keys or waits or len(left) < len(failures)):
                continue
            is_found = True
            with store.held(self._connection, row.id), self._connection.transaction():
                store.drop_waiting(self._connection, row.id, name)
                if keys:
                    self._documents.remove(base, keys)
                if run is not None and len(left) < len(failures):
                    progress = msgspec.structs.replace(run.progress, failures=left)
                    store.keep_run(self._connection, msgspec.structs.replace(run, progress=progress))
        return is_found

    def remove_source(self, base: BaseId, row: SourceRow) -> None:
        """And every document that came from it."""
        with self._connection.transaction():
            store.remove_source(self._connection, row.id)
            self._documents.remove(base, list(self._documents.known(base, row.name)))

    def delete(self, base: BaseId) -> None:
        """The base, its documents, and where they come from."""
        with self._connection.transaction():
            self.bases.delete(base)
            for row in self.sources(base):
                store.remove_source(self._connection, row.id)
