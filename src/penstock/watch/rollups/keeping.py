"""Old sums by the minute go, those by the hour stay, which are sixty times fewer; days and months are made of them.

Whoever ships calls this in its own rhythm, on its own connection, a slice of each table at a time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from psycopg import sql

from penstock.core.clock import Clock
from penstock.watch.rollups.closing import RollupClosing
from penstock.watch.rollups.views import VIEWS

SLICE: Final = 5_000
_EVERY_S: Final = 3600.0
_PURGE_SUMS: Final = sql.SQL(
    "DELETE FROM rollup_minutes WHERE view = {view} AND ctid IN"
    " (SELECT ctid FROM rollup_minutes WHERE view = {view} AND at < %s LIMIT %s)"
)
"""Of one view: places of rows are told by `ctid` within one partition alone."""
_VIEWS: Final = tuple(view.number for view in VIEWS if "minute" in view.grains)
_PURGE_TALLIES: Final = (
    "DELETE FROM rollup_tally_minutes WHERE ctid IN (SELECT ctid FROM rollup_tally_minutes WHERE at < %s LIMIT %s)"
)


class RollupRetention:
    """`tend` often, from one thread: once an hour it looks, and while there is more a slice goes with each call."""

    def __init__(self, minute_days: float, clock: Clock) -> None:
        self._minute_days = minute_days
        self._clock = clock
        self._closing = RollupClosing(clock)
        self._next_s = float("-inf")

    def tend(self, connection: psycopg.Connection) -> int:
        """How many rows went; with each call a day or a month is closed besides, where there is one.

        Raises `psycopg.Error`; then the next call tries again.
        """
        self._closing.tend(connection)
        if self._clock.monotonic() < self._next_s:
            return 0
        before = kept_since(datetime.fromtimestamp(self._clock.now(), UTC), self._minute_days)
        purges = [_PURGE_SUMS.format(view=sql.Literal(view)) for view in _VIEWS]
        gone = [connection.execute(purge, (before, SLICE)).rowcount for purge in purges]
        gone.append(connection.execute(_PURGE_TALLIES, (before, SLICE)).rowcount)
        is_more = SLICE in gone
        self._next_s = self._clock.monotonic() + (0.0 if is_more else _EVERY_S)
        return sum(gone)


def kept_since(now: datetime, minute_days: float) -> datetime:
    """From when on there are sums by the minute."""
    return now - timedelta(days=minute_days)
