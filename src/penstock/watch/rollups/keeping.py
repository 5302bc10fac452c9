"""Old sums by the minute go, those by the hour stay, which are sixty times fewer; days and months are made of them.

Whoever ships calls this in its own rhythm, on its own connection, a slice at a time.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from penstock.core.clock import Clock
from penstock.watch.rollups.closing import RollupClosing
from penstock.watch.rollups.views import VIEWS

SLICE: Final = 5_000
_EVERY_S: Final = 3600.0
_PURGE_SUMS: Final = (
    "DELETE FROM rollup_minutes WHERE ctid IN"
    " (SELECT ctid FROM rollup_minutes WHERE view = ANY(%s) AND at < %s LIMIT %s)"
)
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
        views = [view.number for view in VIEWS if "minute" in view.grains]
        sums = connection.execute(_PURGE_SUMS, (views, before, SLICE)).rowcount
        tallies = connection.execute(_PURGE_TALLIES, (before, SLICE)).rowcount
        is_more = max(sums, tallies) == SLICE
        self._next_s = self._clock.monotonic() + (0.0 if is_more else _EVERY_S)
        return sums + tallies


def kept_since(now: datetime, minute_days: float) -> datetime:
    """From when on there are sums by the minute."""
    return now - timedelta(days=minute_days)
