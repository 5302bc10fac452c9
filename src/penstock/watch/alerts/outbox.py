"""Where an alert waits on this machine until it is in the database: a file that no crash takes away.

`offer` is called on the event loop of the data plane and waits for no network.  It writes the line (microseconds) and
brings it to the disk before it returns, so that whoever offers may forget; only in a flood of alerts, where that would
hold up the loop for more than a fiftieth of its time, is the disk left to a thread, a fifth of a second behind.

The files are those of the ledger's journal: one segment a process, which the courier of any process ships.
"""

import threading
from collections import OrderedDict, deque
from contextlib import suppress
from pathlib import Path

import structlog

from penstock.core.clock import Clock
from penstock.core.errors import LedgerUnavailable
from penstock.watch.alerts.alert import Alert, sound
from penstock.watch.journal import JournalFile

FOLDER = "alerts"
"""Below the data directory."""

_SEGMENT_BYTES = 1 << 20
_SYNC_INTERVAL_S = 0.2
_SYNC_SHARE = 50
_MAX_WAITING_BYTES = 64 << 20
_MAX_KEPT = 1000
_MAX_SEEN = 10_000

_log = structlog.get_logger(__name__)


class AlertOutbox:
    """One for each process, made after any fork.  `offer` from one thread, the rest from any.

    The constructor raises `OSError` where it cannot make its file.  `wanted` is set whenever something new waits.
    """

    def __init__(self, folder: Path, *, clock: Clock, max_waiting_bytes: int = _MAX_WAITING_BYTES) -> None:
        self._folder = folder
        self._clock = clock
        self._max_waiting_bytes = max_waiting_bytes
        self._file = JournalFile(
            folder, clock=clock, fsync="interval", fsync_interval_s=_SYNC_INTERVAL_S, segment_bytes=_SEGMENT_BYTES
        )
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._kept: deque[Alert] = deque()
        self._lock = threading.Lock()
        self._sync_from_s = float("-inf")
        self._checked = 0
        self.dropped = 0
        self.wanted = threading.Event()

    @property
    def folder(self) -> Path:
        return self._folder

    def offer(self, alert: Alert) -> None:
        """Take the alert over.  Never raises; a second one with the same id is dropped, here or later.

        Where the disk does not take it, it is kept in memory, tried again with every further alert, and brought to the
        database from there; `/health` says so.
        """
        alert = sound(alert)
        if alert.id in self._seen:
            return
        self._seen[alert.id] = None
        if len(self._seen) > _MAX_SEEN:
            self._seen.popitem(last=False)
        if self._is_full():
            self.dropped += 1
            _say(alert, is_dropped=True)
            return
        with self._lock:
            self._kept.append(alert)
            self._write_kept()
        self._sync()
        self.wanted.set()
        _say(alert, is_dropped=False)

    def kept(self) -> tuple[Alert, ...]:
        """What is in memory alone, since the disk does not take it."""
        with self._lock:
            return tuple(self._kept)

    def forget(self, alerts: tuple[Alert, ...]) -> None:
        """These are safe elsewhere."""
        safe = {alert.id for alert in alerts}
        with self._lock:
            self._kept = deque(alert for alert in self._kept if alert.id not in safe)

    def problems(self) -> tuple[str, ...]:
        """What is wrong, for `/health`."""
        found: list[str] = []
        error = self._file.health.error
        if error is not None:
            found.append(f"alerts cannot be written down ({error}): {len(self._kept)} are in memory alone")
        if self.dropped:
            found.append(f"{self.dropped} alerts were dropped, since too much waits; they are in the log")
        return tuple(found)

    def close(self) -> None:
        """Bring everything to the disk.  May be called twice."""
        self._file.close()

    def _write_kept(self) -> None:
        while self._kept:
            try:
                self._file.append(self._kept[0])
            except (LedgerUnavailable, OSError):
                return
            self._kept.popleft()

    def _sync(self) -> None:
        begun_s = self._clock.monotonic()
        if begun_s < self._sync_from_s:
            return
        self._file.sync()
        ended_s = self._clock.monotonic()
        self._sync_from_s = ended_s + _SYNC_SHARE * (ended_s - begun_s)

    def _is_full(self) -> bool:
        """Looked at with every hundredth alert: to count bytes is to read a directory."""
        self._checked += 1
        if len(self._kept) >= _MAX_KEPT:
            return True
        if self._checked % 100 and not self.dropped:
            return False
        return sum(path.stat().st_size for path in self._folder.glob("*.journal")) > self._max_waiting_bytes


def _say(alert: Alert, *, is_dropped: bool) -> None:
    """The alert as a line of the log.  A log that takes none (a full disk) is no reason to fail."""
    with suppress(OSError):
        _log.warning(
            "alert_dropped" if is_dropped else "alert",
            id=alert.id,
            kind=alert.kind,
            severity=alert.severity,
            tenant=alert.tenant,
            subject=alert.subject,
            text=alert.text,
            facts=alert.facts,
        )
