"""What the control plane does for contents: it brings in what data planes of this machine have left in their outboxes,
made findable by their words, and deletes what has been kept for long enough.

In a thread and on a connection of its own: there is much of it, and nothing else waits for it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import psycopg
import structlog

from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following
from penstock.watch.contents.opening import Opening
from penstock.watch.contents.outbox import FOLDER, Row, decode_row
from penstock.watch.contents.sealing import Unreadable
from penstock.watch.contents.store import purge, write
from penstock.watch.outgoing import is_anything_waiting, ship

_AT_ONCE: Final = 1_000
_PURGE_EVERY_S: Final = 60.0
_NEVER_S: Final = 86_400.0
Came: TypeAlias = Callable[[psycopg.Connection, Sequence[str]], None]
"""Hears which exchanges' contents have come, in the transaction that brings them."""

_log = structlog.get_logger(__name__)


class ContentKeeping:
    """`start` once, `stop` once; any number of control planes may do so at the same time."""

    def __init__(
        self,
        root: Path,
        clock: Clock,
        connect: Callable[[], psycopg.Connection | None],
        opening: Opening,
        came: Came | None = None,
    ) -> None:
        self._opening = opening
        self._came = came
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
            marked = [self._marked(row) for row in rows]
            with connection.transaction():
                write(connection, marked, now=self._clock.now())
                if self._came is not None:
                    self._came(connection, [row.id for row in rows])

        if is_anything_waiting(self._folder):
            ship(self._folder, take, decode_row)
        if self._clock.monotonic() >= self._purged_s + _PURGE_EVERY_S:
            while purge(connection, now=self._clock.now(), most=_AT_ONCE) >= _AT_ONCE:
                pass
            self._purged_s = self._clock.monotonic()

    def _marked(self, row: Row) -> Row:
        try:
            return self._opening.marked(row)
        except Unreadable as error:  # kept all the same: it is read once its key is here
            _log.error("contents_not_found_by_text", exchange=row.id, reason=str(error))
            return row


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
