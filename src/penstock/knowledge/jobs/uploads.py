"""Files that were handed in, as a source: what waits is listed once, and forgotten when it is in the index."""

from collections.abc import Iterator
from typing import BinaryIO, Final

import psycopg

from penstock.core.sources import Reader
from penstock.knowledge.document import WITHIN
from penstock.knowledge.ingest.sources.rules import ReaderRule, glob_of
from penstock.knowledge.ingest.sources.source import Entry, Gone, Loaded
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import Upload

_MOST_KEY: Final = 1000
_UNKNOWN: Final = "\ufffd"
"""What stands for bytes that were no text: two names that differ in these would be one."""


class Uploads:
    """Implements `Source`.  `rules` say for each who may read it; `forget` what is done."""

    def __init__(self, connection: psycopg.Connection, source: int) -> None:
        self._connection = connection
        self._source = source
        self._waiting = {each.key: each for each in store.uploads(connection, source)}

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._waiting)

    @property
    def rules(self) -> tuple[ReaderRule, ...]:
        return tuple(ReaderRule(glob_of(each.key), each.readers) for each in self._waiting.values())

    def entries(self) -> Iterator[Entry]:
        for each in self._waiting.values():
            yield Entry(key=each.key, modified_at=each.at)

    def load(self, entry: Entry, *, mark: str | None = None) -> Loaded | None:
        data = store.upload_data(self._connection, self._waiting[entry.key].id)
        if data is None:
            raise Gone(entry.key)
        return Loaded(data)

    def close(self) -> None:
        """There is nothing to close."""

    def forget(self) -> None:
        """What was listed, whether it could be read or not: what could not is in the run's failures."""
        store.drop_uploads(self._connection, self._source, {each.key: each.id for each in self._waiting.values()})


def hand_in(
    connection: psycopg.Connection, source: int, name: str, file: BinaryIO, readers: tuple[Reader, ...], *, now: float
) -> int:
    """Keep a file until it is read.  Raises `ValueError` where its name is none, or nobody may read it."""
    check_name(name)
    if not readers:
        raise ValueError("a document needs readers: public, role:NAME, group:NAME or user:ID")
    return store.add_upload(connection, source, Upload(id=0, key=name, readers=readers, at=now), file)


def check_name(name: str) -> None:
    """A name is never a path that is opened; one that looks as if it led somewhere is refused all the same."""
    if not name or len(name) > _MOST_KEY or any(not letter.isprintable() or letter == _UNKNOWN for letter in name):
        raise ValueError(f"a name has up to {_MOST_KEY} letters, all of them printable")
    if any(part in {"", ".", ".."} for part in name.split("/")):
        raise ValueError("a name has no empty parts between slashes, and none that is . or ..")
    if WITHIN in name:
        raise ValueError(f"{WITHIN!r} stands before a file within another, and in no name")
