"""Carries the local journal into PostgreSQL, each record exactly once.

The order is what makes it so: a batch is committed first, then its offset is noted, then a segment that is fully
shipped and whose writer is gone is deleted.  A crash between any two steps only repeats a batch, and the exchange id,
the ledger's primary key, makes the repetition harmless.  A line that is spoilt, or that the database refuses for what
is in it, goes to `journal/rejected/` and is counted and logged; it holds nothing up.

One shipper works on a directory at a time (a file lock sees to it), for the segments of all processes, live and dead.
It runs as a thread or as a process of its own: blocking calls, no event loop.  While PostgreSQL is away it waits and
tries again; the journal grows meanwhile and loses nothing.
"""

import fcntl
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog

from penstock.core.clock import Clock
from penstock.watch.backlog import Backlog, BacklogGauge
from penstock.watch.segment import (
    OFFSET_SUFFIX,
    SUFFIX,
    Chunk,
    Line,
    is_unwritten,
    offset_path,
    read_chunk,
    read_offset,
    segments,
    write_offset,
)
from penstock.watch.store import DatabaseError, LedgerWriter, RowsRefused, copy_line

_TICK_S = 0.25
_MIN_RETRY_S = 0.2
_MAX_RETRY_S = 5.0
_BATCH_RECORDS = 2000

_log = structlog.get_logger(__name__)


class AlreadyShipping(Exception):
    """Another shipper works on this directory."""


@dataclass(frozen=True, slots=True)
class ShipStatus:
    """`last_error` is None while the database takes records.  The counts are since this shipper was made."""

    backlog: Backlog
    last_error: str | None
    shipped_records: int
    rejected_records: int
    torn_records: int


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment's share of a batch: what was read from it and what is to be done once that is in the database."""

    path: Path
    chunk: Chunk
    is_done: bool


_Row: TypeAlias = tuple[Path, Line, str]
"""A line with the segment it came from and its text for the database."""


class Shipper:
    """Ships `directory` (`<data_dir>/journal`) to the database at `database_url`.

    `run` works until the event is set and then ships what is left, as far as the database is there; `drain_once` ships
    everything there is now, once.  Both raise `AlreadyShipping` where another shipper has the directory.  `status` may
    be asked from any thread.
    """

    def __init__(self, directory: Path, database_url: str, *, clock: Clock) -> None:
        self._directory = directory
        self._gauge = BacklogGauge(directory, clock)
        self._writer = LedgerWriter(database_url)
        self._last_error: str | None = None
        self._shipped = 0
        self._rejected = 0
        self._torn = 0

    @property
    def status(self) -> ShipStatus:
        return ShipStatus(
            backlog=self._gauge.look(),
            last_error=self._last_error,
            shipped_records=self._shipped,
            rejected_records=self._rejected,
            torn_records=self._torn,
        )

    def run(self, stop: threading.Event) -> None:
        """Ship until `stop` is set, and then once more."""
        lock = self._lock()
        retry_s = _MIN_RETRY_S
        try:
            while True:
                is_last_round = stop.is_set()
                try:
                    self._drain()
                except (DatabaseError, OSError) as error:
                    self._note_error(error)
                    if is_last_round:
                        break
                    stop.wait(retry_s)
                    retry_s = min(retry_s * 2, _MAX_RETRY_S)
                else:
                    retry_s = _MIN_RETRY_S
                    if is_last_round:
                        break
                    stop.wait(_TICK_S)
        finally:
            self._writer.close()
            os.close(lock)

    def drain_once(self) -> int:
        """Ship all there is and return how many records that was.  Raises `DatabaseError`, `OSError`."""
        lock = self._lock()
        before = self._shipped
        try:
            self._drain()
        finally:
            self._writer.close()
            os.close(lock)
        return self._shipped - before

    def _lock(self) -> int:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._directory / "ship.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyShipping(str(self._directory)) from None
        return lock

    def _drain(self) -> None:
        while batch := self._read_batch():
            self._shipped += self._insert(batch)
            for segment in batch:
                self._finish(segment)
        if self._last_error is not None:
            _log.info("shipping_recovered")
            self._last_error = None
        self._forget_lost_offsets()

    def _read_batch(self) -> list[_Segment]:
        """The next records of the oldest segments, up to a batch; empty once there is nothing to ship or delete."""
        batch: list[_Segment] = []
        count = 0
        for path in segments(self._directory):
            # Asked before the reading: a writer that goes away in between may have written a last line.
            is_final = is_unwritten(path)
            offset = read_offset(path)
            chunk = read_chunk(path, offset, is_final=is_final)
            if chunk.rejected and not is_final:
                # A writer on a full disk takes half a line back; we may have read while it did.
                chunk = read_chunk(path, offset, is_final=False)
            is_done = is_final and chunk.next_offset >= path.stat().st_size
            if chunk.next_offset > offset or is_done:
                batch.append(_Segment(path, chunk, is_done))
                count += len(chunk.lines)
            if count >= _BATCH_RECORDS:
                break
        return batch

    def _insert(self, batch: Sequence[_Segment]) -> int:
        """Insert the batch's records and return how many the database took."""
        rows: list[_Row] = []
        for segment in batch:
            for line in segment.chunk.lines:
                try:
                    rows.append((segment.path, line, copy_line(line.payload)))
                except (msgspec.DecodeError, ValueError, OverflowError) as error:
                    self._reject(segment.path, line, str(error))
        return self._insert_rows(rows)

    def _insert_rows(self, rows: Sequence[_Row]) -> int:
        """Insert the rows; where some are refused, halve until those stand alone."""
        if not rows:
            return 0
        try:
            self._writer.insert([text for _, _, text in rows])
        except RowsRefused as error:
            if len(rows) == 1:
                path, line, _ = rows[0]
                self._reject(path, line, str(error))
                return 0
            middle = len(rows) // 2
            return self._insert_rows(rows[:middle]) + self._insert_rows(rows[middle:])
        return len(rows)

    def _finish(self, segment: _Segment) -> None:
        chunk = segment.chunk
        for line in chunk.rejected:
            self._reject(segment.path, line, "the checksum does not match")
        if chunk.torn_bytes:
            self._torn += 1
            _log.warning("journal_line_torn", segment=segment.path.name, bytes=chunk.torn_bytes)
        if segment.is_done:
            segment.path.unlink()
            offset_path(segment.path).unlink(missing_ok=True)
        else:
            write_offset(segment.path, chunk.next_offset)

    def _reject(self, path: Path, line: Line, why: str) -> None:
        """Keep the line, on disk before the offset passes it; the name makes a repetition the same file."""
        folder = self._directory / "rejected"
        folder.mkdir(mode=0o700, exist_ok=True)
        kept = folder / f"{path.stem}.{line.offset}"
        if kept.exists():
            return
        draft = folder.with_name("rejected.draft")
        with draft.open("wb") as file:
            file.write(line.payload)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(kept)
        self._rejected += 1
        _log.error("journal_line_rejected", segment=path.name, offset=line.offset, kept=str(kept), why=why)

    def _note_error(self, error: Exception) -> None:
        text = str(error).strip() or type(error).__name__
        if self._last_error is None:
            _log.warning("shipping_stalled", error=text)
        self._last_error = text

    def _forget_lost_offsets(self) -> None:
        for path in self._directory.glob("*" + OFFSET_SUFFIX):
            if not path.with_suffix(SUFFIX).exists():
                path.unlink(missing_ok=True)
