"""The store that all processes share, behind one process's memory: a `shelf.Backing`.

A follower's thread learns what others have kept and what was dropped, and writes what this process keeps, in batches.
Two more threads read single entries for requests that are known to find one.  A store that is away costs hits and
nothing else: what waits to be written is bounded, and the oldest of it is forgotten.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import psycopg
import structlog

from penstock.cache import store
from penstock.cache.entry import Drop, Entry
from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following, Listening

Connect = Callable[[], psycopg.Connection | None]
"""A new connection, or None while the database's address is not known."""

_READERS = 2
_BATCH = 100
_REFRESH_S = 15.0
_PURGE_EVERY_S = 60.0
_PURGE_MOST = 5_000
_SKEW_S = 60.0
_GRACE_S = 3.0
_PAUSE_S = 2.0
_AWAY_TOO_LONG_S = 86_400.0
WRITE_S = 5.0
"""What a statement may take, and so about how long a batch is waited for at the end."""
_KEY_BYTES = 16
"""Of a digest: enough to know it by.  One that is taken for another costs a look into the store."""
_CHUNK = 2_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`lookup_s` bounds the wait for the store, the others what is held in memory."""

    lookup_s: float
    waiting_bytes: int
    known_entries: int


class StoreLink:
    """`start` once, on the event loop that serves; `stop` once, from any thread, after the last exchange."""

    def __init__(self, connect: Connect, clock: Clock, bounds: Bounds) -> None:
        self._connect_now = connect
        self._clock = clock
        self._bounds = bounds
        self.listening = Listening(self.connect)
        """The connection and the thread, for what else follows the store and is as quickly done with it."""
        self._follower = Follower(
            Following("cache", (store.CHANNEL,), _REFRESH_S, self._refresh, self._tend), self.listening
        )
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="penstock-cache")
        self._idle: list[psycopg.Connection] = []
        self._reading = 0
        self._pause_until_s = 0.0
        self._known: dict[bytes, None] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: deque[tuple[Entry, int]] = deque()
        self._waiting_bytes = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_drops: Callable[[Sequence[Drop] | None], None] = lambda _: None
        self._heard_drop = 0
        self._read_drop: int | None = None
        self._read_entry = 0
        self._read_at_s = 0.0
        self._purged_s = clock.monotonic()
        self._lost_since_s: float | None = None
        self._reason = ""
        self.forgotten = 0

    def start(self, on_drops: Callable[[Sequence[Drop] | None], None]) -> None:
        """`on_drops` hears on this loop of what was dropped; None is everything."""
        self._loop = asyncio.get_running_loop()
        self._on_drops = on_drops
        self._follower.start()

    def stop(self) -> None:
        """Write what still waits, if the store is there; takes a second or so."""
        self._follower.stop()
        self._readers.shutdown(wait=False, cancel_futures=True)
        # What the follower took and has not written yet waits in no line: where the process ends now, it is lost.
        if self._writing.acquire(timeout=WRITE_S):
            self._writing.release()
        if self._waiting and self._lost_since_s is None:
            with suppress(psycopg.Error):
                connection = self._connect_now()
                if connection is not None:
                    with connection:
                        self._write(connection)
        while self._idle:
            self._idle.pop().close()

    def problems(self) -> tuple[str, ...]:
        """For `/health`."""
        since_s = self._lost_since_s
        if since_s is None or self._clock.monotonic() - since_s < _GRACE_S:
            return ()
        return (f"the cache's store is lost, and answers are kept in memory alone: {self._reason}",)

    @property
    def is_up(self) -> bool:
        return self._lost_since_s is None

    @property
    def heard_drop(self) -> int:
        """The place of the last drop that this process has applied, for what is to be written: on the loop."""
        return self._heard_drop

    @property
    def known(self) -> int:
        """Entries that the store is known to have."""
        return len(self._known)

    @property
    def waiting(self) -> int:
        """Entries that are to be written."""
        return len(self._waiting)

    def knows(self, key: bytes) -> bool:
        return key[:_KEY_BYTES] in self._known

    async def find(self, key: bytes) -> Entry | None:
        """The entry, if the store gives it within the time for it; it is never waited for in a line."""
        clock = self._clock
        if self._loop is None or self._reading >= _READERS or clock.monotonic() < self._pause_until_s:
            return None
        self._reading += 1
        told: asyncio.Future[Entry | None] = self._loop.create_future()

        def over() -> None:
            if not told.done():
                told.set_result(None)

        timer = clock.call_at(clock.monotonic() + self._bounds.lookup_s, over)
        reading = self._loop.run_in_executor(self._readers, self._fetch, key)

        def done(found: "asyncio.Future[Entry | None]") -> None:
            self._reading -= 1
            entry: Entry | None = None
            if not found.cancelled() and found.exception() is None:
                entry = found.result()
                if entry is None:
                    self._known.pop(key[:_KEY_BYTES], None)
            if not told.done():
                told.set_result(entry)

        reading.add_done_callback(done)
        try:
            return await told
        finally:
            timer.cancel()

    def offer(self, entry: Entry, since: int) -> None:
        """Write it, soon; what waits longest is forgotten where there is too much."""
        del since  # whoever offers has just asked whether it was dropped: what was heard until now does not concern it
        if "\x00" in f"{entry.tenant}{entry.model}{entry.target}{''.join(entry.tags)}":
            return  # PostgreSQL keeps no such text
        with self._lock:
            self._waiting.append((entry, self._heard_drop))
            self._waiting_bytes += entry.size_bytes
            while self._waiting_bytes > self._bounds.waiting_bytes:
                self._waiting_bytes -= self._waiting.popleft()[0].size_bytes
                self.forgotten += 1

    def connect(self) -> psycopg.Connection | None:
        """A new connection to the store, in autocommit mode; None while its address is not known."""
        try:
            connection = self._connect_now()
        except psycopg.Error as error:
            self._note_lost(error)
            raise
        if connection is not None:
            connection.autocommit = True
            connection.execute("SELECT set_config('statement_timeout', %s, false)", (str(int(WRITE_S * 1000)),))
        return connection

    def _refresh(self, connection: psycopg.Connection) -> None:
        """In the follower's thread: what is new, to the loop."""
        now_s = self._clock.monotonic()
        news = store.read_news(
            connection,
            after_drop=self._read_drop,
            after_entry=self._read_entry,
            now=self._clock.now(),
            most=self._bounds.known_entries,
        )
        if self._read_drop is not None and now_s - self._read_at_s > _AWAY_TOO_LONG_S:
            self._tell(lambda: self._on_drops(None))
        self._read_drop, self._read_entry, self._read_at_s = news.last_drop, news.last_entry, now_s
        self._lost_since_s = None
        self._tell(lambda: self._take_drops(news.drops, news.last_drop))
        for begin in range(0, len(news.keys), _CHUNK):
            self._tell(lambda keys=news.keys[begin : begin + _CHUNK]: self._take_keys(keys))

    def _tend(self, connection: psycopg.Connection) -> None:
        with self._writing:
            self._write(connection)
        now_s = self._clock.monotonic()
        if now_s - self._purged_s >= _PURGE_EVERY_S:
            self._purged_s = now_s
            store.purge(connection, now=self._clock.now() - _SKEW_S, most=_PURGE_MOST)

    def _write(self, connection: psycopg.Connection) -> None:
        while self._waiting:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                self._waiting_bytes -= sum(entry.size_bytes for entry, _ in batch)
            try:
                store.write(connection, batch)
            except psycopg.DataError as error:
                _log.warning("cache_entries_refused", entries=len(batch), reason=str(error).strip())
            except psycopg.Error as error:
                self._note_lost(error)
                with self._lock:
                    self._waiting.extendleft(reversed(batch))
                    self._waiting_bytes += sum(entry.size_bytes for entry, _ in batch)
                raise

    def _fetch(self, key: bytes) -> Entry | None:
        """In a reader's thread.  Raises `psycopg.Error`."""
        try:
            connection = self._idle.pop() if self._idle else self.connect()
            if connection is None:
                raise psycopg.OperationalError("the database's address is not known")
            try:
                entry = store.read(connection, key)
            except psycopg.Error as error:
                connection.close()
                self._note_lost(error)
                raise
        except psycopg.Error:
            self._pause_until_s = self._clock.monotonic() + _PAUSE_S
            raise
        self._idle.append(connection)
        return entry

    def _take_drops(self, drops: Sequence[Drop], last: int) -> None:
        if drops:
            self._on_drops(drops)
        self._heard_drop = last

    def _take_keys(self, keys: Sequence[bytes]) -> None:
        known = self._known
        for key in keys:
            known[key[:_KEY_BYTES]] = None
        while len(known) > self._bounds.known_entries:
            del known[next(iter(known))]

    def _note_lost(self, error: psycopg.Error) -> None:
        if self._lost_since_s is None:
            self._lost_since_s = self._clock.monotonic()
        self._reason = str(error).strip().partition("\n")[0]

    def _tell(self, function: Callable[[], None]) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed: this process is at its end
                self._loop.call_soon_threadsafe(function)
