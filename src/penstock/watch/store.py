"""The ledger's SQL: rows in, exactly once, and rows out.  The shipper and the export call it."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import psycopg
import structlog
from psycopg import sql
from psycopg.rows import dict_row

from penstock.core.errors import ConfigError
from penstock.storage.migrate import is_schema_known
from penstock.storage.pool import connect
from penstock.watch.rollups.batch import Batch
from penstock.watch.rollups.keeping import RollupRetention
from penstock.watch.rollups.store import RollupWriter
from penstock.watch.row import COLUMNS, Arrival, LedgerRow

_COLUMN_LIST = sql.SQL(", ").join(sql.Identifier(name) for name in COLUMNS)
_SELECTED = sql.SQL(", ").join(
    sql.SQL("facts::text AS facts") if name == "facts" else sql.Identifier(name) for name in COLUMNS
)
_COPY_LEDGER = sql.SQL("COPY ledger ({}) FROM STDIN").format(_COLUMN_LIST)
_COPY_ARRIVALS = sql.SQL("COPY arrivals ({}) FROM STDIN").format(_COLUMN_LIST)
_SHORT_WAIT = "SET LOCAL lock_timeout = '2s'"
_MONTHS_BACK = 36
_MAKE_ARRIVALS = "CREATE TEMP TABLE arrivals (LIKE ledger) ON COMMIT DROP"
_MERGE = sql.SQL(
    "INSERT INTO ledger ({0}) SELECT {0} FROM arrivals ON CONFLICT (id, started_at) DO NOTHING RETURNING id"
).format(_COLUMN_LIST)
_log = structlog.get_logger(__name__)

DatabaseError = psycopg.Error
"""Anything that the database, or the way to it, may fail with."""


class RowsRefused(Exception):
    """The database takes none of these rows for what is in them; asking again would not help."""


class LedgerWriter:
    """One connection that inserts rows, and with them their sums.  `insert` may be repeated with the same rows: each is
    there once, and counted once.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection | None = None
        self._rollups: RollupWriter | None = None
        self._months: set[int] = set()

    def insert(self, arrivals: Sequence[Arrival]) -> None:
        """Add the rows that are not there yet: one transaction, on disk when this returns.

        Raises `RowsRefused` where the rows are at fault and `DatabaseError` where the database is; in both cases no row
        was added.
        """
        connection, rollups = self._connected()
        self._make_months(connection, arrivals)
        block = "".join(arrival.line for arrival in arrivals)
        try:
            cells = rollups.prepare(_summed(arrivals))
            try:
                with connection.transaction(), connection.cursor() as cursor:
                    with cursor.copy(_COPY_LEDGER) as copy:
                        copy.write(block)
                    rollups.write(cells)
            except psycopg.errors.UniqueViolation:
                # Some were shipped before, by a shipper that died before it could note it.
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.execute(_MAKE_ARRIVALS)
                    with cursor.copy(_COPY_ARRIVALS) as copy:
                        copy.write(block)
                    fresh = {row[0] for row in cursor.execute(_MERGE).fetchall()}
                    rollups.write(rollups.prepare(_summed(each for each in arrivals if each.row.id in fresh)))
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            _require_our_schema(connection)
            raise RowsRefused(str(error)) from error

    def tend(self, retention: RollupRetention) -> None:
        """Let a slice of what is too old go, where it is time.  Raises `DatabaseError`."""
        connection, _ = self._connected()
        retention.tend(connection)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._rollups = None

    def _connected(self) -> tuple[psycopg.Connection, RollupWriter]:
        connection = self._connection
        if connection is not None and self._rollups is not None and not connection.broken and not connection.closed:
            return connection, self._rollups
        self.close()
        self._connection = connect(self._database_url, name="shipper")
        self._connection.autocommit = True
        # Whatever the server's default: an offset is noted only for what a crash of the server would not undo.
        self._connection.execute("SET synchronous_commit = on")
        self._rollups = RollupWriter(self._connection)
        return self._connection, self._rollups

    def _make_months(self, connection: psycopg.Connection, arrivals: Sequence[Arrival]) -> None:
        """A partition for each month that the rows are of; without one, they rest where those without a month do.

        That is no fault, only slower to read: so it is tried, not insisted on.  What is far from now was written with a
        wrong clock, and gets none: else each such month would be a table.
        """
        now = datetime.now(UTC)
        for month in {_month_of(each.row.started_at) for each in arrivals} - self._months:
            self._months.add(month)
            if not -_MONTHS_BACK <= month - _month_of(now.timestamp()) <= 1:
                continue
            first = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
            try:
                with connection.transaction():
                    connection.execute(_SHORT_WAIT)
                    connection.execute("SELECT ledger_add_month(%s)", (first,))
            except psycopg.Error as error:
                if connection.broken:
                    raise
                _log.warning("ledger_month_not_made", month=f"{first:%Y-%m}", error=str(error).strip())


def _summed(arrivals: Iterable[Arrival]) -> Batch:
    batch = Batch()
    for each in arrivals:
        batch.add(each.row, each.note)
    return batch


def _month_of(at: float) -> int:
    """Months since the year 0.  A time that no calendar has counts as the first."""
    try:
        of = datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return 0
    return of.year * 12 + of.month - 1


def _require_our_schema(connection: psycopg.Connection) -> None:
    """Raise `DatabaseError` where a newer Penstock has changed the schema since: then it is not the rows' fault."""
    try:
        is_known = is_schema_known(connection)
    except ConfigError as error:
        raise psycopg.DatabaseError(str(error)) from error
    if not is_known:
        raise psycopg.DatabaseError("the database's schema is older than this Penstock's")


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Which rows to read: from `since` (inclusive) to `until` (exclusive), of one tenant or of all."""

    since: datetime | None = None
    until: datetime | None = None
    tenant: str | None = None

    def is_match(self, row: LedgerRow) -> bool:
        started_at = datetime.fromtimestamp(row.started_at, UTC)
        return (
            (self.since is None or started_at >= self.since)
            and (self.until is None or started_at < self.until)
            and (self.tenant is None or row.tenant == self.tenant)
        )


class LedgerReader:
    """Reads the ledger in order of time, some thousand rows at a time however many there are."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def rows(self, chosen: LedgerFilter) -> Generator[LedgerRow]:
        """Every chosen row as of now.  Raises `DatabaseError`."""
        conditions = [
            (sql.SQL("started_at >= %s"), chosen.since),
            (sql.SQL("started_at < %s"), chosen.until),
            (sql.SQL("tenant = %s"), chosen.tenant),
        ]
        given = [(condition, value) for condition, value in conditions if value is not None]
        where = sql.SQL(" AND ").join([sql.SQL("true"), *(condition for condition, _ in given)])
        query = sql.SQL("SELECT {} FROM ledger WHERE {} ORDER BY started_at, id").format(_SELECTED, where)
        # Outside a transaction there is no cursor; leaving this one early closes both.
        with self._connection.transaction(), self._connection.cursor(name="ledger", row_factory=dict_row) as cursor:
            cursor.itersize = 2000
            cursor.execute(query, [value for _, value in given])
            for values in cursor:
                values["started_at"] = values["started_at"].timestamp()
                values["facts"] = msgspec.Raw(values["facts"])
                yield LedgerRow(**values)


@contextmanager
def reading(database_url: str) -> Generator[LedgerReader]:
    """A reader on a connection of its own."""
    with connect(database_url, name="export") as connection:
        yield LedgerReader(connection)
