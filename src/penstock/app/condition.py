"""What the data plane says of its own health.

Looking at the journal's backlog reads files, so a thread does it every second and `/health` reads the result.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from penstock.core.clock import Clock, age
from penstock.server.service import Health
from penstock.watch.backlog import Backlog, BacklogGauge
from penstock.watch.journal import JournalFile

_LOOK_EVERY_S = 1.0
_LATE_S = 5.0
"""How long a record may wait for the database before that is worth a word; the shipper's rhythm is a second."""


class Condition:
    """`start` once, `stop` once.  `problems` are those of other parts, each with its reason."""

    def __init__(
        self,
        journal: JournalFile,
        directory: Path,
        clock: Clock,
        *,
        unpriced: tuple[str, ...],
        problems: Callable[[], tuple[str, ...]],
    ) -> None:
        self._journal = journal
        self._problems = problems
        self._gauge = BacklogGauge(directory, clock)
        self._unpriced = unpriced
        self._backlog = Backlog(0, 0, 0.0, 0)
        self._unreadable: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="penstock-condition", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(timeout=_LOOK_EVERY_S)

    @property
    def backlog(self) -> Backlog:
        """As of the last look."""
        return self._backlog

    def health(self) -> Health:
        """Ready while requests can be served and recorded; degraded where something behind that is late or unknown."""
        backlog, journal = self._backlog, self._journal.health
        reasons: list[str] = []
        if journal.error is not None:
            reasons.append(f"the local journal: {journal.error}")
        if self._unreadable is not None:
            reasons.append(f"the journal's directory: {self._unreadable}")
        if backlog.oldest_unshipped_s > _LATE_S:
            waited = age(backlog.oldest_unshipped_s)
            reasons.append(f"settled exchanges not in PostgreSQL yet: {backlog.records:,}, the oldest for {waited}")
        if backlog.rejected_files:
            reasons.append(f"{backlog.rejected_files} records could not be read and wait in journal/rejected")
        reasons += [f"the price of {name} is unknown" for name in self._unpriced]
        reasons += self._problems()
        details = {"journal": {"records_waiting": backlog.records, "bytes_waiting": backlog.bytes}}
        return Health("degraded" if reasons else "ready", tuple(reasons), details)

    def _look(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_S):
            try:
                self._backlog = self._gauge.look()
            except OSError as error:
                self._unreadable = str(error)
            else:
                self._unreadable = None
