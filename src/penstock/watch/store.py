"""The ledger's SQL: rows in, exactly once, and rows out.  The shipper and the export call it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from penstock.core.errors import ConfigError
from penstock.storage.migrate import is_schema_known
from penstock.storage.pool import connect


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """`core.record.Settled` as the database keeps it: the closed sets as plain text, the facts as they were written.

    So a shipper carries what a newer writer has recorded, and spends nothing on taking facts apart.
    """

    id: str
    started_at: float
    duration_s: float
    first_event_s: float | None
    tenant: str
    key: str
    user: str | None
    dialect: str
    operation: str
    is_streamed: bool
    model: str
    target: str | None
    outcome: str
    outcome_code: str | None
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    usage_accuracy: str
    cost_nanousd: int | None
    cost_accuracy: str
    config_hash: str
    facts: msgspec.Raw


COLUMNS: tuple[str, ...] = LedgerRow.__struct_fields__
_COLUMN_LIST = sql.SQL(", ").join(sql.Identifier(name) for name in COLUMNS)
_SELECTED = sql.SQL(", ").join(
    sql.SQL("facts::text AS facts") if name == "facts" else sql.Identifier(name) for name in COLUMNS
)
_COPY_LEDGER = sql.SQL("COPY ledger ({}) FROM STDIN").format(_COLUMN_LIST)
_COPY_ARRIVALS = sql.SQL("COPY arrivals ({}) FROM STDIN").format(_COLUMN_LIST)
_MAKE_ARRIVALS = "CREATE TEMP TABLE arrivals (LIKE ledger) ON COMMIT DROP"
_MERGE = sql.SQL("INSERT INTO ledger ({0}) SELECT {0} FROM arrivals ON CONFLICT (id) DO NOTHING").format(_COLUMN_LIST)
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_decoder = msgspec.json.Decoder(LedgerRow)

DatabaseError = psycopg.Error
"""Anything that the database, or the way to it, may fail with."""


class RowsRefused(Exception):
    """The database takes none of these rows for what is in them; asking again would not help."""


def decode_row(payload: bytes) -> LedgerRow:
    """A journal line's JSON as a row.  Raises `msgspec.DecodeError` where it is not one.

    PostgreSQL keeps no NUL in text, so one that a caller sent (in a model name, say) becomes U+FFFD.
    """
    if b"\\u0000" in payload:
        payload = payload.replace(b"\\u0000", b"\\ufffd")
    return _decoder.decode(payload)


def copy_line(payload: bytes) -> str:
    """A journal line's JSON as one line of COPY's text format.  Raises `msgspec.DecodeError` where it is not a row."""
    row = decode_row(payload)
    # JSON writes every control character and backslash with a backslash: without one there is nothing to escape.
    text, optional = (_escaped, _optional_escaped) if b"\\" in payload else (_plain, _optional)
    facts = text(bytes(row.facts).decode("utf-8"))
    started_at = datetime.fromtimestamp(row.started_at, UTC).isoformat()
    return (
        f"{text(row.id)}\t{started_at}\t{row.duration_s!r}\t{_optional(row.first_event_s)}\t{text(row.tenant)}"
        f"\t{text(row.key)}\t{optional(row.user)}\t{text(row.dialect)}\t{text(row.operation)}\t{row.is_streamed!r}"
        f"\t{text(row.model)}\t{optional(row.target)}\t{text(row.outcome)}\t{optional(row.outcome_code)}"
        f"\t{row.attempts}\t{row.input_tokens}\t{row.output_tokens}\t{row.cache_read_tokens}"
        f"\t{row.cache_write_tokens}\t{row.reasoning_tokens}\t{text(row.usage_accuracy)}"
        f"\t{_optional(row.cost_nanousd)}\t{text(row.cost_accuracy)}\t{text(row.config_hash)}\t{facts}\n"
    )


def _plain(value: str) -> str:
    return value


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def _optional(value: float | str | None) -> str:
    return "\\N" if value is None else str(value)


def _optional_escaped(value: str | None) -> str:
    return "\\N" if value is None else value.translate(_ESCAPES)


class LedgerWriter:
    """One connection that inserts rows.  `insert` may be repeated with the same rows: each is there once."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._connection: psycopg.Connection | None = None

    def insert(self, lines: Sequence[str]) -> None:
        """Add the rows (made by `copy_line`) that are not there yet: one transaction, on disk when this returns.

        Raises `RowsRefused` where the rows are at fault and `DatabaseError` where the database is; in both cases no row
        was added.
        """
        connection = self._connected()
        block = "".join(lines)
        try:
            try:
                with connection.transaction(), connection.cursor().copy(_COPY_LEDGER) as copy:
                    copy.write(block)
            except psycopg.errors.UniqueViolation:
                # Some were shipped before, by a shipper that died before it could note it.
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.execute(_MAKE_ARRIVALS)
                    with cursor.copy(_COPY_ARRIVALS) as copy:
                        copy.write(block)
                    cursor.execute(_MERGE)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            _require_our_schema(connection)
            raise RowsRefused(str(error)) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection:
        if self._connection is not None and not self._connection.broken and not self._connection.closed:
            return self._connection
        self.close()
        self._connection = connect(self._database_url, name="shipper")
        self._connection.autocommit = True
        # Whatever the server's default: an offset is noted only for what a crash of the server would not undo.
        self._connection.execute("SET synchronous_commit = on")
        return self._connection


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
