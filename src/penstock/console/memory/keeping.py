"""What the control plane does for the memory: it brings away turns that a data plane of this machine has left in its
outbox, and deletes what has been kept for long enough.
"""

from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from penstock.core.clock import Clock
from penstock.memory.outbox import FOLDER
from penstock.memory.store import purge, write_turns
from penstock.memory.turn import decode_turn
from penstock.storage.follow import Following, Listening
from penstock.watch.outgoing import is_anything_waiting, ship

_AT_ONCE: Final = 1_000
_PURGE_EVERY_S: Final = 60.0
_NEVER_S: Final = 86_400.0


class MemoryKeeping:
    """`start` once, `stop` once; any number of control planes may do so at the same time."""

    def __init__(self, root: Path, clock: Clock, source: Listening) -> None:
        self._folder = root / FOLDER
        self._clock = clock
        self._source = source
        self._purged_s = float("-inf")
        self._following = Following("memory", (), _NEVER_S, _read_nothing, self.tend)

    def start(self) -> None:
        self._source.join(self._following)

    def stop(self) -> None:
        """What still lies in an outbox is brought away by the next one."""
        self._source.leave(self._following)

    def tend(self, connection: psycopg.Connection) -> None:
        """Called every second, in the follower's thread.  Raises `psycopg.Error`; then the next call goes on."""
        if is_anything_waiting(self._folder):
            ship(self._folder, partial(write_turns, connection), decode_turn)
        if self._clock.monotonic() >= self._purged_s + _PURGE_EVERY_S:
            while purge(connection, now=self._clock.now(), most=_AT_ONCE) >= _AT_ONCE:
                pass
            self._purged_s = self._clock.monotonic()


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
