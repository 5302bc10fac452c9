"""Whether there is anything for a worker to do, asked over one connection that is kept between the looks."""

from collections.abc import Callable

import psycopg

from penstock.knowledge.jobs.store import has_work
from penstock.storage.pool import connect


class WorkWatch:
    """`find_url` gives the database's address, or None while there is none.  `close` it once."""

    def __init__(self, find_url: Callable[[], str | None]) -> None:
        self._find_url = find_url
        self._connection: psycopg.Connection | None = None

    def is_work(self) -> bool:
        """False also where nobody can say; blocks for seconds at most."""
        try:
            if self._connection is None:
                url = self._find_url()
                if url is None:
                    return False
                self._connection = connect(url, name="work")
                self._connection.autocommit = True
            return has_work(self._connection)
        except psycopg.Error:  # it is away, or its schema is not made yet
            self.close()
            return False

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
