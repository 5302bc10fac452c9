"""Changes of the same rows that meet in the database in the worst order, for tests that they do not lock each other."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import LiteralString

import psycopg

_PATIENCE_S = 30.0
_WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def cross(url: str, held: LiteralString, *changes: Callable[[], object]) -> list[BaseException | None]:
    """How each change failed, if it did.

    `held` locks something that the first of them stops at half-way; each next one begins once those before it wait.
    """
    with (
        ThreadPoolExecutor() as pool,
        psycopg.connect(url, autocommit=True) as watcher,
        psycopg.connect(url) as holder,
    ):
        holder.execute(held)
        futures: list[Future[object]] = []
        for change in changes:
            futures.append(pool.submit(change))
            until_s = time.monotonic() + _PATIENCE_S
            while watcher.execute(_WAITING).fetchone() != (len(futures),):
                assert time.monotonic() < until_s, "it does not wait"
        holder.rollback()
        return [each.exception(_PATIENCE_S) for each in futures]
