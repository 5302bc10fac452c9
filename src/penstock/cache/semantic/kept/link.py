"""What all processes know of questions, behind one process's memory: `cache.Elsewhere` and `stage.Outbox`.

Over the connection of the exact cache's store it hears what others have added and learned, and writes what this process
does, in batches; `loader` brings whole partitions.  A store that is away costs hits and nothing else: memory goes on,
and what waits to be written is bounded.
"""

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

import numpy as np
import psycopg
import structlog

from penstock.cache.entry import Entry
from penstock.cache.link import WRITE_S, StoreLink
from penstock.cache.semantic.bound import REMEMBERED
from penstock.cache.semantic.cache import SemanticCache
from penstock.cache.semantic.kept import store
from penstock.cache.semantic.kept.loader import Loader, Place, Submit, matches_of
from penstock.cache.semantic.kept.seal import Seals
from penstock.cache.semantic.partition import Match, Packed
from penstock.core.clock import Clock
from penstock.storage.follow import Follower, Following

_REFRESH_S: Final = 15.0
_LEARNED_EVERY_S: Final = 3.0
_PURGE_EVERY_S: Final = 60.0
_PURGE_MOST: Final = 5_000
_GRACE_S: Final = 10.0
"""How long a process that starts waits for the store before it goes on without."""
_BATCH: Final = 100
_PAGE: Final = 500
_HEARD_AT_ONCE: Final = 25
"""Questions of others that the cache's thread takes in before it looks up the next."""
_MOST_MATCHES: Final = 100_000
_MOST_KNOWN: Final = 200_000
_TRIM_EVERY: Final = 64
_OVERHEAD_BYTES: Final = 400

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`space` is `question.space_of`, `origin` this process's number; `waiting_bytes` bounds what is to be written."""

    space: bytes
    origin: int
    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class _Offered:
    entry: Entry
    partition: bytes
    packed: Packed
    seen: int

    @property
    def size_bytes(self) -> int:
        return len(self.packed.body) + _OVERHEAD_BYTES


class LearnedLink:
    """`start` once, `stop` once; while the exact cache's link runs."""

    def __init__(self, shared: StoreLink, clock: Clock, seals: Seals, terms: Terms) -> None:
        self._shared = shared
        self._clock = clock
        self._seals = seals
        self._terms = terms
        self._follower = Follower(
            Following("similar", (store.CHANNEL,), _REFRESH_S, self._refresh, self._tend), shared.listening
        )
        self.loader = Loader(shared.connect, clock, seals, terms.space)
        self._place: Place | None = None
        self._began_s = clock.monotonic()
        self._is_listed = False
        self._known: dict[bytes, None] = {}
        self._read_question = self._read_learned = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: deque[_Offered] = deque()
        self._waiting_bytes = 0
        self._matches: dict[tuple[bytes, str, str, bool, int], list[float]] = {}
        self._match_count = 0
        self._unsent: list[tuple[store.LearnedRow, int]] = []
        self._rows_written: dict[bytes, int] = {}
        self._learned_s = self._purged_s = clock.monotonic()
        self.forgotten = 0

    def start(self, cache: SemanticCache, submit: Submit) -> None:
        """`submit` calls on the cache's thread."""
        self._place = place = Place(cache, submit)
        self._began_s = self._clock.monotonic()
        self.loader.start(place)
        self._follower.start()

    def stop(self) -> None:
        """Write what still waits, if the store is there; takes a second or so."""
        self._follower.stop()
        self.loader.stop()
        if self._writing.acquire(timeout=WRITE_S):  # else the batch of the moment is lost with its thread
            self._writing.release()
        if not self._shared.is_up:
            return
        with suppress(psycopg.Error):
            connection = self._shared.connect()
            if connection is not None:
                with connection:
                    self._learned_s = -_LEARNED_EVERY_S
                    self._write(connection)

    @property
    def waiting(self) -> int:
        """Questions that are to be written."""
        return len(self._waiting)

    def has(self, partition: bytes) -> bool:
        return not self._is_listed or partition in self._known

    def ask(self, partition: bytes) -> Literal["nothing", "coming", "away"]:
        if not self.has(partition):
            return "nothing"
        self.loader.want(partition)
        is_waited_for = self._is_listed or self._clock.monotonic() - self._began_s < _GRACE_S
        return "coming" if is_waited_for and self._shared.is_up and not self.loader.is_failing else "away"

    def offer(self, entry: Entry, partition: bytes, packed: Packed) -> None:
        """Write it, soon; what waits longest is forgotten where there is too much."""
        if "\x00" in f"{entry.tenant}{entry.model}{''.join(entry.tags)}":
            return  # PostgreSQL keeps no such text
        offered = _Offered(entry, partition, packed, self._shared.heard_drop)
        with self._lock:
            self._know(partition)
            self._waiting.append(offered)
            self._waiting_bytes += offered.size_bytes
            while self._waiting_bytes > self._terms.waiting_bytes:
                self._waiting_bytes -= self._waiting.popleft().size_bytes
                self.forgotten += 1

    def note(self, partition: bytes, whose: tuple[str, str], match: Match, *, is_right: bool | None) -> None:
        """Write it, within some seconds; where too much waits it is forgotten."""
        if "\x00" in whose[0] + whose[1]:
            return
        if self._match_count >= _MOST_MATCHES:
            self.forgotten += 1
            return
        key = (partition, *whose, is_right is not None, self._shared.heard_drop)
        with self._lock:
            self._match_count += 1
            found = self._matches.setdefault(key, [])
            found += (match.at, match.score) if is_right is None else (match.at, match.score, float(is_right))

    def _refresh(self, connection: psycopg.Connection) -> None:
        """In the follower's thread: what is new, to the cache's."""
        if not self._is_listed:
            # Places first: what is added meanwhile is read twice, and nothing is missed.
            self._read_question, self._read_learned = store.places(connection)
            listed = store.partitions(connection, most=_MOST_KNOWN)
            with self._lock:
                for partition in listed:
                    self._know(partition)
            self._is_listed = True
            return
        self._hear_questions(connection)
        self._hear_learned(connection)

    def _hear_questions(self, connection: psycopg.Connection) -> None:
        space = self._terms.space
        while news := store.read_news(connection, space, after=self._read_question, most=_PAGE):
            for partition, few in groupby(news, key=lambda each: each.partition):
                with self._lock:
                    self._know(partition)
                if self._place is not None and self._place.cache.holds(partition):
                    self._hear(self._place, partition, list(few))
            self._read_question = news[-1].place

    def _hear(self, place: Place, partition: bytes, many: list[store.KeptQuestion]) -> None:
        seal = self._seals.of(partition)
        opened = [(each.groups, seal.open(each.question)) for each in many]
        packed = [Packed(groups, body) for groups, body in opened if body is not None]
        for begin in range(0, len(packed), _HEARD_AT_ONCE):
            place.submit(place.cache.hear, partition, packed[begin : begin + _HEARD_AT_ONCE]).result()

    def _hear_learned(self, connection: psycopg.Connection) -> None:
        terms = self._terms
        while news := store.read_learned_news(
            connection, terms.space, after=self._read_learned, origin=terms.origin, most=_PAGE
        ):
            by_partition: dict[bytes, list[store.KeptLabels]] = {}
            for each in news:
                by_partition.setdefault(each.partition, []).append(each)
            for partition, rows in by_partition.items():
                with self._lock:
                    self._know(partition)
                if self._place is not None and self._place.cache.holds(partition):
                    labels, seen = matches_of(rows)
                    self._place.submit(self._place.cache.hear_learned, partition, labels, seen).result()
            self._read_learned = news[-1].place

    def _tend(self, connection: psycopg.Connection) -> None:
        with self._writing:
            self._write(connection)
        now_s = self._clock.monotonic()
        if now_s - self._purged_s >= _PURGE_EVERY_S:
            self._purged_s = now_s
            store.purge_foreign(connection, self._terms.space, now=self._clock.now(), most=_PURGE_MOST)

    def _write(self, connection: psycopg.Connection) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._learned_s >= _LEARNED_EVERY_S:
            self._learned_s = now_s
            self._gather()
        while self._waiting or self._unsent:
            with self._lock:
                batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
                self._waiting_bytes -= sum(each.size_bytes for each in batch)
            learned = self._unsent[:_BATCH]
            try:
                store.write(connection, [(self._row(each), each.seen) for each in batch], learned)
            except psycopg.DataError as error:
                _log.warning("questions_refused", questions=len(batch), labels=len(learned), reason=str(error).strip())
            except psycopg.Error:
                with self._lock:
                    self._waiting.extendleft(reversed(batch))
                    self._waiting_bytes += sum(each.size_bytes for each in batch)
                raise
            del self._unsent[: len(learned)]
            with self._lock:
                self._match_count -= sum(row.matches for row, _ in learned)
            self._trim(connection, learned)

    def _gather(self) -> None:
        """What was noted, as rows: one for a partition and what drops it."""
        with self._lock:
            found, self._matches = self._matches, {}
        for (partition, tenant, model, is_checked, seen), written in found.items():
            matches = np.array(written, "<f8").reshape(-1, 3 if is_checked else 2)
            row = store.LearnedRow(
                at=float(matches[:, 0].max()),
                origin=self._terms.origin,
                partition=partition,
                space=self._terms.space,
                tenant=tenant,
                model=model,
                is_checked=is_checked,
                matches=len(matches),
                data=matches.tobytes(),
            )
            self._unsent.append((row, seen))

    def _trim(self, connection: psycopg.Connection, written: list[tuple[store.LearnedRow, int]]) -> None:
        for row, _ in written:
            count = self._rows_written[row.partition] = self._rows_written.pop(row.partition, 0) + 1
            if count >= _TRIM_EVERY:
                del self._rows_written[row.partition]
                store.trim(connection, row.partition, self._terms.space, most=REMEMBERED)
        while len(self._rows_written) > _PAGE:
            del self._rows_written[next(iter(self._rows_written))]

    def _row(self, offered: _Offered) -> store.QuestionRow:
        entry = offered.entry
        return store.QuestionRow(
            created_at=entry.created_at,
            expires_at=entry.expires_at,
            key=entry.key,
            partition=offered.partition,
            space=self._terms.space,
            id=entry.id,
            tenant=entry.tenant,
            model=entry.model,
            tags=list(entry.tags),
            groups=list(offered.packed.groups),
            question=self._seals.of(offered.partition).seal(offered.packed.body),
        )

    def _know(self, partition: bytes) -> None:
        known = self._known
        known[partition] = None
        while len(known) > _MOST_KNOWN:
            del known[next(iter(known))]
