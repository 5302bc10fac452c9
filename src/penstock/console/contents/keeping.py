"""What the control plane does for contents: it brings in what data planes of this machine have left in their outboxes,
and deletes what has been kept for long enough.

In a thread and on a connection of its own: there is much of it, and nothing else waits for it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import psycopg

from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following
from penstock.watch.contents.outbox import FOLDER, Row, decode_row
from penstock.watch.contents.store import purge, write
from penstock.watch.outgoing import is_anything_waiting, ship

_AT_ONCE: Final = 1_000
_PURGE_EVERY_S: Final = 60.0
_NEVER_S: Final = 86_400.0


class ContentKeeping:
    """`start` once, `stop` once; any number of control planes may do so at the same time."""

    def __init__(self, root: Path, clock: Clock, connect: Callable[[], psycopg.Connection | None]) -> None:
        self._folder = root / FOLDER
        self._clock = clock
        self._purged_s = float("-inf")
        self._follower = Follower(Following("contents", (), _NEVER_S, _read_nothing, self.tend), connect)

    def start(self) -> None:
        self._follower.start()

    def stop(self) -> None:
        """What still lies in an outbox is brought in by the next one."""
        self._follower.stop()

    def tend(self, connection: psycopg.Connection) -> None:
        """Called every second, in the follower's thread.  Raises `psycopg.Error`; then the next call goes on."""

        def take(rows: Sequence[Row]) -> None:
            write(connection, rows, now=self._clock.now())

        if is_anything_waiting(self._folder):
            ship(self._folder, take, decode_row)
        if self._clock.monotonic() >= self._purged_s + _PURGE_EVERY_S:
            while purge(connection, now=self._clock.now(), most=_AT_ONCE) >= _AT_ONCE:
                pass
            self._purged_s = self._clock.monotonic()


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
