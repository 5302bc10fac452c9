"""The SQL of what the semantic cache knows: questions and labels in and out.

`link` and `loader` call it from their threads.  What drops answers (`penstock.cache.store`) drops these too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import msgspec
import psycopg
from psycopg import sql

from penstock.cache.store import MATCHES

CHANNEL: Final = "penstock_similar"

FOREIGN_KEPT_S: Final = 3600.0
"""Rows of another encoder or reading may still be in use: by processes that are about to be replaced."""

_LOCK: Final = 0x70656E73_746F636B
"""Of everybody who writes: places are then in the order of commits."""
_COLUMNS: Final = (
    *("created_at", "expires_at", "key", "partition", "space", "id", "tenant", "model", "tags", "groups"),
    "question",
)
_TYPES: Final[tuple[LiteralString, ...]] = (
    *("float8", "float8", "bytea", "bytea", "bytea", "text", "text", "text", "text[]", "bigint[]"),
    "bytea",
)
_NOT_DROPPED: Final = sql.SQL(
    " WHERE NOT EXISTS (SELECT FROM cache_drops AS d WHERE d.place > %(seen)s AND {matches})"
).format(matches=MATCHES.format(e=sql.Identifier("new")))
_LIST: Final = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
_VALUES: Final = sql.SQL(", ").join(
    sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL(kind)) for name, kind in zip(_COLUMNS, _TYPES, strict=True)
)
_WRITE: Final = sql.SQL(
    "INSERT INTO cache_questions AS kept ({columns}) SELECT {columns} FROM (SELECT {values}) AS new ({columns})"
    "{not_dropped} ON CONFLICT (key) DO UPDATE SET place = DEFAULT, {updates}"
    " WHERE kept.created_at <= excluded.created_at"
).format(
    columns=_LIST,
    values=_VALUES,
    not_dropped=_NOT_DROPPED,
    updates=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _COLUMNS),
)
_WRITE_LEARNED: Final = """
    INSERT INTO cache_labels (at, origin, partition, space, tenant, model, is_checked, matches, data)
    SELECT %(at)s, %(origin)s, %(partition)s, %(space)s, %(tenant)s::text, %(model)s::text, %(is_checked)s,
        %(matches)s, %(data)s
    WHERE NOT EXISTS (
        SELECT FROM cache_drops AS d WHERE d.place > %(seen)s AND d.tag IS NULL AND d.answer IS NULL
            AND (d.tenant IS NULL OR d.tenant = %(tenant)s) AND (d.model IS NULL OR d.model = %(model)s))
"""
_PARTITIONS: Final = tuple(
    # From one to the next along the index: to read all rows would take seconds where there are a million.
    sql.SQL("""
        WITH RECURSIVE each AS (
            (SELECT partition FROM {0} ORDER BY partition LIMIT 1)
            UNION ALL
            SELECT (SELECT partition FROM {0} WHERE partition > each.partition ORDER BY partition LIMIT 1)
            FROM each WHERE each.partition IS NOT NULL
        )
        SELECT partition FROM each WHERE partition IS NOT NULL LIMIT %s
    """).format(sql.Identifier(table))
    for table in ("cache_questions", "cache_labels")
)
_PARTITION: Final = """
    SELECT place, groups, question FROM cache_questions
    WHERE partition = %s AND space = %s AND expires_at > %s ORDER BY place DESC LIMIT %s
"""
_NEWS: Final = """
    SELECT place, groups, question, partition FROM cache_questions
    WHERE place > %s AND space = %s ORDER BY place LIMIT %s
"""
_LEARNED_NEWS: Final = """
    SELECT place, origin, is_checked, data, partition FROM cache_labels
    WHERE place > %s AND space = %s AND origin <> %s ORDER BY place LIMIT %s
"""
_NEWER: Final = """
    SELECT place, origin, is_checked, data,
        sum(matches) OVER (PARTITION BY is_checked ORDER BY place DESC) - matches AS newer
    FROM cache_labels WHERE partition = %s AND space = %s
"""


class QuestionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One question as it is written: `key` and `id` are its answer's, `question` is sealed."""

    created_at: float
    expires_at: float
    key: bytes
    partition: bytes
    space: bytes
    id: str
    tenant: str
    model: str
    tags: Sequence[str]
    groups: Sequence[int]
    question: bytes


class LearnedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Matches of one partition, as one process saw them: see the migration."""

    at: float
    origin: int
    partition: bytes
    space: bytes
    tenant: str
    model: str
    is_checked: bool
    matches: int
    data: bytes


@dataclass(frozen=True, slots=True)
class KeptQuestion:
    """One that was read; which answer it is of stands within what is sealed."""

    place: int
    groups: tuple[int, ...]
    question: bytes
    partition: bytes


@dataclass(frozen=True, slots=True)
class KeptLabels:
    """Some that were read, as `LearnedRow` has them."""

    place: int
    origin: int
    is_checked: bool
    data: bytes
    partition: bytes


def write(
    connection: psycopg.Connection,
    questions: Sequence[tuple[QuestionRow, int]],
    learned: Sequence[tuple[LearnedRow, int]],
) -> None:
    """Keep them, each with the last drop that its process had heard of when it was offered, and tell others.

    What a later drop matches is not kept.  An older question does not replace a newer one of its key.
    """
    with connection.transaction(), connection.cursor() as cursor:
        _lock(cursor)
        if questions:
            cursor.executemany(_WRITE, [{**msgspec.structs.asdict(row), "seen": seen} for row, seen in questions])
        if learned:
            rows = [{**msgspec.structs.asdict(row), "seen": seen} for row, seen in learned]
            cursor.executemany(_WRITE_LEARNED, rows)
        cursor.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def _lock(cursor: psycopg.Cursor) -> None:
    """A drop that is under way is waited for, and then seen; one that follows waits for this."""
    cursor.execute("LOCK TABLE cache_entries IN ROW EXCLUSIVE MODE")
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def places(connection: psycopg.Connection) -> tuple[int, int]:
    """The last ones, of questions and of labels."""
    row = connection.execute(
        "SELECT (SELECT coalesce(max(place), 0) FROM cache_questions),"
        " (SELECT coalesce(max(place), 0) FROM cache_labels)"
    ).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def partitions(connection: psycopg.Connection, *, most: int) -> list[bytes]:
    """Those of which anything is kept, of whichever space, at most `most` by either table."""
    cursor = connection.cursor(binary=True)
    found: dict[bytes, None] = {}
    for query in _PARTITIONS:
        found |= dict.fromkeys(partition for (partition,) in cursor.execute(query, (most,)).fetchall())
    return list(found)


def count(connection: psycopg.Connection, partition: bytes) -> int:
    """How many questions there are about, of whichever space."""
    row = connection.execute("SELECT count(*) FROM cache_questions WHERE partition = %s", (partition,)).fetchone()
    return 0 if row is None else int(row[0])


def read_partition(
    connection: psycopg.Connection, partition: bytes, space: bytes, *, now: float, most: int, at_once: int
) -> Iterator[list[KeptQuestion]]:
    """Its questions, the latest first, some at a time.  Inside a transaction: they are those of its moment."""
    with connection.cursor("partition", binary=True) as cursor:
        cursor.execute(_PARTITION, (partition, space, now, most))
        while rows := cursor.fetchmany(at_once):
            yield [KeptQuestion(place, tuple(groups), question, partition) for place, groups, question in rows]


def read_learned(connection: psycopg.Connection, partition: bytes, space: bytes, *, most: int) -> list[KeptLabels]:
    """What was learned of it, as much as the latest `most` matches of each kind."""
    query = sql.SQL("SELECT place, origin, is_checked, data FROM ({}) AS counted WHERE newer < %s").format(
        sql.SQL(_NEWER)
    )
    rows = connection.cursor(binary=True).execute(query, (partition, space, most)).fetchall()
    return [KeptLabels(place, origin, is_checked, data, partition) for place, origin, is_checked, data in rows]


def trim(connection: psycopg.Connection, partition: bytes, space: bytes, *, most: int) -> None:
    """Delete what `read_learned` would not read."""
    query = sql.SQL(
        "DELETE FROM cache_labels WHERE place IN (SELECT place FROM ({}) AS counted WHERE newer >= %s)"
    ).format(sql.SQL(_NEWER))
    with connection.transaction(), connection.cursor() as cursor:
        _lock(cursor)
        cursor.execute(query, (partition, space, most))


def read_news(connection: psycopg.Connection, space: bytes, *, after: int, most: int) -> list[KeptQuestion]:
    """The questions behind a place, at most `most`, in their order."""
    rows = connection.cursor(binary=True).execute(_NEWS, (after, space, most)).fetchall()
    return [KeptQuestion(place, tuple(groups), question, partition) for place, groups, question, partition in rows]


def read_learned_news(
    connection: psycopg.Connection, space: bytes, *, after: int, origin: int, most: int
) -> list[KeptLabels]:
    """What others than `origin` learned behind a place, at most `most` rows, in their order."""
    rows = connection.cursor(binary=True).execute(_LEARNED_NEWS, (after, space, origin, most)).fetchall()
    return [KeptLabels(*row) for row in rows]


def purge_foreign(connection: psycopg.Connection, space: bytes, *, now: float, most: int) -> int:
    """Delete what another encoder or reading has written, once it is an hour old; returns how many questions."""
    before = now - FOREIGN_KEPT_S
    connection.execute(
        "DELETE FROM cache_labels WHERE place IN ("
        "SELECT place FROM cache_labels WHERE space <> %s AND at < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
        (space, before, most),
    )
    return connection.execute(
        "DELETE FROM cache_questions WHERE key IN ("
        "SELECT key FROM cache_questions WHERE space <> %s AND created_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
        (space, before, most),
    ).rowcount
