"""How much of the local journal is not yet in PostgreSQL; any process can tell from the files alone.

Health, metrics and the shipper's own status ask it.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from penstock.core.clock import Clock
from penstock.watch.segment import read_chunk, read_offset, segments


@dataclass(frozen=True, slots=True)
class Backlog:
    """`records` is counted in the first half megabyte of a segment and estimated from the mean size beyond that.

    `oldest_unshipped_s` is the time since the oldest waiting record was settled, 0 where none waits.
    `rejected_files` are the lines put aside in `journal/rejected/` and not yet looked after by a person.
    """

    records: int
    bytes: int
    oldest_unshipped_s: float
    rejected_files: int


class _Times(msgspec.Struct):
    started_at: float
    duration_s: float


def measure(directory: Path, clock: Clock) -> Backlog:
    """Look at the files.  Takes milliseconds at most, however long the backlog."""
    records = size = 0
    oldest = now = clock.now()
    for path in segments(directory):
        try:
            offset = read_offset(path)
            waiting = path.stat().st_size - offset
            if waiting <= 0:
                continue
            chunk = read_chunk(path, offset, is_final=False)
        except FileNotFoundError:
            continue  # shipped and deleted as we looked
        if not chunk.lines:
            continue
        size += waiting
        seen = chunk.next_offset - offset
        records += len(chunk.lines) if seen >= waiting else round(len(chunk.lines) * waiting / seen)
        oldest = min(oldest, _settled_at(chunk.lines[0].payload, now))
    rejected = directory / "rejected"
    rejected_files = sum(1 for _ in rejected.iterdir()) if rejected.is_dir() else 0
    return Backlog(records, size, max(0.0, now - oldest), rejected_files)


def _settled_at(payload: bytes, default: float) -> float:
    try:
        times = msgspec.json.decode(payload, type=_Times)
    except msgspec.DecodeError:
        return default
    return times.started_at + times.duration_s
