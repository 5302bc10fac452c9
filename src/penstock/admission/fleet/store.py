"""The fleet's board in PostgreSQL: two tables, one function, and NOTIFY.

Called by the thread of `FleetLink`, and by the control plane, each on a connection of its own.
"""

from collections.abc import Callable

import msgspec
import psycopg

from penstock.admission.fleet.board import (
    KEPT_S,
    MOST_STATES,
    BoardLost,
    BoardNotReady,
    Member,
    Report,
    TargetState,
    View,
)
from penstock.storage.notices import is_readable

CHANNEL = "penstock_fleet"

_TIMEOUT_MS = 3000
_MEET = "SELECT states, members FROM meet_fleet(%s, %s, %s, %s, %s, %s::jsonb, %s, %s)"


class PostgresBoard:
    """`Board`.  `connect` gives a new connection, or None while the database's address is not known."""

    def __init__(self, connect: Callable[[], psycopg.Connection | None]) -> None:
        self._connect = connect
        self._connection: psycopg.Connection | None = None
        self._has_asked = False

    def exchange(self, report: Report) -> View:
        self._has_asked = True
        try:
            row = (
                self._connected()
                .execute(
                    _MEET,
                    (
                        report.process,
                        report.place,
                        list(report.targets),
                        report.is_leaving,
                        report.silent_s,
                        msgspec.json.encode(report.findings).decode(),
                        KEPT_S,
                        MOST_STATES,
                    ),
                )
                .fetchone()
            )
        except (psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedTable):
            self.close()
            raise BoardNotReady("the database's schema is not up to date yet") from None
        except psycopg.Error as error:
            raise self._lost(error) from None
        states, members = row or ([], [])
        return View(
            states=msgspec.convert(states, tuple[TargetState, ...]),
            members=msgspec.convert(members, tuple[Member, ...]),
        )

    def wait(self, timeout_s: float) -> bool:
        try:
            connection = self._connected()
            own = connection.info.backend_pid
            came_with_answer = _heard(connection) if self._has_asked else []
            self._has_asked = False
            heard = came_with_answer or (_heard(connection) if is_readable(connection, timeout_s) else [])
        except psycopg.Error as error:
            raise self._lost(error) from None
        return any(pid != own for pid in heard)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _lost(self, error: psycopg.Error) -> BoardLost:
        self.close()
        return BoardLost(str(error).strip().partition("\n")[0])

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            connection = self._connect()
            if connection is None:
                raise BoardNotReady("the database's address is not known yet")
            connection.autocommit = True
            connection.execute("SELECT set_config('statement_timeout', %s, false)", (str(_TIMEOUT_MS),))
            connection.execute(f"LISTEN {CHANNEL}")
            self._connection = connection
        return self._connection


def _heard(connection: psycopg.Connection) -> list[int]:
    """The processes whose news has come."""
    return [notify.pid for notify in connection.notifies(timeout=0.0)]
