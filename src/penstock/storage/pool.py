"""Connections to PostgreSQL, made one way everywhere: time in UTC, a name that an operator recognises, no long waits.

The control plane takes a pool; the shipper and the commands take one connection each.  The data plane's request path
takes none.
"""

import psycopg
from psycopg_pool import AsyncConnectionPool

CONNECT_TIMEOUT_S = 5


def connect(database_url: str, *, name: str) -> psycopg.Connection:
    """One connection; `name` shows in `pg_stat_activity`.  Raises `psycopg.OperationalError` where none can be had."""
    return psycopg.connect(
        database_url,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name=f"penstock {name}",
        options="-c timezone=UTC",
        # A server that vanished without a word (power, network) must not hold the caller for hours.
        keepalives=1,
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=20_000,
    )


def new_pool(database_url: str, *, name: str, max_size: int = 8) -> AsyncConnectionPool:
    """A pool that is not yet open: `await pool.open()` in the process and loop that use it, `await pool.close()`.

    It starts empty and heals by itself: a database that is down makes `connection()` raise `PoolTimeout` and nothing
    else.
    """
    return AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=max_size,
        timeout=CONNECT_TIMEOUT_S,
        max_idle=300,
        # A failing pool waits twice as long before each try, and no request is a reason to try sooner.  After this time
        # it gives up, and then the next request is one: an outage of minutes is not followed by minutes of refusals.
        reconnect_timeout=CONNECT_TIMEOUT_S,
        open=False,
        name=name,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": f"penstock {name}",
            "options": "-c timezone=UTC",
        },
    )
