"""Searches for the data plane: from the event loop, over a pool of connections."""

from psycopg_pool import AsyncConnectionPool

from penstock.core.clock import Clock
from penstock.knowledge.index.request import Found, Search
from penstock.knowledge.index.search import searching
from penstock.knowledge.index.steps import take_async


class Searcher:
    """Searches over a pool that its owner opens and closes."""

    def __init__(self, pool: AsyncConnectionPool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def search(self, search: Search) -> Found:
        """Raises `psycopg.Error` or `psycopg_pool.PoolTimeout` where the database fails."""
        async with self._pool.connection() as connection:
            return await take_async(connection, searching(search, now=self._clock.now()))
