"""Brings the database to the schema that this code knows, on start, whoever starts first.

The migrations are SQL files, run by alembic, one transaction for all of them, under a lock in the database itself:
of several processes that start at once one migrates and the others wait and find nothing to do.  A schema newer than
the code is refused: old code would write rows that mean something else by now.
"""

from dataclasses import dataclass
from pathlib import Path

import psycopg

from penstock.core.errors import ConfigError
from penstock.storage.pool import connect
from penstock.storage.reach import DatabaseNotReady, line, not_ready, reach

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x70656E73_746F636B
"""`penstock`, in the 64 bits of an advisory lock's key."""
_LOCK_WAIT_S = 120


@dataclass(frozen=True, slots=True)
class Migrated:
    """The schema's revision before (None: there was no schema) and after."""

    before: str | None
    after: str

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


def known_revisions() -> tuple[str, ...]:
    """Every revision that this code knows, in order: the names of the SQL files."""
    return tuple(sorted(path.stem for path in (_FOLDER / "sql").glob("*.sql")))


def migrate(database_url: str) -> Migrated:
    """Bring the schema up to date.

    Raises `DatabaseNotReady` where trying again may help, and another `ConfigError` where the schema is newer than this
    code or the database refuses us.
    """
    head = known_revisions()[-1]
    try:
        with reach(database_url, name="migrate") as connection:
            connection.autocommit = True
            before = _current(connection)
            if before == head:
                return Migrated(before, head)
            connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{_LOCK_WAIT_S}s",))
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            before = _current(connection)
            if before != head:
                _upgrade(database_url)
            return Migrated(before, head)
    except psycopg.errors.LockNotAvailable:
        raise DatabaseNotReady(f"another process has been migrating the database for {_LOCK_WAIT_S} s") from None
    except psycopg.OperationalError as error:
        raise not_ready(error) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(f"the database user may not change the schema: {line(error)}", path="database_url") from None


def require_schema(database_url: str) -> None:
    """Make sure that the schema is the one this code knows, for whoever leaves the migrating to somebody else.

    Raises `DatabaseNotReady` while it is older, and otherwise as `migrate` does.
    """
    try:
        with reach(database_url, name="schema") as connection:
            is_known = is_schema_known(connection)
    except psycopg.OperationalError as error:
        raise not_ready(error) from None
    if not is_known:
        raise DatabaseNotReady("the database's schema is not up to date yet", path="database_url")


def is_schema_known(connection: psycopg.Connection) -> bool:
    """Whether the schema is exactly that of this code.  Raises `ConfigError` where it is newer."""
    return _current(connection) == known_revisions()[-1]


def _current(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        return None
    revision = str(row[0])
    known = known_revisions()
    if revision not in known:
        msg = (
            f"the database's schema is at revision {revision}; this Penstock knows up to {known[-1]}:"
            " start the newer Penstock that made it"
        )
        raise ConfigError(msg, path="database_url")
    return revision


def _upgrade(database_url: str) -> None:
    # Imported here: alembic and SQLAlchemy are 24 MB and half a second, and nearly every start finds nothing to do.
    import alembic.command  # noqa: PLC0415 - see above
    import alembic.config  # noqa: PLC0415 - see above
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - see above

    config = alembic.config.Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connect"] = lambda: connect(database_url, name="migrate")
    try:
        alembic.command.upgrade(config, "head")
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.OperationalError):
            raise error.orig from None
        raise ConfigError(f"the database's schema could not be changed: {error.orig}", path="database_url") from error
