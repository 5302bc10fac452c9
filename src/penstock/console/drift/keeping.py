"""The thread of the control plane that looks for drift.  It has a connection of its own: a look may take seconds."""

from collections.abc import Callable
from typing import Final

import psycopg

from penstock.config.drift import DriftSettings
from penstock.console.drift.shown import Shown
from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following
from penstock.storage.pool import connect
from penstock.watch.drift.checking import Checking

_NEVER_S: Final = 86_400.0


class DriftKeeping:
    """`start` once, `stop` once; any number of control planes may do so at the same time."""

    def __init__(self, settings: DriftSettings, find_url: Callable[[], str | None], clock: Clock) -> None:
        def open_connection() -> psycopg.Connection | None:
            found = find_url()
            if found is None:
                return None
            opened = connect(found, name="drift")
            opened.autocommit = True
            return opened

        self.shown = Shown()
        self._is_wanted = settings.enabled
        following = Following("drift", (), _NEVER_S, _read_nothing, Checking(settings, clock).tend)
        self._follower = Follower(following, open_connection)

    def start(self) -> None:
        if self._is_wanted:
            self._follower.start()

    def stop(self) -> None:
        """What was not summed up yet is by the next one."""
        if self._is_wanted:
            self._follower.stop()


def _read_nothing(_: psycopg.Connection) -> None:
    """Nothing is kept in memory here."""
