"""What this process has used of its leases, kept where a `kill -9` cannot take it: a memory-mapped file a process.

The book writes each counter's number with every reservation, at the cost of one store to memory.  The store of the
fleet knows what a process holds, the file how much of that it used; the rest goes back when the process is dead.
Whoever starts next on the same machine, or already runs beside it, adopts the file: it is known to be dead's because
the kernel dropped its lock.  A file from before the machine last booted proves nothing (its last pages may never have
reached the disk): what its process held stays used.
"""

import fcntl
import mmap
import os
from array import array
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from penstock.core.errors import ConfigError

LEVEL_SUFFIX = "@-"
"""The end of the key of a counter without a period: nothing of it outlives its process."""

_MAGIC = b"penstock-spent-1"
_HEADER_BYTES = 4096
_ROW_BYTES = 128
_ROW_NUMBERS = _ROW_BYTES // 8
_KEY_BYTES = _ROW_BYTES - 16
_SEGMENT_ROWS = 1024
_SEGMENT_BYTES = _SEGMENT_ROWS * _ROW_BYTES
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Numbers: TypeAlias = MutableSequence[int] | memoryview
"""Where a counter writes what it has spent: `numbers[index] = spent`."""


@dataclass(frozen=True, slots=True)
class Row:
    numbers: Numbers
    index: int


class SpentRows(Protocol):
    """Rows for counters.  A row says 0 until it is written to; `free` only what is settled and reported."""

    def new(self, key: str) -> Row: ...
    def free(self, row: Row) -> None: ...
    def close(self) -> None:
        """Everything has been given back: nothing is left to adopt."""
        ...

    def leave(self) -> None:
        """Something could not be given back: let it be adopted."""
        ...


class UnkeptRows:
    """For a store that ends with the process: there is nothing that a restart could want to know."""

    __slots__ = ()

    def new(self, key: str) -> Row:
        return Row(array("q", [0]), 0)

    def free(self, row: Row) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is kept."""

    def leave(self) -> None:
        """Nothing is kept."""


class SpentFile:
    """`SpentRows` in `folder`.  Make one after any fork; its lock says that the process lives."""

    def __init__(self, folder: Path) -> None:
        self.lease = os.urandom(12).hex()
        self._path = folder / f"{self.lease}.spent"
        self._free: list[Row] = []
        self._maps: list[mmap.mmap] = []
        draft = folder / f"{self.lease}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, _HEADER_BYTES)
            os.pwrite(self._fd, _MAGIC + _boot_id(), 0)
            draft.rename(self._path)  # only now can it be found, and it is locked already
        except OSError as error:
            raise ConfigError(f"cannot keep what is spent in {folder}: {error.strerror}") from None

    def new(self, key: str) -> Row:
        encoded = key.encode()
        if len(encoded) > _KEY_BYTES:
            raise ValueError(f"a counter's key is at most {_KEY_BYTES} bytes long")
        if not self._free:
            self._grow()
        row = self._free.pop()
        start = row.index * 8
        area = self._maps[self._segment_of(row)]
        area[start : start + 8] = bytes(8)
        area[start + 16 : start + 16 + len(encoded)] = encoded
        # The length makes the row count, so it comes last: a process may die between any two of these lines.
        area[start + 8 : start + 16] = len(encoded).to_bytes(8, "little")
        return row

    def free(self, row: Row) -> None:
        start = row.index * 8
        self._maps[self._segment_of(row)][start + 8 : start + 16] = bytes(8)
        self._free.append(row)

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._fd)

    def leave(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)  # closing does not do it: each map has the file open too
        os.close(self._fd)

    def _segment_of(self, row: Row) -> int:
        numbers = row.numbers
        if not isinstance(numbers, memoryview):
            raise TypeError("a row of another file")
        return next(at for at, area in enumerate(self._maps) if numbers.obj is area)

    def _grow(self) -> None:
        offset = _HEADER_BYTES + len(self._maps) * _SEGMENT_BYTES
        os.posix_fallocate(self._fd, offset, _SEGMENT_BYTES)  # a full disk is an error here, not a SIGBUS later
        area = mmap.mmap(self._fd, _SEGMENT_BYTES, offset=offset)
        self._maps.append(area)
        numbers = memoryview(area).cast("q")
        self._free.extend(Row(numbers, index * _ROW_NUMBERS) for index in reversed(range(_SEGMENT_ROWS)))


@dataclass(frozen=True, slots=True)
class Orphan:
    """The file of a dead process, locked by us.  `spent` is what is known of its use, by counter."""

    lease: str
    spent: dict[str, int]
    path: Path
    fd: int

    def bury(self) -> None:
        """The store has heard: the file goes."""
        self.path.unlink(missing_ok=True)
        os.close(self.fd)

    def leave(self) -> None:
        """The store has not heard: let it be found again."""
        os.close(self.fd)


def adopt_orphans(folder: Path) -> Iterator[Orphan]:
    """The files in `folder` whose process is dead; each must be buried or left."""
    for path in sorted(folder.glob("*.spent")):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink == 0:
                raise FileNotFoundError  # another process buried it while we waited for the lock
            spent = _read(fd)
        except OSError:
            os.close(fd)
            continue
        yield Orphan(path.stem, spent, path, fd)


def _read(fd: int) -> dict[str, int]:
    size = os.fstat(fd).st_size
    content = os.pread(fd, size, 0)
    is_trusted = content.startswith(_MAGIC + _boot_id())
    found: dict[str, int] = {}
    for start in range(_HEADER_BYTES, len(content) - _ROW_BYTES + 1, _ROW_BYTES):
        length = int.from_bytes(content[start + 8 : start + 16], "little")
        if not 0 < length <= _KEY_BYTES:
            continue
        key = content[start + 16 : start + 16 + length].decode(errors="replace")
        if key.endswith(LEVEL_SUFFIX):
            found[key] = 0
        elif is_trusted:
            found[key] = int.from_bytes(content[start : start + 8], "little", signed=True)
    return found


def _boot_id() -> bytes:
    try:
        return _BOOT_ID.read_bytes().strip()
    except OSError:
        return os.urandom(18).hex().encode()  # without one nothing can be trusted after a restart
