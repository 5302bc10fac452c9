"""How much of the local journal is not yet in PostgreSQL; any process can tell from the files alone.

Health, metrics and the shipper's own status ask it.  The data plane looks every second in a thread that takes its turns
from the requests, so a look must not grow with what waits: a segment that nobody writes any more is read once and
remembered, and of one that is still written no more than a sample is read.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import msgspec

from penstock.core.clock import Clock
from penstock.watch.segment import HEAD_BYTES, OFFSET_SUFFIX, SUFFIX, is_unwritten, read_offset

_SAMPLE_BYTES = 128 << 10


@dataclass(frozen=True, slots=True)
class Backlog:
    """`records` is counted in a sample of each segment and estimated from the sample's mean size beyond it.

    `oldest_unshipped_s` is the time since the oldest waiting record was settled, 0 where none waits.
    `rejected_files` are the lines put aside in `journal/rejected/` and not yet looked after by a person.
    """

    records: int
    bytes: int
    oldest_unshipped_s: float
    rejected_files: int


@dataclass(frozen=True, slots=True)
class _Sample:
    """The lines at the shipped offset: how many, how long, and when the first was settled.

    `is_full` where there may be more behind it; otherwise it is all there was.
    """

    lines: int
    bytes: int
    settled_at: float | None
    is_full: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What waits in one segment.  `is_sealed` once nobody can write to it, so that only its offset may change."""

    offset: int
    size: int
    sample: _Sample
    is_sealed: bool
    records: int
    bytes: int


class _Times(msgspec.Struct):
    started_at: float
    duration_s: float


class BacklogGauge:
    """Looks at one journal directory again and again.  May be asked from any thread."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: dict[str, _Waiting] = {}
        self._lock = threading.Lock()

    def look(self) -> Backlog:
        """What waits now.  Raises `OSError` where the directory is there and cannot be read.

        Costs about a microsecond for each segment that was seen before and is no longer written.
        """
        with self._lock:
            waiting = self._waiting()
        now = self._clock.now()
        times = [each.sample.settled_at for each in waiting]
        oldest = min((time for time in times if time is not None), default=now)
        return Backlog(
            records=sum([each.records for each in waiting]),
            bytes=sum([each.bytes for each in waiting]),
            oldest_unshipped_s=max(0.0, now - oldest),
            rejected_files=len(_names(self._directory / "rejected")),
        )

    def _waiting(self) -> list[_Waiting]:
        names = _names(self._directory)
        shipped_from = {name.removesuffix(OFFSET_SUFFIX) + SUFFIX for name in names if name.endswith(OFFSET_SUFFIX)}
        found: dict[str, _Waiting] = {}
        for name in names:
            known = self._known.get(name)
            if known is None and not name.endswith(SUFFIX):
                continue
            if known is None or not known.is_sealed or name in shipped_from:
                try:
                    known = _look_at(self._directory / name, known)
                except FileNotFoundError:
                    continue  # shipped and deleted as we looked
            found[name] = known
        self._known = found
        return list(found.values())


def measure(directory: Path, clock: Clock) -> Backlog:
    """One look by somebody who will not look again."""
    return BacklogGauge(directory, clock).look()


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)  # noqa: PTH208 - thousands of names, of which no path is needed
    except FileNotFoundError:
        return []


def _look_at(path: Path, known: _Waiting | None) -> _Waiting:
    # Asked before the size: a writer that goes away in between may have written a last line.
    is_sealed = is_unwritten(path)
    offset, size = read_offset(path), path.stat().st_size
    is_same = known is not None and known.offset == offset and (known.sample.is_full or known.size == size)
    sample = known.sample if known is not None and is_same else _sample(path, offset)
    waiting = size - offset if sample.lines else 0
    records = round(sample.lines * waiting / sample.bytes) if waiting and sample.is_full else sample.lines
    return _Waiting(offset, size, sample, is_sealed, records, waiting)


def _sample(path: Path, offset: int) -> _Sample:
    limit = _SAMPLE_BYTES
    with path.open("rb", buffering=0) as file:
        while True:
            file.seek(offset)
            data = file.read(limit)
            is_full = len(data) == limit
            end = data.rfind(b"\n") + 1
            if end or not is_full:
                return _Sample(data.count(b"\n"), end, _settled_at(data[:end]), is_full)
            limit *= 2


def _settled_at(lines: bytes) -> float | None:
    """When the first of the lines was settled; of a spoilt one nobody knows, so then the next is asked."""
    for line in lines.split(b"\n"):
        try:
            times = msgspec.json.decode(line[HEAD_BYTES:], type=_Times)
        except msgspec.DecodeError:
            continue
        return times.started_at + times.duration_s
    return None
