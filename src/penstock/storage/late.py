"""A pool for an event loop that opens once the database's address is known, and from then on heals by itself."""

from collections.abc import Callable

from psycopg_pool import AsyncConnectionPool

from penstock.storage.pool import new_pool

_CLOSE_TIMEOUT_S = 2.0


class LatePool:
    """`find_url` gives the address or, while the embedded server is still starting, None.  `aclose` it once."""

    def __init__(self, find_url: Callable[[], str | None], *, name: str, max_size: int) -> None:
        self._find_url = find_url
        self._name = name
        self._max_size = max_size
        self._pool: AsyncConnectionPool | None = None

    async def opened(self) -> AsyncConnectionPool | None:
        """The pool; None while nobody knows where the database is."""
        if self._pool is None and (url := self._find_url()) is not None:
            self._pool = new_pool(url, name=self._name, max_size=self._max_size)
            await self._pool.open(wait=False)
        return self._pool

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.close(timeout=_CLOSE_TIMEOUT_S)
