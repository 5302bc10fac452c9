"""The control plane's way to PostgreSQL."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from penstock.core.errors import Overloaded
from penstock.storage.late import LatePool

_CHECK_TIMEOUT_S = 1.0
_RETRY_AFTER_S = 2.0
_AWAY = "The database cannot be reached; what was settled meanwhile waits in the local journal."
_BUSY = "The database was busy with other changes of the same things; nothing was changed, try again."


class Database:
    """A pool that opens once the database's address is known, and from then on heals by itself.

    `find_url` gives the address or, while the embedded server is still starting, None.
    """

    def __init__(self, find_url: Callable[[], str | None]) -> None:
        self._pool = LatePool(find_url, name="control", max_size=4)

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def is_up(self) -> bool:
        """Whether the ledger can be asked now; waits a second at most."""
        try:
            async with self.connection(timeout_s=_CHECK_TIMEOUT_S) as connection:
                await connection.execute("SELECT FROM ledger LIMIT 0")
        except (psycopg.Error, Overloaded):
            return False
        return True

    @asynccontextmanager
    async def connection(self, *, timeout_s: float | None = None) -> AsyncGenerator[psycopg.AsyncConnection]:
        """A connection for one request.  Raises `Overloaded` where the database is away."""
        pool = await self._pool.opened()
        if pool is None:
            raise Overloaded(_AWAY, retry_after_s=_RETRY_AFTER_S)
        try:
            async with pool.connection(timeout=timeout_s) as connection:
                yield connection
        except (errors.DeadlockDetected, errors.LockNotAvailable, errors.QueryCanceled) as error:
            raise Overloaded(_BUSY, retry_after_s=_RETRY_AFTER_S, detail=str(error)) from error
        except (psycopg.OperationalError, PoolTimeout, PoolClosed) as error:
            raise Overloaded(_AWAY, retry_after_s=_RETRY_AFTER_S, detail=str(error)) from error
