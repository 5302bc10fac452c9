"""Searches as the request path makes them: bases by their names, the question read by the encoder, one pool for all.

A search waits for the database, and so do the models that use knowledge: what may be read is decided there, in the same
statement that reads it (docs/decisions/0012-knowledge-is-asked-of-the-database.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from penstock.core.clock import Clock
from penstock.core.exchange import Principal
from penstock.core.sources import readers_of
from penstock.knowledge.document import BaseId
from penstock.knowledge.index.bases import Base, bases_for
from penstock.knowledge.index.request import NO_FILTERS, Filters, Found, Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.standing import documents_stand
from penstock.knowledge.index.steps import Asker, take_async
from penstock.storage.late import LatePool

if TYPE_CHECKING:
    from penstock.encoder.executor import Encoder

_NAMES_S: Final = 30.0
"""For how long it is remembered which bases a tenant has."""
_LOOKED_S: Final = 1.0
"""How often a base that is not among them is looked for."""
_MOST_TENANTS: Final = 10_000


class NotSearched(Exception):
    """Why nothing was searched: one word, which is a label too."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is searched for, and where."""

    bases: Sequence[str]
    query: str
    k: int
    filters: Filters = NO_FILTERS
    half_life_s: float | None = None


def asker_of(principal: Principal) -> Asker:
    """The caller, and all that it is."""
    return Asker(principal.tenant, readers_of(user=principal.user, roles=principal.roles, groups=principal.groups))


class Finder:
    """Used on one event loop.  Raises `NotSearched` where the database, a base or the encoder is not to be had."""

    def __init__(self, pool: LatePool, encoder: "Encoder", clock: Clock) -> None:
        self._pool = pool
        self._encoder = encoder
        self._clock = clock
        self._bases: dict[str, tuple[float, Mapping[str, Base]]] = {}

    async def find(self, asker: Asker, wanted: Wanted) -> Found:
        """The best passages of what the asker may read."""
        from penstock.encoder.executor import EncoderBusy  # noqa: PLC0415 - numpy, of an extra

        try:
            encoded = await self._encoder.encode(wanted.query)
        except EncoderBusy:
            raise NotSearched("encoder_busy") from None
        pool = await self._opened()
        try:
            bases = await self._named(pool, asker, wanted.bases)
            search = Search(
                query=wanted.query,
                vector=encoded.sentence,
                asker=asker,
                bases=bases,
                k=wanted.k,
                filters=wanted.filters,
                half_life_s=wanted.half_life_s,
            )
            async with pool.connection() as connection:
                found = await take_async(connection, searching(search, now=self._clock.now()))
        except (psycopg.Error, PoolTimeout, PoolClosed) as error:
            raise NotSearched("away", str(error).strip().partition("\n")[0]) from error
        if not found.hits:
            self._bases.pop(asker.tenant, None)  # perhaps a base was made anew under its name: the next one looks
        return found

    async def stand(self, asker: Asker, versions: Mapping[str, int]) -> bool:
        """Whether the asker may read all of these documents, and they are still what they were."""
        pool = await self._opened()
        try:
            async with pool.connection() as connection:
                return await take_async(connection, documents_stand(asker, versions))
        except (psycopg.Error, PoolTimeout, PoolClosed) as error:
            raise NotSearched("away", str(error).strip().partition("\n")[0]) from error

    async def _opened(self) -> AsyncConnectionPool:
        pool = await self._pool.opened()
        if pool is None:
            raise NotSearched("away", "nobody knows yet where the database is")
        return pool

    async def _named(self, pool: AsyncConnectionPool, asker: Asker, names: Sequence[str]) -> tuple[BaseId, ...]:
        now_s = self._clock.monotonic()
        read_s, known = self._bases.get(asker.tenant, (-_NAMES_S, {}))
        age_s = now_s - read_s
        if age_s >= _NAMES_S or (age_s >= _LOOKED_S and any(name not in known for name in names)):
            async with pool.connection() as connection:
                found = await take_async(connection, bases_for(asker))
            # A tenant's own base stands before one of the same name that is everybody's.
            known = {base.name: base for base in sorted(found, key=lambda base: base.tenant)}
            if len(self._bases) >= _MOST_TENANTS:
                self._bases.clear()
            self._bases[asker.tenant] = (now_s, known)
        missing = [name for name in names if name not in known]
        if missing:
            raise NotSearched("no_base", f"the tenant has no knowledge base `{missing[0]}`")
        bases = [known[name] for name in names]
        if any(base.encoder != self._encoder.identity for base in bases):
            raise NotSearched("other_encoder", "a base was read by another encoder: `penstock kb sync` reads it anew")
        return tuple(base.id for base in bases)
