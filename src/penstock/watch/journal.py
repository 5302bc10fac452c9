"""The local journal file: a settled exchange is written here before its answer's last byte is let go.

`append` is one `write` to a file of this process's own, so a record survives the death of the process from the moment
that `append` returns, and a power cut from the next `fsync` on (policy `interval`; the thread that does it belongs to
the journal).  No network, no lock and no other process is ever waited for.

On a disk error nothing is lost silently: the half-written line is cut off again and `append` raises
`LedgerUnavailable`, so the engine answers with an error.  The next `append` tries again, and the first that succeeds
ends the degraded state.
"""

import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Literal

import msgspec
import structlog

from penstock.core.clock import Clock
from penstock.core.errors import LedgerUnavailable
from penstock.watch.segment import SUFFIX, head_of

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JournalHealth:
    """`error` is None while records can be written and, under `interval`, brought to the disk."""

    error: str | None
    appended: int

    @property
    def is_degraded(self) -> bool:
        return self.error is not None


class JournalFile:
    """`core.ports.Ledger` on a directory.  One for each process, used by one thread, made after any fork.

    The constructor makes the directory and the first segment; it raises `OSError` where it cannot.  `close` syncs and
    gives the segment up to the shipper; nothing may be appended after it.
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        fsync: Literal["never", "interval"] = "interval",
        fsync_interval_s: float = 1.0,
        segment_bytes: int = 16 << 20,
    ) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._encoder = msgspec.json.Encoder()
        self._boot = f"{int(clock.now() * 1000):013d}-{token_hex(4)}-{os.getpid()}"
        self._count = 0
        self._size = 0
        self._appended = 0
        self._is_dirty = False
        self._write_error: str | None = None
        self._sync_error: str | None = None
        self._lock = threading.Lock()
        self._retired: list[int] = []
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fd: int | None = self._open()
        self._stop = threading.Event()
        self._syncer: threading.Thread | None = None
        if fsync == "interval":
            self._syncer = threading.Thread(
                target=self._sync_until_stopped, args=(fsync_interval_s,), name="journal-fsync", daemon=True
            )
            self._syncer.start()

    @property
    def health(self) -> JournalHealth:
        return JournalHealth(self._write_error or self._sync_error, self._appended)

    def append(self, record: msgspec.Struct) -> None:
        """Write the record: a `Settled` in the ledger's journal, an `Alert` in that of the alerts.

        Raises `LedgerUnavailable` where the disk does not take it; nothing of it then stays.
        """
        try:
            payload = self._encoder.encode(record)
        except UnicodeEncodeError:
            payload = self._encoder.encode(_without_surrogates(msgspec.to_builtins(record)))
        line = b"%b%b\n" % (head_of(payload), payload)
        if self._size >= self._segment_bytes:
            self._rotate()
        try:
            fd = self._fd
            if fd is None:
                fd = self._reopen()
            written = os.write(fd, line)
            while written < len(line):
                # A full disk shows first as a short write; the second one says why.
                written += os.write(fd, memoryview(line)[written:])
        except OSError as error:
            self._undo(error)
            raise LedgerUnavailable("The request cannot be recorded at the moment.", detail=str(error)) from error
        self._size += len(line)
        self._appended += 1
        self._is_dirty = True
        if self._write_error is not None:
            self._write_error = None
            _log.warning("journal_recovered", directory=str(self._directory))

    def close(self) -> None:
        """Bring everything to the disk and let the segment go.  May be called twice."""
        self._stop.set()
        if self._syncer is not None:
            self._syncer.join()
            self.sync()
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def _open(self) -> int:
        # Locked before it gets its name: a segment that can be seen and is not locked is one that nobody writes to.
        path = self._directory / f"{self._boot}-{self._count:06d}{SUFFIX}"
        draft = path.with_suffix(".draft")
        fd = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.rename(path)
        except OSError:
            os.close(fd)
            draft.unlink(missing_ok=True)
            raise
        self._count += 1
        self._size = 0
        return fd

    def _reopen(self) -> int:
        fd = self._open()
        with self._lock:
            self._fd = fd
        return fd

    def _rotate(self) -> None:
        old, size = self._fd, self._size
        try:
            self._reopen()
        except OSError as error:
            # The full segment still takes records; a record that fits there is better than a tidy directory.
            self._size = size
            _log.warning("journal_rotation_failed", error=str(error))
            return
        if old is None:
            return
        if self._syncer is None:
            os.close(old)
            return
        with self._lock:
            self._retired.append(old)

    def _undo(self, error: OSError) -> None:
        """Cut a half-written line off; where even that fails, leave the segment with its torn end to the shipper."""
        if self._write_error is None:
            _log.error("journal_refuses_records", directory=str(self._directory), error=str(error))
        self._write_error = str(error)
        if self._fd is None:
            return
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            with self._lock:
                os.close(self._fd)
                self._fd = None

    def _sync_until_stopped(self, interval_s: float) -> None:
        while not self._stop.wait(interval_s):
            self.sync()

    def sync(self) -> None:
        """Bring what was appended to the disk; from any thread.  A failure shows in `health`."""
        # By duplicates of the descriptors: the writer may rotate or close meanwhile.
        with self._lock:
            pending, self._retired = self._retired, []
            if self._is_dirty and self._fd is not None:
                self._is_dirty = False
                pending.append(os.dup(self._fd))
        for fd in pending:
            try:
                os.fsync(fd)
            except OSError as error:
                self._sync_error = f"fsync: {error}"
                _log.error("journal_fsync_failed", error=str(error))
            else:
                self._sync_error = None
            finally:
                os.close(fd)


def _without_surrogates(value: object) -> object:
    """JSON has no place for half a surrogate pair; a record with a replacement character is better than none."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}  # type: ignore[reportUnknownVariableType] # whatever the record held
        case list():
            return [_without_surrogates(item) for item in value]  # type: ignore[reportUnknownVariableType] # whatever the record held
        case _:
            return value
