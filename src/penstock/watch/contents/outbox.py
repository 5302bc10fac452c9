"""Where contents wait on this machine until the control plane brings them to the database: sealed, in files of the
process that wrote them.

They are made beside the request path, in a thread: masked and sealed.  What they are found by is made where they are
brought to the database: it takes longer, and here each request would pay for it.  Contents are optional: what
there is no room for, in memory or on the disk, is dropped and counted, and `/health` says so.  A process that is killed
loses what its thread had not written, a moment's worth.
"""

import threading
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import msgspec
import structlog

from penstock.core.clock import Clock
from penstock.core.errors import LedgerUnavailable
from penstock.watch.contents.content import Fold, Mask, Taken, content_of
from penstock.watch.contents.sealing import Sealed

FOLDER: Final = "contents"
"""Below the data directory."""

_DAY_S: Final = 86_400.0
_MOST_WAITING_BYTES: Final = 256 << 20
_MOST_IN_MEMORY_BYTES: Final = 32 << 20
_LEAST_BYTES: Final = 2_048
_LOOK_EVERY_S: Final = 1.0
_STOP_S: Final = 5.0
_LONGEST_NAME_BYTES: Final = 1_000

_log = structlog.get_logger(__name__)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange's contents as the outbox and the store have them.

    `marks` are what it is found by, None where it is not found by text; they are still to be made where `search`.
    """

    id: str
    tenant: str
    user: str | None
    expires_at: float
    key_id: str
    sealed: bytes
    search: bool = False
    marks: list[int] | None = None


decode_row = msgspec.json.Decoder(Row).decode


def asked_at(exchange: str) -> float:
    """When an exchange began, in Unix seconds, by its id.  Raises `ValueError` for what is no id."""
    return int(exchange.removeprefix("ex_")[:12], 16) / 1000


class File(Protocol):
    """`append` is in the file when it returns, and raises `LedgerUnavailable` where the disk does not take it."""

    def append(self, record: msgspec.Struct, /) -> None: ...
    def close(self) -> None: ...


class Maker:
    """Makes a row of what was handed over.  `mask_of` is by tenant."""

    def __init__(self, fold: Fold, mask_of: Callable[[str], Mask], sealed: Sealed) -> None:
        self._fold = fold
        self._mask_of = mask_of
        self._sealed = sealed

    def row(self, taken: Taken) -> Row:
        """Raises nothing that depends on what was said."""
        tenant = sound(taken.tenant)
        content = content_of(taken, self._fold, self._mask_of(taken.tenant))
        key_id, sealed = self._sealed.seal(tenant, taken.exchange, content)
        return Row(
            id=taken.exchange,
            tenant=tenant,
            user=None if taken.user is None else sound(taken.user),
            expires_at=asked_at(taken.exchange) + taken.policy.lifetime_days * _DAY_S,
            key_id=key_id,
            sealed=sealed,
            search=taken.policy.search,
        )


class ContentOutbox:
    """One for each process, made after any fork; `offer` on its event loop, and the rest in its own thread.

    `open_file` makes the file in `folder` with the first row; `waiting_bytes` says how much lies in the folder.
    """

    def __init__(
        self,
        folder: Path,
        maker: Maker,
        open_file: Callable[[Path], File],
        waiting_bytes: Callable[[Path], int],
        clock: Clock,
        *,
        most_waiting_bytes: int = _MOST_WAITING_BYTES,
        most_in_memory_bytes: int = _MOST_IN_MEMORY_BYTES,
    ) -> None:
        self._folder = folder
        self._maker = maker
        self._open_file = open_file
        self._waiting_bytes = waiting_bytes
        self._clock = clock
        self._most_waiting_bytes = most_waiting_bytes
        self._most_in_memory_bytes = most_in_memory_bytes
        self._queue: deque[Taken] = deque()
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._is_over = False
        self._file: File | None = None
        self._queued_bytes = 0
        self._looked_s = float("-inf")
        self._is_full = False
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._run, name="penstock-contents", daemon=True)
        self.kept = 0
        self.dropped = 0

    def start(self) -> None:
        self._thread.start()

    def offer(self, taken: Taken) -> None:
        """Keep it if there is room; never waits, and never raises."""
        size = taken.size_bytes + _LEAST_BYTES
        with self._lock:
            if self._queue and self._queued_bytes + size > self._most_in_memory_bytes:
                self.dropped += 1
                self._problem = "more was asked than can be written"
                return
            self._queue.append(taken)
            self._queued_bytes += size
        self._news.set()

    @property
    def waiting(self) -> int:
        """What this process has still to write to its file."""
        return len(self._queue)

    def problems(self) -> tuple[str, ...]:
        """For `/health`: while contents are dropped, until one is kept again."""
        return () if self._problem is None else (f"contents of exchanges are dropped: {self._problem}",)

    def stop(self) -> None:
        """Write what waits, bounded in time.  Called once, when nothing more is offered."""
        self._is_over = True
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            while self._queue:
                taken = self._queue.popleft()
                self._write(taken)
                with self._lock:
                    self._queued_bytes -= taken.size_bytes + _LEAST_BYTES
            if self._is_over and not self._queue:
                if self._file is not None:
                    self._file.close()
                return

    def _write(self, taken: Taken) -> None:
        try:
            if self._has_room():
                row = self._maker.row(taken)
                if self._file is None:
                    self._file = self._open_file(self._folder)
                self._file.append(row)
                self.kept += 1
                self._problem = None
                return
            self._problem = "too many wait for the database"
        except (LedgerUnavailable, OSError) as error:
            self._problem = f"the disk does not take them: {getattr(error, 'detail', None) or error}"
        except Exception as error:  # noqa: BLE001 - boundary: a background job; the next one may well be kept
            self._problem = f"one could not be written: {type(error).__name__}"
            # Without the traceback's values: the text of an exchange stands in them.
            _log.error("contents_not_written", exchange=taken.exchange, error=type(error).__name__)
        self.dropped += 1

    def _has_room(self) -> bool:
        now_s = self._clock.monotonic()
        if now_s - self._looked_s >= _LOOK_EVERY_S:
            self._looked_s = now_s
            self._is_full = self._folder.exists() and self._waiting_bytes(self._folder) > self._most_waiting_bytes
        return not self._is_full


def sound(name: str) -> str:
    """A name that somebody outside chose, as the database can hold it: a very long one by its digest."""
    found = name.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    packed = found.encode()
    return found if len(packed) <= _LONGEST_NAME_BYTES else f"sha256:{sha256(packed).hexdigest()}"
