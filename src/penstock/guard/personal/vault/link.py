"""The store that all processes share, behind one process's memory of conversations.

A follower's thread learns which conversations others have changed and whose were erased, and writes in batches what
this process issues.  One more thread reads what a turn asks for, all that wait for it in one query.  A store that is
away costs what is known of conversations that are not in memory, and nothing else: what waits to be written is
bounded, and the oldest of it is forgotten.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import psycopg
import structlog

from penstock.core.clock import Clock
from penstock.guard.personal.vault import store
from penstock.guard.personal.vault.book import Book, Written
from penstock.guard.personal.vault.conversation import Conversation
from penstock.guard.personal.vault.scope import Scope
from penstock.guard.personal.vault.sealing import CannotOpen, Sealer
from penstock.guard.personal.vault.store import Erasure, Row
from penstock.storage.follow import Follower, Following

Connect = Callable[[], psycopg.Connection | None]
"""A new connection, or None while the database's address is not known."""

_BATCH: Final = 100
_REFRESH_S: Final = 15.0
_PURGE_EVERY_S: Final = 60.0
_PURGE_MOST: Final = 5_000
_SKEW_S: Final = 60.0
_GRACE_S: Final = 3.0
_PAUSE_S: Final = 2.0
_SLOW_S: Final = 1.0
_AWAY_TOO_LONG_S: Final = 86_400.0
_MOST_TRIES: Final = 5

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store has of a conversation: nothing, something of use, or something that cannot be opened."""

    version: int = 0
    written: Written | None = None
    is_foreign: bool = False


class Heard(Protocol):
    """Who is told, on the event loop, of what the store says."""

    def erased(self, erasures: Sequence[Erasure] | None) -> None:
        """These; None is everything."""
        ...

    def changed(self, versions: dict[bytes, int]) -> None: ...
    def settled(self, conversation: Conversation, stored: Stored, changes: int) -> None:
        """The store has what the conversation's book was after so many changes."""
        ...


class VaultLink:
    """`start` once, on the event loop that serves; `stop` once, from any thread, after the last exchange."""

    def __init__(self, connect: Connect, sealer: Sealer, clock: Clock, *, waiting_bytes: int) -> None:
        self._connect_now = connect
        self._sealer = sealer
        self._clock = clock
        self._waiting_most_bytes = waiting_bytes
        self._follower = Follower(
            Following("vault", (store.CHANNEL,), _REFRESH_S, self._refresh, self._tend), self._connect
        )
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="penstock-vault")
        self._idle: psycopg.Connection | None = None
        self._asked: dict[Scope, asyncio.Future[Stored | None]] = {}
        self._reading_since_s: float | None = None
        self._pause_until_s = 0.0
        self._lock = threading.Lock()
        self._waiting: dict[bytes, tuple[Conversation, int]] = {}
        self._waiting_bytes = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._heard: Heard | None = None
        self._read_erasure: int | None = None
        self._read_row: int | None = None
        self._read_at_s = 0.0
        self._purged_s = clock.monotonic()
        self._lost_since_s: float | None = None
        self._reason = ""
        self.heard = 0
        self.forgotten = 0
        self.refused = 0

    def start(self, heard: Heard) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard = heard
        self._follower.start()

    def stop(self) -> None:
        """Write what still waits, if the store is there; takes a second or so."""
        self._follower.stop()
        self._reader.shutdown(wait=False, cancel_futures=True)
        if self._waiting and self._lost_since_s is None:
            with suppress(psycopg.Error):
                connection = self._connect_now()
                if connection is not None:
                    with connection:
                        connection.autocommit = True
                        self._write(connection)
        if self._idle is not None:
            self._idle.close()

    def problems(self) -> tuple[str, ...]:
        """For `/health`."""
        since_s = self._lost_since_s
        if since_s is None or self._clock.monotonic() - since_s < _GRACE_S:
            return ()
        return (f"the vault's store is lost, and tokens are kept in memory alone: {self._reason}",)

    @property
    def is_up(self) -> bool:
        return self._lost_since_s is None

    @property
    def waiting(self) -> int:
        """Conversations that are to be written."""
        return len(self._waiting)

    def find(self, scope: Scope) -> "asyncio.Future[Stored | None] | None":
        """What the store has, None in place of it if it could not be asked; None at once if it is known to be away.

        On the event loop.  Turns of one conversation that ask at the same time wait for one answer.
        """
        now_s = self._clock.monotonic()
        since_s = self._reading_since_s
        is_hanging = since_s is not None and now_s - since_s > _SLOW_S
        if self._loop is None or now_s < self._pause_until_s or is_hanging:
            return None
        told = self._asked.get(scope)
        if told is None:
            told = self._asked[scope] = self._loop.create_future()
            self._read_next()
        return told

    def offer(self, conversation: Conversation) -> None:
        """Write it, or that it was used, soon; what waits longest is forgotten where there is too much."""
        scope = conversation.scope
        whose = f"{scope.tenant}{scope.holder}"
        if "\x00" in whose or (not whose.isascii() and not _is_text(whose)):
            return  # PostgreSQL keeps no such text
        with self._lock:
            last = self._waiting.pop(scope.key, None)
            self._waiting_bytes -= 0 if last is None else last[1]
            size_bytes = conversation.book.size_bytes
            self._waiting[scope.key] = (conversation, size_bytes)
            self._waiting_bytes += size_bytes
            while self._waiting_bytes > self._waiting_most_bytes:
                self._waiting_bytes -= self._waiting.pop(next(iter(self._waiting)))[1]
                self.forgotten += 1

    def _read_next(self) -> None:
        if self._reading_since_s is not None or not self._asked or self._loop is None:
            return
        scopes = tuple(self._asked)[:_BATCH]
        asked = {scope: self._asked.pop(scope) for scope in scopes}
        self._reading_since_s = self._clock.monotonic()
        reading = self._loop.run_in_executor(self._reader, self._fetch, scopes)
        reading.add_done_callback(partial(self._fetched, asked))

    def _fetched(
        self,
        asked: "dict[Scope, asyncio.Future[Stored | None]]",
        reading: "asyncio.Future[dict[bytes, Stored]]",
    ) -> None:
        self._reading_since_s = None
        failed = reading.cancelled() or reading.exception() is not None
        found = None if failed else reading.result()
        for scope, told in asked.items():
            if not told.done():
                told.set_result(None if found is None else found.get(scope.key, Stored()))
        self._read_next()

    def _fetch(self, scopes: Sequence[Scope]) -> dict[bytes, Stored]:
        """In the reader's thread.  Raises `psycopg.Error`."""
        try:
            connection = self._idle if self._idle is not None else self._connect()
            self._idle = None
            if connection is None:
                raise psycopg.OperationalError("the database's address is not known")
            try:
                rows = store.read(connection, [scope.key for scope in scopes])
            except psycopg.Error as error:
                connection.close()
                self._note_lost(error)
                raise
        except psycopg.Error:
            self._pause_until_s = self._clock.monotonic() + _PAUSE_S
            raise
        self._idle = connection
        return {scope.key: self._opened(scope, rows[scope.key]) for scope in scopes if scope.key in rows}

    def _connect(self) -> psycopg.Connection | None:
        try:
            connection = self._connect_now()
        except psycopg.Error as error:
            self._note_lost(error)
            raise
        if connection is not None:
            connection.autocommit = True
            connection.execute("SELECT set_config('statement_timeout', '5000', false)")
        return connection

    def _refresh(self, connection: psycopg.Connection) -> None:
        """In the follower's thread: what is new, to the loop."""
        now_s = self._clock.monotonic()
        news = store.read_news(connection, after_erasure=self._read_erasure, after_row=self._read_row)
        if self._read_erasure is not None and now_s - self._read_at_s > _AWAY_TOO_LONG_S:
            self._tell(lambda heard: heard.erased(None))
        self._read_erasure, self._read_row, self._read_at_s = news.last_erasure, news.last_row, now_s
        self._lost_since_s = None
        self._tell(lambda heard: self._take(heard, news))

    def _take(self, heard: Heard, news: store.News) -> None:
        if news.erasures:
            heard.erased(news.erasures)
        self.heard = news.last_erasure
        if news.versions:
            heard.changed(news.versions)

    def _tend(self, connection: psycopg.Connection) -> None:
        self._write(connection)
        now_s = self._clock.monotonic()
        if now_s - self._purged_s >= _PURGE_EVERY_S:
            self._purged_s = now_s
            store.purge(connection, now=self._clock.now() - _SKEW_S, most=_PURGE_MOST)

    def _write(self, connection: psycopg.Connection) -> None:
        while self._waiting:
            with self._lock:
                batch = {key: self._waiting.pop(key) for key in tuple(self._waiting)[:_BATCH]}
                self._waiting_bytes -= sum(size_bytes for _, size_bytes in batch.values())
            try:
                # In the order of keys: two processes that write the same conversations never wait for each other.
                with connection.transaction():
                    done = [self._write_one(connection, batch[key][0]) for key in sorted(batch)]
                    if any(stored is not None for _, stored, _ in done):
                        store.tell(connection)
            except psycopg.DataError as error:
                self.refused += len(batch)
                _log.warning("vault_refused", conversations=len(batch), reason=str(error).strip())
                continue
            except psycopg.Error as error:
                self._note_lost(error)
                for conversation, _ in batch.values():
                    if conversation.scope.key not in self._waiting:
                        self.offer(conversation)
                raise
            for each, stored, changes in done:
                if stored is not None:
                    self._tell(partial(_settle, each, stored, changes))

    def _write_one(
        self, connection: psycopg.Connection, conversation: Conversation
    ) -> tuple[Conversation, Stored | None, int]:
        """What the store has afterwards, and of how many changes of the book that is; None where nothing was new."""
        scope, expires_at = conversation.scope, conversation.expires_at
        changes, written, version = conversation.book.changes, conversation.book.written(), conversation.version
        unchanged = (conversation, None, changes)
        if conversation.is_gone or conversation.is_foreign or not conversation.may_rest:
            return unchanged
        if (
            version
            and conversation.written == changes
            and store.touch(connection, scope.key, version=version, expires_at=expires_at)
        ):
            return unchanged
        merged: Written | None = None
        for _ in range(_MOST_TRIES):
            sealed = self._sealer.seal(scope, written if merged is None else merged)
            row = Row(version, self._sealer.key_id, sealed, expires_at)
            if store.write(connection, scope, row, heard=conversation.heard):
                return (conversation, Stored(version + 1, merged), changes)
            found = store.read(connection, [scope.key]).get(scope.key)
            if found is None:
                break  # it was erased
            version = found.version
            if found.expires_at <= self._clock.now():
                continue
            known = self._opened(scope, found)
            if known.written is None:
                return (conversation, known, changes)
            merged = _together(known.written, written)
        self.refused += 1
        return unchanged

    def _opened(self, scope: Scope, row: Row) -> Stored:
        if row.expires_at <= self._clock.now():
            return Stored()
        try:
            return Stored(row.version, self._sealer.open(scope, row.key_id, row.sealed))
        except CannotOpen as error:
            _log.warning("vault_not_opened", tenant=scope.tenant, reason=str(error))
            return Stored(row.version, is_foreign=True)

    def _note_lost(self, error: psycopg.Error) -> None:
        if self._lost_since_s is None:
            self._lost_since_s = self._clock.monotonic()
        self._reason = str(error).strip().partition("\n")[0]

    def _tell(self, function: Callable[[Heard], None]) -> None:
        loop, heard = self._loop, self._heard
        if loop is not None and heard is not None:
            with suppress(RuntimeError):  # the loop has closed: this process is at its end
                loop.call_soon_threadsafe(function, heard)


def _settle(conversation: Conversation, stored: Stored, changes: int, heard: Heard) -> None:
    heard.settled(conversation, stored, changes)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _together(known: Written, own: Written) -> Written:
    book = Book(known)
    book.merge(own)
    return book.written()
