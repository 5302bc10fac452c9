"""Old alerts go: `deliver` calls this in its own rhythm, so whoever delivers also clears away.

An alert stays while anybody may still be told of it, and while a delivery that was given up has not been acknowledged:
`/health` shows it until then.  Ids go with their rows, so `alerts.keep_days` is longer than any period in which the
same occasion could be noticed again.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from penstock.core.clock import Clock
from penstock.storage.pool import connect

BATCH = 500
EVERY_S = 3600.0
_DAY_S = 86_400.0
_PURGE = (
    "DELETE FROM alerts WHERE id IN (SELECT a.id FROM alerts a"
    " WHERE a.arrived_at < %s AND a.routed_at IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM alert_deliveries d WHERE d.alert = a.id"
    " AND (d.state = 'waiting' OR (d.state = 'given_up' AND a.acknowledged_at IS NULL)))"
    " ORDER BY a.place LIMIT %s FOR UPDATE OF a SKIP LOCKED)"
)

_log = structlog.get_logger(__name__)


class AlertRetention:
    """`tend` often, from one thread: once an hour it looks, and while there is more a batch goes with each call.

    `find_url` gives the database's address, or None while it is not known.  `keep_days` may be changed meanwhile.
    """

    def __init__(self, find_url: Callable[[], str | None], keep_days: float, clock: Clock) -> None:
        self._find_url = find_url
        self.keep_days = keep_days
        self._clock = clock
        self._next_s = float("-inf")

    def tend(self) -> None:
        """Raises `DatabaseError`; then the next call tries again."""
        url = self._find_url()
        if url is None or self._clock.monotonic() < self._next_s:
            return
        gone = self._purge(url)
        if gone:
            _log.info("alerts_purged", alerts=gone)
        self._next_s = self._clock.monotonic() + (0.0 if gone == BATCH else EVERY_S)

    def _purge(self, url: str) -> int:
        before = datetime.fromtimestamp(self._clock.now() - self.keep_days * _DAY_S, UTC)
        # A connection of its own, since it is wanted for a moment in an hour.
        with connect(url, name="alerts") as connection:
            return connection.execute(_PURGE, (before, BATCH)).rowcount
