"""Verified answers on their way into the cache: what a person stands for is given again, for as long as any answer."""

import psycopg

from penstock.cache import store
from penstock.cache.entry import VERIFIED, Entry, encode_events
from penstock.config.types import Config
from penstock.core.clock import Clock
from penstock.core.events import Finish, Start, Text
from penstock.review.verified import Verified

_TARGET = "review"


class CachedAnswers:
    """`review.verified.VerifiedAnswers`: the exact cache's store."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock

    def enter(self, connection: psycopg.Connection, answer: Verified) -> bool:
        """Keep it under the key of its request; a model that keeps nothing any more has no place for it."""
        model = self._config.models.get(answer.model)
        exact = None if model is None else model.cache.exact
        if exact is None or answer.key is None or answer.partition is None:
            return True
        events = (Start(answer.exchange, answer.model, int(answer.verified_at)), Text(answer.answer), Finish("stop"))
        now = self._clock.now()
        entry = Entry(
            id=answer.exchange,
            kind="exact",
            key=bytes.fromhex(answer.key),
            partition=bytes.fromhex(answer.partition),
            tenant=answer.tenant,
            model=answer.model,
            target=_TARGET,
            events=encode_events(events),
            created_at=now,
            expires_at=now + exact.ttl_s,
            tags=(VERIFIED, *answer.documents),
        )
        row = connection.execute("SELECT coalesce(max(place), 0) FROM cache_drops").fetchone()
        store.write(connection, [(entry, 0 if row is None else int(row[0]))])
        return True
