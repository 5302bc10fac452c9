"""A thread that follows what the database says: reads on every `NOTIFY`, and on a timer, so that a lost one heals.

The data plane's request path never comes here.  Used for what the planes keep in memory and others change.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog
from psycopg import sql

_FIRST_RETRY_S = 0.5
_LOOK_S = 0.2

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Following:
    """What a follower does: `read` on every change of `channels` and every `refresh_s`, `tend` every second.

    Both get the connection, in autocommit mode, in the follower's thread.
    """

    name: str
    channels: Sequence[str]
    refresh_s: float
    read: Callable[[psycopg.Connection], None]
    tend: Callable[[psycopg.Connection], None] | None = None


class Follower:
    """`start` once, `stop` once; `stop` waits for the thread.

    `connect` gives a new connection, or None while the database's address is not known.  A database that is away, or
    has not got the schema yet, changes nothing: it is tried again.
    """

    def __init__(self, following: Following, connect: Callable[[], psycopg.Connection | None]) -> None:
        self._following = following
        self._connect = connect
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"penstock-{following.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * _LOOK_S)

    def _run(self) -> None:
        name, wait_s = self._following.name, _FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                connection = self._connect()
                if connection is not None:
                    with connection:
                        connection.autocommit = True
                        wait_s = _FIRST_RETRY_S
                        self._follow(connection)
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                _log.debug("waits_for_the_schema", follower=name)  # a first start: whoever migrates is at it
            except psycopg.Error as error:
                _log.warning("not_refreshed", follower=name, reason=str(error).strip(), retry_in_s=wait_s)
            self._stopping.wait(wait_s)
            wait_s = min(2 * wait_s, self._following.refresh_s)

    def _follow(self, connection: psycopg.Connection) -> None:
        following = self._following
        for channel in following.channels:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        following.read(connection)
        since_read_s = since_tended_s = 0.0
        while not self._stopping.is_set():
            is_notified = any(True for _ in connection.notifies(timeout=_LOOK_S, stop_after=1))
            since_read_s += _LOOK_S
            since_tended_s += _LOOK_S
            if is_notified or since_read_s >= following.refresh_s:
                following.read(connection)
                since_read_s = 0.0
            if following.tend is not None and since_tended_s >= 1.0:
                following.tend(connection)
                since_tended_s = 0.0
