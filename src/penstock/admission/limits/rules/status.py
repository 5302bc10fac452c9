"""Carries what the store said of the counters from the event loop to the thread that writes it down for people.

`app` calls `collect` on the loop and `publish` in the follower's thread.
"""

import threading

import psycopg

from penstock.admission.limits.book import Book
from penstock.admission.limits.limit import UNITS
from penstock.admission.limits.rules.store import StatusRow, publish_status

_MOST_AT_ONCE = 500
_MOST_WAITING = 5_000
_MOST_CHARS = 300


class StatusBoard:
    """The latest of each counter waits here while the database is away; the oldest are given up first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, StatusRow] = {}

    def collect(self, book: Book) -> None:
        """Take what is new.  At most some hundred counters: it runs on the event loop."""
        heard = book.take_heard(_MOST_AT_ONCE)
        if not heard:
            return
        rows: dict[str, StatusRow] = {}
        for counter, said in heard:
            names = counter.rule.dimension_names
            rows[counter.key] = StatusRow(
                key=counter.key,
                rule=counter.rule.name,
                scope={name: _shown(value) for name, value in zip(names, counter.scoped, strict=True)},
                unit=UNITS[counter.unit],
                amount=counter.amount,
                used=said.used,
                granted=said.granted,
                starts_at=None if counter.is_level else counter.window.start,
                ends_at=None if counter.is_level else counter.window.end,
                heard_at=said.at,
            )
        with self._lock:
            for key in rows:
                self._rows.pop(key, None)
            self._rows.update(rows)
            while len(self._rows) > _MOST_WAITING:
                del self._rows[next(iter(self._rows))]

    def publish(self, connection: psycopg.Connection) -> None:
        """Write down what waits.  Raises `psycopg.Error`; where the database was away, it goes on waiting."""
        with self._lock:
            rows, self._rows = self._rows, {}
        if not rows:
            return
        try:
            publish_status(connection, list(rows.values()))
        except psycopg.OperationalError:
            with self._lock:
                self._rows = {**rows, **self._rows}
            raise


def _shown(value: str | None) -> str | None:
    """Some of these are what a caller wrote: PostgreSQL takes no NUL and no half of a character."""
    if value is None:
        return None
    return value[:_MOST_CHARS].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
