"""Approved and edited answers on their way into a cache: asked for with the decision, entered by whoever keeps one.

What is to be entered is a row of the same transaction as the decision, and stays until the cache has it; so an answer
is entered at least once, by its exchange's id, which makes a second time harmless.
"""

from typing import LiteralString, Protocol

import msgspec
import psycopg
from psycopg.rows import dict_row

from penstock.review.hold import Turn

_LONGEST_PAUSE_S = 3600.0
_FIRST_PAUSE_S = 5.0

_DUE: LiteralString = """
    SELECT v.hold, h.exchange, h.tenant, h.model, c.question, c.released AS answer,
        c.cache_key AS key, c.cache_partition AS partition, h.ended_at AS verified_at, h.ended_by AS verified_by,
        coalesce((SELECT jsonb_agg(DISTINCT (s ->> 'document') || ':' || (s ->> 'version'))
            FROM jsonb_array_elements(c.sources) AS s), '[]') AS documents
    FROM hold_verified AS v JOIN holds AS h ON h.id = v.hold JOIN hold_contents AS c ON c.hold = v.hold
    WHERE v.entered_at IS NULL AND v.next_at <= %s ORDER BY v.next_at LIMIT 1 FOR UPDATE OF v SKIP LOCKED
"""
_DONE: LiteralString = "UPDATE hold_verified SET entered_at = %s, attempts = attempts + 1 WHERE hold = %s"
_LATER: LiteralString = """
    UPDATE hold_verified SET attempts = attempts + 1,
        next_at = %(now)s + least(%(longest)s, %(first)s * power(2, least(attempts, 20)))
    WHERE hold = %(hold)s
"""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that a person stands for.

    `key` and `partition` are the digests, in hexadecimal, that the data plane would keep the answer under; None where
    it had none.  `documents` are those that the answer was made from, each as `<id>:<version>`.
    """

    hold: str
    exchange: str
    tenant: str
    model: str
    question: tuple[Turn, ...]
    answer: str
    key: str | None
    partition: str | None
    documents: tuple[str, ...]
    verified_at: float
    verified_by: str


class VerifiedAnswers(Protocol):
    """A cache that takes such answers."""

    def enter(self, connection: psycopg.Connection, answer: Verified) -> bool:
        """Keep it, inside the transaction of the caller; in place of what is kept under the same key.

        False where it cannot be just now, and then it is offered again.
        """
        ...


def enter_next(connection: psycopg.Connection, cache: VerifiedAnswers, *, now: float) -> bool:
    """Offer the cache the next one that is due; False where there is none.  Raises what `enter` raises."""
    with connection.transaction():
        with connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(_DUE, (now,)).fetchone()
        if row is None:
            return False
        answer = msgspec.convert(row, Verified)
        if cache.enter(connection, answer):
            connection.execute(_DONE, (now, answer.hold))
        else:
            pauses = {"now": now, "hold": answer.hold, "first": _FIRST_PAUSE_S, "longest": _LONGEST_PAUSE_S}
            connection.execute(_LATER, pauses)
    return True
