"""A thread that follows what the database says: reads on every `NOTIFY`, and on a timer, so that a lost one heals.

What one process follows can share a thread and a connection: a server has only so many of them for a fleet.
The data plane's request path never comes here.  Used for what the planes keep in memory and others change.
"""

import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

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


class Listening:
    """One connection and one thread for all who `join`: begun with the first, ended with the last to `leave`.

    `connect` gives a new connection, or None while the database's address is not known.  A database that is away, or
    has not got the schema yet, changes nothing: it is tried again.  One whose own reading fails holds up no other.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection | None]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._parts: tuple[_Part, ...] = ()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def join(self, following: Following) -> None:
        """Any time: what it follows is read with the next look, a fifth of a second away."""
        with self._lock:
            self._parts = (*self._parts, _Part(following))
            if self._thread is None:
                self._stopping = threading.Event()
                name = f"penstock-{following.name}"
                self._thread = threading.Thread(target=self._run, args=(self._stopping,), name=name, daemon=True)
                self._thread.start()

    def leave(self, following: Following) -> None:
        """Waits for what is being read, and for the thread where nobody is left; not for long."""
        with self._lock:
            part = next((each for each in self._parts if each.following is following), None)
            self._parts = tuple(each for each in self._parts if each is not part)
            ending = None if self._parts else self._thread
            if ending is not None:
                self._stopping.set()
                self._thread = None
        if part is not None:
            part.end()
        if ending is not None:
            ending.join(timeout=2 * _LOOK_S)

    def _run(self, stopping: threading.Event) -> None:
        wait_s = _FIRST_RETRY_S
        while not stopping.is_set():
            try:
                connection = self._connect()
                if connection is not None:
                    with connection:
                        connection.autocommit = True
                        wait_s = _FIRST_RETRY_S
                        self._follow(connection, stopping)
            except psycopg.Error as error:
                names = [part.following.name for part in self._parts]
                _log.warning("not_refreshed", follower=names, reason=str(error).strip(), retry_in_s=wait_s)
            stopping.wait(wait_s)
            wait_s = min((2 * wait_s, *(part.following.refresh_s for part in self._parts)))

    def _follow(self, connection: psycopg.Connection, stopping: threading.Event) -> None:
        for part in self._parts:
            part.begin()
        while not stopping.is_set():
            for part in self._parts:
                part.look(connection)
            heard = {notice.channel for notice in connection.notifies(timeout=_LOOK_S, stop_after=1)}
            for part in self._parts:
                part.pass_time(heard)


class _Part:
    """One who has joined.  Everything but `end` in the thread of `Listening`."""

    def __init__(self, following: Following) -> None:
        self.following = following
        self._busy = threading.Lock()
        self._is_over = False
        self.begin()

    def begin(self) -> None:
        """On a new connection: nothing is listened to, and all is to be read."""
        self._is_listening = False
        self._read_in_s = 0.0
        self._tend_in_s = 1.0
        self._retry_s = _FIRST_RETRY_S

    def end(self) -> None:
        """Nothing more of it is called; waits for what is."""
        self._is_over = True
        if self._busy.acquire(timeout=2 * _LOOK_S):
            self._busy.release()

    def pass_time(self, heard: AbstractSet[str]) -> None:
        self._read_in_s -= _LOOK_S
        self._tend_in_s -= _LOOK_S
        if self._is_listening and not heard.isdisjoint(self.following.channels):
            self._read_in_s = 0.0

    def look(self, connection: psycopg.Connection) -> None:
        """Read, and tend, where that is due.  Raises `psycopg.Error` where the connection is at fault."""
        with self._busy:
            if self._is_over:
                return
            try:
                self._try(connection)
            except Exception as error:
                if connection.closed or connection.broken:
                    raise
                self._put_off(error)

    def _try(self, connection: psycopg.Connection) -> None:
        following = self.following
        if self._read_in_s <= 0.0:
            if not self._is_listening:
                for channel in following.channels:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                self._is_listening = True
            following.read(connection)
            self._read_in_s, self._retry_s = following.refresh_s, _FIRST_RETRY_S
        if following.tend is not None and self._tend_in_s <= 0.0:
            self._tend_in_s = 1.0
            following.tend(connection)

    def _put_off(self, error: Exception) -> None:
        self._read_in_s, self._retry_s = self._retry_s, min(2 * self._retry_s, self.following.refresh_s)
        name, retry_in_s = self.following.name, self._read_in_s
        if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
            _log.debug("waits_for_the_schema", follower=name)  # a first start: whoever migrates is at it
        elif isinstance(error, psycopg.Error):
            _log.warning("not_refreshed", follower=[name], reason=str(error).strip(), retry_in_s=retry_in_s)
        else:
            _log.exception("not_refreshed", follower=[name], retry_in_s=retry_in_s)


Source: TypeAlias = Callable[[], psycopg.Connection | None] | Listening
"""Where a follower's connection comes from: one of its own, or one that it shares."""


class Follower:
    """`start` once, `stop` once; `stop` waits for what is being read, not for long."""

    def __init__(self, following: Following, source: Source) -> None:
        self._following = following
        self._listening = source if isinstance(source, Listening) else Listening(source)

    def start(self) -> None:
        self._listening.join(self._following)

    def stop(self) -> None:
        self._listening.leave(self._following)
