"""Sums of refused credentials by the hour: processes count them in memory, and here they are brought to the database.

A refused credential belongs to nobody, so that there is no exchange and no row of the ledger.  What a process has not
brought when it ends, some seconds' worth, is lost.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, LiteralString

import msgspec
import psycopg

from penstock.core.clock import Clock

_EVERY_S: Final = 5.0
_MOST_REASON: Final = 100
_ADD: LiteralString = """
    INSERT INTO refused_credentials AS r (at, place, reason, amount)
    VALUES (date_trunc('hour', to_timestamp(%s), 'UTC'), %s, %s, %s)
    ON CONFLICT (at, place, reason) DO UPDATE SET amount = r.amount + excluded.amount
"""
_READ: LiteralString = """
    SELECT CASE WHEN %(step)s::text IS NULL THEN NULL ELSE date_trunc(%(step)s, at, %(zone)s) END, place, reason,
        sum(amount)::bigint
    FROM refused_credentials WHERE at >= %(since)s AND at < %(until)s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


class RefusedCredentials:
    """Brings what `counts` says, which only grows, since it was last brought.  `place` is `data` or `control`."""

    def __init__(self, place: str, counts: Callable[[], Mapping[str, int]], clock: Clock) -> None:
        self._place = place
        self._counts = counts
        self._clock = clock
        self._brought: dict[str, int] = {}
        self._next_s = float("-inf")

    def tend(self, connection: psycopg.Connection) -> None:
        """Raises `psycopg.Error`; then the next call brings it."""
        if self._clock.monotonic() < self._next_s:
            return
        self._next_s = self._clock.monotonic() + _EVERY_S
        counts = dict(self._counts())
        news = {reason: count - self._brought.get(reason, 0) for reason, count in counts.items()}
        at = self._clock.now()
        rows = [(at, self._place, reason[:_MOST_REASON], more) for reason, more in sorted(news.items()) if more]
        if rows:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(_ADD, rows)
        self._brought = counts


class Refused(msgspec.Struct, frozen=True):
    at: datetime | None
    place: str
    reason: str
    amount: int


async def read_refused(
    connection: psycopg.AsyncConnection, *, since: datetime, until: datetime, step: str | None, zone: str
) -> list[Refused]:
    values = {"since": since, "until": until, "step": step, "zone": zone}
    return [Refused(*row) for row in await (await connection.execute(_READ, values)).fetchall()]
