"""How near a question is to those that its assistant was asked before: the cosine with the nearest of a few hundred.

When people begin to ask of something else, nothing of it is near.  Means of embeddings, and shares of what lies near
fixed points of them, go up and down from day to day by more than that (docs/drift.md).

Which earlier questions those are stands in the database as ids of exchanges alone.  They are read from their contents,
and so for as long as these are kept: one that expired or was erased is replaced by another that is a week old.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, LiteralString, Protocol

import psycopg
import structlog

from penstock.core.clock import Clock
from penstock.watch.contents.sealing import Sealed, Unreadable
from penstock.watch.quality.seen import Seen, question_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Matrix = NDArray[np.float32]

KNOWN: Final = 400
"""Questions that others are held against: always as many, since more of them are always nearer."""
_MOST_CHARS: Final = 2_000
"""Of a question: what it asks is said by then."""
_SETTLED: Final = timedelta(days=7)
"""A question that takes another's place is so old: what has only just come up is not known yet."""
_AGAIN_S: Final = 86_400.0
_WAIT_S: Final = 600.0
_MOST_ASSISTANTS: Final = 64
"""Whose questions are held in memory, 600 kB each."""
_LATEST: Final = 5_000

_READ: LiteralString = """
    SELECT k.exchange, c.tenant, c.key_id, c.sealed FROM drift_known AS k JOIN contents AS c ON c.id = k.exchange
    WHERE k.assistant = %(assistant)s AND c.expires_at > %(now)s ORDER BY right(k.exchange, 8), k.exchange
    LIMIT %(known)s
"""
_DROP: LiteralString = """
    DELETE FROM drift_known AS k WHERE k.assistant = %(assistant)s
        AND NOT EXISTS (SELECT FROM contents AS c WHERE c.id = k.exchange AND c.expires_at > %(now)s)
"""
_CANDIDATES: LiteralString = """
    SELECT c.id, c.tenant, c.key_id, c.sealed
    FROM (
        SELECT exchange FROM quality_scores WHERE assistant = %(assistant)s AND "check" = 'answer' AND at <= %(before)s
        ORDER BY at DESC LIMIT %(latest)s
    ) AS s JOIN contents AS c ON c.id = s.exchange
    WHERE c.expires_at > %(now)s
        AND NOT EXISTS (SELECT FROM drift_known WHERE assistant = %(assistant)s AND exchange = c.id)
    ORDER BY right(c.id, 8), c.id LIMIT %(wanted)s
"""
_KNOW: LiteralString = "INSERT INTO drift_known (assistant, exchange) VALUES (%s, %s) ON CONFLICT DO NOTHING"

_log = structlog.get_logger(__name__)


class Reader(Protocol):
    """Reads a text into a vector of length 1; None where nothing here can."""

    def __call__(self, text: str) -> "Vector | None": ...


@dataclass(slots=True)
class _Known:
    """`vectors` are those of an assistant's earlier questions, one a row; None while there are too few."""

    exchanges: frozenset[str]
    vectors: "Matrix | None"
    until_s: float


class Topics:
    """For one thread; several processes agree by the database on which questions they hold others against."""

    def __init__(self, sealed: Sealed, read: Reader, clock: Clock, *, known: int = KNOWN) -> None:
        self._sealed = sealed
        self._read = read
        self._clock = clock
        self._wanted = known
        self._by_assistant: OrderedDict[str, _Known] = OrderedDict()

    def nearness(self, connection: psycopg.Connection, seen: Seen) -> float | None:
        """From -1 to 1; None of an empty question, or while too few are known.  Raises `psycopg.Error`."""
        text = seen.question.strip()
        if not text:
            return None
        known = self._known(connection, seen.told.assistant)
        if known.vectors is None or seen.told.exchange in known.exchanges:
            return None
        asked = self._read(text[:_MOST_CHARS])
        return None if asked is None or not asked.any() else float((known.vectors @ asked).max())

    def _known(self, connection: psycopg.Connection, assistant: str) -> _Known:
        now_s = self._clock.monotonic()
        held = self._by_assistant.get(assistant)
        if held is None or now_s >= held.until_s:
            held = self._load(connection, assistant)
            held.until_s = now_s + (_WAIT_S if held.vectors is None else _AGAIN_S)
            self._by_assistant[assistant] = held
            if len(self._by_assistant) > _MOST_ASSISTANTS:
                self._by_assistant.popitem(last=False)
        self._by_assistant.move_to_end(assistant)
        return held

    def _load(self, connection: psycopg.Connection, assistant: str) -> _Known:
        now = self._clock.now()
        values = {"assistant": assistant, "now": now, "known": self._wanted, "latest": _LATEST}
        connection.execute(_DROP, values)
        rows = connection.execute(_READ, values).fetchall()
        missing = self._wanted - len(rows)
        if missing:
            # At first those that there are; later none that has only just been asked.
            settled = datetime.fromtimestamp(now, UTC) - (_SETTLED if rows else timedelta(0))
            more = connection.execute(_CANDIDATES, values | {"before": settled, "wanted": missing}).fetchall()
            if not rows and len(more) < missing:
                return _Known(frozenset(), None, 0.0)
            with connection.cursor() as cursor:
                cursor.executemany(_KNOW, [(assistant, row[0]) for row in more])
            rows += more
        read = [vector for row in rows if (vector := self._vector(row)) is not None]
        vectors = _stacked(read) if 2 * len(read) > self._wanted else None
        return _Known(frozenset(row[0] for row in rows), vectors, 0.0)

    def _vector(self, row: Sequence[object]) -> "Vector | None":
        exchange, tenant, key_id, sealed = row
        try:
            content = self._sealed.open(str(tenant), str(exchange), str(key_id), bytes(sealed))  # type: ignore[call-overload] # bytea
        except Unreadable as error:
            _log.warning("question_not_read", exchange=exchange, reason=str(error))
            return None
        text = question_of(content).strip()
        vector = self._read(text[:_MOST_CHARS]) if text else None
        return vector if vector is not None and vector.any() else None


def _stacked(vectors: Sequence["Vector"]) -> "Matrix":
    import numpy as np  # noqa: PLC0415 - 20 MB that only an installation needs that looks at answers

    return np.stack(vectors)
