"""Brings partitions from the store into memory: a thread of its own, since one may have a hundred thousand questions.

`link` says which are wanted.  The latest come first, some at a time, so that lookups on the cache's thread go on
between them; and loading takes a part of the time and no more, however often partitions push each other out.
"""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, TypeVarTuple, Unpack

import numpy as np
import psycopg
import structlog

from penstock.cache.semantic.bound import REMEMBERED
from penstock.cache.semantic.cache import SemanticCache
from penstock.cache.semantic.kept import store
from penstock.cache.semantic.kept.seal import Seals
from penstock.cache.semantic.labels import Floats
from penstock.cache.semantic.partition import Packed
from penstock.core.clock import Clock

Given = TypeVarTuple("Given")
Back = TypeVar("Back")

AT_ONCE: Final = 100
"""Questions: a few milliseconds of the cache's thread."""
_MOST_WANTED: Final = 1_000
_REST: Final = 3.0
"""After a load so many times what it took, before the next."""
_RETRY_S: Final = 2.0
_IDLE_S: Final = 10.0
_LABEL_COLUMNS: Final = 3

_log = structlog.get_logger(__name__)


class Submit(Protocol):
    """`SemanticStage.submit`."""

    def __call__(self, call: Callable[[Unpack[Given]], Back], *given: *Given) -> Future[Back]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where what is loaded goes: the cache, and how to call it."""

    cache: SemanticCache
    submit: Submit


class Loader:
    """`start` once, `stop` once.  `connect` gives None while the database's address is not known."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection | None], clock: Clock, seals: Seals, space: bytes
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._seals = seals
        self._space = space
        self._wanted: dict[bytes, None] = {}
        self._stopping = threading.Event()
        self._is_wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self.is_failing = False
        """Whether the last one could not be read."""

    @property
    def waiting(self) -> int:
        """Partitions that are being loaded or wait for it."""
        return len(self._wanted)

    def start(self, place: Place) -> None:
        self._thread = threading.Thread(target=self._run, args=(place,), name="penstock-similar", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes as long as some questions do."""
        self._stopping.set()
        self._is_wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=_RETRY_S)

    def want(self, partition: bytes) -> None:
        """From any thread.  Where too many wait it is asked for again by whoever looks into it next."""
        if len(self._wanted) < _MOST_WANTED:
            self._wanted[partition] = None
            self._is_wanted.set()

    def _run(self, place: Place) -> None:
        connection: psycopg.Connection | None = None
        while not self._stopping.is_set():
            if not self._wanted:
                self._is_wanted.clear()
                if not self._wanted and not self._is_wanted.wait(_IDLE_S) and connection is not None:
                    connection.close()
                    connection = None
                continue
            partition = next(iter(self._wanted))
            began_s, rest_s = self._clock.monotonic(), _RETRY_S
            try:
                connection = connection if connection is not None else self._connect()
                if connection is not None:
                    self._load(connection, partition, place)
                    rest_s = _REST * (self._clock.monotonic() - began_s)
                    self.is_failing = False
            except psycopg.Error as error:
                _log.warning("partition_not_loaded", reason=str(error).strip())
                if connection is not None:
                    connection.close()
                connection = None
                self.is_failing = True
            except (RuntimeError, CancelledError):
                break  # the cache's thread is closed: this process is at its end
            self._wanted.pop(partition, None)
            self._stopping.wait(rest_s)
        if connection is not None:
            connection.close()

    def _load(self, connection: psycopg.Connection, partition: bytes, place: Place) -> None:
        cache, submit = place.cache, place.submit
        within = submit(cache.begin, partition, store.count(connection, partition)).result()
        if within is None:
            return
        seal, now = self._seals.of(partition), self._clock.now()
        with connection.transaction():
            for many in store.read_partition(
                connection, partition, self._space, now=now, most=within.room, at_once=AT_ONCE
            ):
                opened = [(each.groups, seal.open(each.question)) for each in many]
                packed = [Packed(groups, body) for groups, body in opened if body is not None]
                if self._stopping.is_set() or not submit(cache.extend, partition, within, packed).result():
                    break
        labels, seen = matches_of(store.read_learned(connection, partition, self._space, most=REMEMBERED))
        submit(cache.complete, partition, within, labels, seen).result()


def matches_of(kept: list[store.KeptLabels]) -> tuple[Floats, Floats]:
    """As `Bound.merge` takes them."""
    labels, seen = [np.zeros((0, 4))], [np.zeros((0, 3))]
    for each in kept:
        matches = np.frombuffer(each.data, "<f8").reshape(-1, _LABEL_COLUMNS if each.is_checked else 2)
        origin = np.full((len(matches), 1), float(each.origin))
        (labels if each.is_checked else seen).append(np.concatenate((matches[:, :1], origin, matches[:, 1:]), axis=1))
    return np.concatenate(labels), np.concatenate(seen)
