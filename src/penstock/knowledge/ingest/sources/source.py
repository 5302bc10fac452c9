"""What a source of documents is to those who bring the index up to date with it."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from penstock.knowledge.ingest.unreadable import Unreadable


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file that is there now.  `trouble` is why it cannot be read, where that is plain without trying."""

    key: str
    uri: str | None = None
    size: int | None = None
    modified_at: float | None = None
    trouble: Unreadable | None = None


class Loaded(msgspec.Struct, frozen=True):
    """`mark` is what tells the source the next time that nothing has changed; None where it has no such thing."""

    data: bytes
    mark: str | None = None


class Gone(Exception):
    """It was listed and is there no more."""


class SourceUnavailable(Exception):
    """The source as a whole cannot be looked at now.  Nothing is taken for deleted."""


class Source(Protocol):
    """Called from one thread.

    `entries` raises `SourceUnavailable`.  `load` gives None where nothing has changed since `mark`, and raises
    `Unreadable` or `Gone`; asked again without a mark, it gives what it gave before, or what is there now.
    """

    def entries(self) -> Iterable[Entry]: ...
    def load(self, entry: Entry, *, mark: str | None = None) -> Loaded | None: ...
    def close(self) -> None: ...
