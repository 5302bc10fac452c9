"""Where holds and remarks wait on this machine until they are in the database: files that outlive the process, and a
power cut.

A caller is told that a person will see to its question, or that what it says of an answer is kept: it is on the disk
before that is said, and no network is waited for.  Whoever makes the outbox hands it the journal's way of writing
(`watch.journal.JournalFile`, without a syncer of its own) and of reading how much waits (`watch.segment.segments`).
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from penstock.core.errors import LedgerUnavailable

FOLDER = "holds"
"""Below the data directory."""

_MOST_WAITING_BYTES = 256 << 20
_REFUSED = "The answer must be seen by a person, and that cannot be recorded at the moment; try again later."


class _Health(Protocol):
    @property
    def error(self) -> str | None: ...


class OutboxFile(Protocol):
    """`append` is in the file when it returns, `sync` brings it to the disk; `health` says where that failed."""

    @property
    def health(self) -> _Health: ...
    def append(self, record: msgspec.Struct, /) -> None: ...
    def sync(self) -> None: ...
    def close(self) -> None: ...


class Outbox:
    """One for each process and folder, made after any fork; `write` on its event loop.

    `open_file` makes the file in `folder` with the first record, since most processes never get any; `waiting_bytes`
    says how much lies in the folder.  `refused` is what a caller is told whose record cannot be taken.
    """

    def __init__(
        self,
        folder: Path,
        open_file: Callable[[Path], OutboxFile],
        waiting_bytes: Callable[[Path], int],
        *,
        most_waiting_bytes: int = _MOST_WAITING_BYTES,
        refused: str = _REFUSED,
    ) -> None:
        self.folder = folder
        self._open_file = open_file
        self._waiting_bytes = waiting_bytes
        self._most_waiting_bytes = most_waiting_bytes
        self._refused = refused
        self._file: OutboxFile | None = None
        self._turn = asyncio.Lock()
        self.written = 0

    async def write(self, record: msgspec.Struct) -> None:
        """Take it over; it is on the disk when this returns.

        Raises `LedgerUnavailable` where the disk does not take it, or too much waits already: then the caller must not
        be told that it is kept.  (It may all the same be in the queue, where the disk failed at the end.)
        """
        async with self._turn:  # one after the other: a file that is full is left for the next one only once it is safe
            try:
                if self._waiting_bytes(self.folder) > self._most_waiting_bytes:
                    raise LedgerUnavailable(self._refused, retry_after_s=30.0, detail="too many wait for the database")
                if self._file is None:
                    self._file = self._open_file(self.folder)
                self._file.append(record)
                await asyncio.to_thread(self._bring_to_disk, self._file)
            except OSError as error:
                raise LedgerUnavailable(self._refused, detail=str(error)) from error
            self.written += 1

    def close(self) -> None:
        """May be called twice."""
        if self._file is not None:
            self._file.close()

    def _bring_to_disk(self, file: OutboxFile) -> None:
        file.sync()
        if file.health.error is not None:
            raise OSError(file.health.error)
        # The name too: a file that nobody finds again is as good as lost.
        folder = os.open(self.folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
