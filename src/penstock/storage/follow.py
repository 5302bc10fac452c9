"""A thread that follows what the database says: reads on every `NOTIFY`, and on a timer, so that a lost one heals.

What one process follows can share a thread and a connection: a server has only so many of them for a fleet.
The data plane's request path never comes here.  Used for what the planes keep in memory and others change.
"""

import math
import socket
import threading
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
import structlog
from psycopg import sql

from penstock.core.clock import Clock, SystemClock
from penstock.storage.notices import is_readable

_FIRST_RETRY_S = 0.5
_TEND_EVERY_S = 1.0
_LEAVE_S = 0.4
_LONGEST_S = 3600.0

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

    def __init__(self, connect: Callable[[], psycopg.Connection | None], clock: Clock | None = None) -> None:
        self._connect = connect
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._parts: tuple[_Part, ...] = ()
        self._bell: _Bell | None = None
        self._thread: threading.Thread | None = None

    def join(self, following: Following) -> None:
        """Any time: what it follows is read at once."""
        with self._lock:
            self._parts = (*self._parts, _Part(following, self._clock))
            if self._bell is not None:
                self._bell.ring()
                return
            self._bell = bell = _Bell()
            name = f"penstock-{following.name}"
            self._thread = threading.Thread(target=self._run, args=(bell,), name=name, daemon=True)
            self._thread.start()

    def leave(self, following: Following) -> None:
        """Waits for what is being read, and for the thread where nobody is left; not for long."""
        with self._lock:
            part = next((each for each in self._parts if each.following is following), None)
            self._parts = tuple(each for each in self._parts if each is not part)
            ending = None if self._parts else self._thread
            if ending is not None and self._bell is not None:
                self._bell.is_over.set()
                self._bell.ring()
                self._bell = self._thread = None
        if part is not None:
            part.end()
        if ending is not None:
            ending.join(timeout=_LEAVE_S)

    def _run(self, bell: "_Bell") -> None:
        wait_s = _FIRST_RETRY_S
        while not bell.is_over.is_set():
            try:
                connection = self._connect()
                if connection is not None:
                    with connection:
                        connection.autocommit = True
                        wait_s = _FIRST_RETRY_S
                        self._follow(connection, bell)
            except psycopg.Error as error:
                names = [part.following.name for part in self._parts]
                _log.warning("not_refreshed", follower=names, reason=str(error).strip(), retry_in_s=wait_s)
            bell.is_over.wait(wait_s)
            wait_s = min((2 * wait_s, *(part.following.refresh_s for part in self._parts)))
        with self._lock:  # whoever rings holds it
            bell.close()

    def _follow(self, connection: psycopg.Connection, bell: "_Bell") -> None:
        for part in self._parts:
            part.begin()
        while not bell.is_over.is_set():
            bell.hear()
            parts = self._parts  # whoever joins from here on rings
            for part in parts:
                part.look(connection)
            heard = _heard(connection)
            due_in_s = min((part.due_s for part in parts), default=math.inf) - self._clock.monotonic()
            if not heard and is_readable(connection, min(due_in_s, _LONGEST_S), woken=bell.fd):
                heard = _heard(connection)
            for part in parts:
                part.note(heard)


def _heard(connection: psycopg.Connection) -> AbstractSet[str]:
    return {notice.channel for notice in connection.notifies(timeout=0.0)}


class _Bell:
    """Wakes a thread that waits for its connection: `ring` from any, `hear` and `close` in that one."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self._ears, self._rope = socket.socketpair()
        self._ears.setblocking(False)
        self._rope.setblocking(False)
        self.fd = self._ears.fileno()

    def ring(self) -> None:
        with suppress(BlockingIOError):  # it has been rung so often that one more says nothing new
            self._rope.send(b"!")

    def hear(self) -> None:
        with suppress(BlockingIOError):
            self._ears.recv(4096)

    def close(self) -> None:
        self._ears.close()
        self._rope.close()


class _Part:
    """One who has joined.  Everything but `end` in the thread of `Listening`."""

    def __init__(self, following: Following, clock: Clock) -> None:
        self.following = following
        self._clock = clock
        self._busy = threading.Lock()
        self._is_over = False
        self.begin()

    def begin(self) -> None:
        """On a new connection: nothing is listened to, and all is to be read."""
        self._is_listening = False
        self._read_s = self._clock.monotonic()
        self._tend_s = math.inf if self.following.tend is None else self._read_s + _TEND_EVERY_S
        self._retry_s = _FIRST_RETRY_S

    @property
    def due_s(self) -> float:
        """When there is next something to do, by the clock."""
        return math.inf if self._is_over else min(self._read_s, self._tend_s)

    def end(self) -> None:
        """Nothing more of it is called; waits for what is."""
        self._is_over = True
        if self._busy.acquire(timeout=_LEAVE_S):
            self._busy.release()

    def note(self, heard: AbstractSet[str]) -> None:
        if self._is_listening and not heard.isdisjoint(self.following.channels):
            self._read_s = self._clock.monotonic()

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
        if self._read_s <= self._clock.monotonic():
            if not self._is_listening:
                for channel in following.channels:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                self._is_listening = True
            following.read(connection)
            self._read_s, self._retry_s = self._clock.monotonic() + following.refresh_s, _FIRST_RETRY_S
        if following.tend is not None and self._tend_s <= self._clock.monotonic():
            self._tend_s = self._clock.monotonic() + _TEND_EVERY_S
            following.tend(connection)

    def _put_off(self, error: Exception) -> None:
        retry_in_s, self._retry_s = self._retry_s, min(2 * self._retry_s, self.following.refresh_s)
        self._read_s = self._clock.monotonic() + retry_in_s
        name = self.following.name
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
