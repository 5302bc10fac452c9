"""The first connection to a database, and why none can be had: not yet, or not with this URL.

A database that is down, starting or full is waited for; a wrong password stays wrong.
libpq does not pass on the SQLSTATE of a refused connection, and its text is in the server's language, so the server is
asked with libpq's `ping`, which wants no credentials.  `migrate` calls this.
"""

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from penstock.core.errors import ConfigError
from penstock.storage.pool import CONNECT_TIMEOUT_S, connect

_NOBODY = ("failed to resolve host", "timeout expired")
"""Nobody is there to be pinged, and libpq's ping holds up the whole process until it has found that out itself."""
_BUSY = ("too many ", "connection slots are reserved")
"""How a full server says so; in another language than English it is taken for a refusal."""


class DatabaseNotReady(ConfigError):
    """The database cannot be used now and may be later, with nothing changed here: try again."""


def reach(database_url: str, *, name: str) -> psycopg.Connection:
    """A connection, as `pool.connect` makes it.

    Raises `DatabaseNotReady`, or `ConfigError` where the URL is not one or the server refuses it; blocks for a few
    seconds at most.
    """
    try:
        return connect(database_url, name=name)
    except psycopg.ProgrammingError:
        # What libpq says of it quotes the URL, and with it perhaps the password.
        msg = "PostgreSQL cannot read this URL; one looks like postgresql://user@host:5432/name"
        raise ConfigError(msg, path="database_url") from None
    except psycopg.OperationalError as error:
        if any(word in str(error) for word in _NOBODY) or not _answers(database_url):
            raise not_ready(error) from None
    try:
        # Asked again, since it may have come up between the failure and the answer.
        return connect(database_url, name=name)
    except psycopg.OperationalError as error:
        if any(word in str(error) for word in _BUSY):
            raise not_ready(error) from None
        raise ConfigError(f"the database refuses the connection: {line(error)}", path="database_url") from None


def not_ready(error: psycopg.Error) -> DatabaseNotReady:
    return DatabaseNotReady(f"cannot reach the database: {line(error)}", path="database_url")


def line(error: BaseException) -> str:
    """The first line of what PostgreSQL says; the others are hints for people who run servers by hand."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _answers(database_url: str) -> bool:
    conninfo = make_conninfo(database_url, connect_timeout=CONNECT_TIMEOUT_S)
    return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK
