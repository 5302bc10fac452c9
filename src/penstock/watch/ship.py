"""Carries the local journal into PostgreSQL, each record exactly once.

The order is what makes it so: a batch is committed first, then its offset is noted, then a segment that is fully
shipped and whose writer is gone is deleted.  A crash between any two steps only repeats a batch, and the exchange id,
the ledger's primary key, makes the repetition harmless.  A line that is spoilt, or that the database refuses for what
is in it, goes to `journal/rejected/` and is counted and logged; it holds nothing up.

One shipper works on a directory at a time (a file lock sees to it), for the segments of all processes, live and dead.
It runs as a thread or as a process of its own: blocking calls, no event loop.  While PostgreSQL is away it waits and
tries again; the journal grows meanwhile and loses nothing.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog

from penstock.core.clock import Clock
from penstock.watch.backlog import Backlog, BacklogGauge
from penstock.watch.folder import Part, finish, forget_lost_offsets, next_part, put_aside, turn
from penstock.watch.rollups.keeping import RollupRetention
from penstock.watch.row import Arrival, arrive
from penstock.watch.segment import Line, segments
from penstock.watch.store import DatabaseError, LedgerWriter, RowsRefused

_TICK_S = 0.25
_MIN_RETRY_S = 0.2
_MAX_RETRY_S = 5.0
_BATCH_RECORDS = 8000
"""In one transaction: the more, the fewer times the same sums are added to.  Beyond that little is won."""

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


_Row: TypeAlias = tuple[Path, Line, Arrival]
"""A line with the segment it came from, and as a row."""


class Shipper:
    """Ships `directory` (`<data_dir>/journal`) to the database at `database_url`.

    `run` works until the event is set and then ships what is left, as far as the database is there; `drain_once` ships
    everything there is now, once.  Both raise `AlreadyShipping` where another shipper has the directory.  `status` may
    be asked from any thread.  `told` is given what has just reached the ledger, as lines' JSON, in the shipper's own
    thread: it must not wait.  After a crash it may be told of a batch again.  Sums by the minute go after
    `minute_sums_days`.
    """

    def __init__(
        self,
        directory: Path,
        database_url: str,
        *,
        clock: Clock,
        told: Callable[[Sequence[bytes]], None] | None = None,
        minute_sums_days: float = 40.0,
    ) -> None:
        self._directory = directory
        self._retention = RollupRetention(minute_sums_days, clock)
        self._told = told
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
        retry_s = _MIN_RETRY_S
        with self._turn():
            while True:
                is_last_round = stop.is_set()
                try:
                    self._drain()
                    self._writer.tend(self._retention)
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

    def drain_once(self) -> int:
        """Ship all there is and return how many records that was.  Raises `DatabaseError`, `OSError`."""
        before = self._shipped
        with self._turn():
            self._drain()
        return self._shipped - before

    @contextmanager
    def _turn(self) -> Generator[None]:
        with turn(self._directory) as is_ours:
            if not is_ours:
                raise AlreadyShipping(str(self._directory))
            try:
                yield
            finally:
                self._writer.close()

    def _drain(self) -> None:
        while batch := self._read_batch():
            self._shipped += self._insert(batch)
            for segment in batch:
                self._finish(segment)
        if self._last_error is not None:
            _log.info("shipping_recovered")
            self._last_error = None
        forget_lost_offsets(self._directory)

    def _read_batch(self) -> list[Part]:
        """The next records of the oldest segments, up to a batch; empty once there is nothing to ship or delete."""
        batch: list[Part] = []
        count = 0
        for path in segments(self._directory):
            part = next_part(path)
            if part.is_news:
                batch.append(part)
                count += len(part.chunk.lines)
            if count >= _BATCH_RECORDS:
                break
        return batch

    def _insert(self, batch: Sequence[Part]) -> int:
        """Insert the batch's records and return how many the database took."""
        rows: list[_Row] = []
        for segment in batch:
            for line in segment.chunk.lines:
                try:
                    rows.append((segment.path, line, arrive(line.payload)))
                except (msgspec.DecodeError, ValueError, OverflowError) as error:
                    self._reject(segment.path, line, str(error))
        return self._insert_rows(rows)

    def _insert_rows(self, rows: Sequence[_Row]) -> int:
        """Insert the rows; where some are refused, halve until those stand alone."""
        if not rows:
            return 0
        try:
            self._writer.insert([arrival for _, _, arrival in rows])
        except RowsRefused as error:
            if len(rows) == 1:
                path, line, _ = rows[0]
                self._reject(path, line, str(error))
                return 0
            middle = len(rows) // 2
            return self._insert_rows(rows[:middle]) + self._insert_rows(rows[middle:])
        if self._told is not None:
            self._told([line.payload for _, line, _ in rows])
        return len(rows)

    def _finish(self, segment: Part) -> None:
        chunk = segment.chunk
        for line in chunk.rejected:
            self._reject(segment.path, line, "the checksum does not match")
        if chunk.torn_bytes:
            self._torn += 1
            _log.warning("journal_line_torn", segment=segment.path.name, bytes=chunk.torn_bytes)
        finish(segment)

    def _reject(self, path: Path, line: Line, why: str) -> None:
        kept = put_aside(path, line)
        if kept is None:
            return
        self._rejected += 1
        _log.error("journal_line_rejected", segment=path.name, offset=line.offset, kept=str(kept), why=why)

    def _note_error(self, error: Exception) -> None:
        text = str(error).strip() or type(error).__name__
        if self._last_error is None:
            _log.warning("shipping_stalled", error=text)
        self._last_error = text
