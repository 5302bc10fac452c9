"""The cache's SQL: entries in and out, what was dropped, and what there is.

`link` calls it from its threads, the control plane from its event loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from penstock.cache.entry import Drop, Entry, EntryKind

CHANNEL = "penstock_cache"

DROPS_KEPT_DAYS = 7
"""A process that was away for longer than this keeps nothing of what it had."""
LABELS_KEPT_S = 30 * 86_400.0
"""What was learned of matches, which holds no text, is believed for so long."""

_COLUMNS = Entry.__struct_fields__
_TYPES: tuple[LiteralString, ...] = (
    *("text", "text", "bytea", "bytea", "text", "text", "text", "bytea"),
    *("float8", "float8", "bigint", "bigint", "bigint", "float8", "text[]"),
)
_LIST = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
MATCHES = sql.SQL(
    "(d.tenant IS NULL OR d.tenant = {e}.tenant) AND (d.model IS NULL OR d.model = {e}.model)"
    " AND (d.tag IS NULL OR d.tag = ANY ({e}.tags)) AND (d.answer IS NULL OR d.answer = {e}.id)"
)
"""Whether the drop `d` concerns the row `e`."""

_WRITE = sql.SQL(
    "INSERT INTO cache_entries AS kept ({columns}) SELECT {columns} FROM ("
    "SELECT {values}) AS new ({columns})"
    " WHERE NOT EXISTS (SELECT FROM cache_drops AS d WHERE d.place > %(seen)s AND {matches})"
    " ON CONFLICT (kind, key) DO UPDATE SET place = DEFAULT, {updates} WHERE kept.created_at <= excluded.created_at"
).format(
    columns=_LIST,
    values=sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Placeholder(name), sql.SQL(kind))
        for name, kind in zip(_COLUMNS, _TYPES, strict=True)
    ),
    matches=MATCHES.format(e=sql.Identifier("new")),
    updates=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _COLUMNS),
)
_READ = sql.SQL("SELECT {} FROM cache_entries WHERE kind = %s AND key = %s").format(_LIST)
_PURGE = (
    "DELETE FROM cache_entries WHERE (kind, key) IN ("
    "SELECT kind, key FROM cache_entries WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)"
)
_PURGE_QUESTIONS = (
    "DELETE FROM cache_questions WHERE key IN ("
    "SELECT key FROM cache_questions WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)"
)
_OWNED = sql.SQL("(%(tenant)s::text IS NULL OR tenant = %(tenant)s) AND (%(model)s::text IS NULL OR model = %(model)s)")
_DROP = sql.SQL(
    "DELETE FROM {table} WHERE {owned} AND (%(tag)s::text IS NULL OR tags @> ARRAY[%(tag)s::text])"
    " AND (%(answer)s::text IS NULL OR id = %(answer)s)"
)
_DROP_ANSWERS = _DROP.format(table=sql.Identifier("cache_entries"), owned=_OWNED)
_DROP_QUESTIONS = _DROP.format(table=sql.Identifier("cache_questions"), owned=_OWNED)
_DROP_LABELS = sql.SQL("DELETE FROM cache_labels WHERE {}").format(_OWNED)
_PURGE_LABELS = (
    "DELETE FROM cache_labels WHERE place IN ("
    "SELECT place FROM cache_labels WHERE at < %s LIMIT %s FOR UPDATE SKIP LOCKED)"
)
_SAVED = """
    SELECT tenant, model, fact ->> 'fact' AS what, coalesce(fact ->> 'kind', fact ->> 'reason') AS kind,
        count(*) AS exchanges,
        coalesce(sum((fact ->> 'saved_input_tokens')::bigint), 0)::bigint AS saved_input_tokens,
        coalesce(sum((fact ->> 'saved_output_tokens')::bigint), 0)::bigint AS saved_output_tokens,
        coalesce(sum((fact ->> 'saved_nanousd')::bigint), 0)::bigint AS saved_nanousd
    FROM ledger CROSS JOIN LATERAL jsonb_array_elements(facts) AS fact
    WHERE started_at >= now() - make_interval(secs => %(since_s)s)
        AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        AND fact ->> 'fact' IN ('cache_hit', 'cache_missed', 'cache_bypassed', 'cache_stored')
    GROUP BY 1, 2, 3, 4 ORDER BY exchanges DESC LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class News:
    """What has changed since a place: drops in their order, and the digests of entries that others may have too."""

    drops: tuple[Drop, ...]
    last_drop: int
    keys: tuple[bytes, ...]
    last_entry: int


class Kept(msgspec.Struct, frozen=True):
    """How much is kept for one tenant and model: answers (`exact`), or questions that are compared by meaning."""

    tenant: str
    model: str
    kind: str
    entries: int
    size_bytes: int
    oldest: float
    newest: float


class Done(msgspec.Struct, frozen=True):
    """How often one fact of the cache stands in the ledger, and what it says was saved."""

    tenant: str
    model: str
    what: str
    kind: str | None
    exchanges: int
    saved_input_tokens: int
    saved_output_tokens: int
    saved_nanousd: int


def write(connection: psycopg.Connection, entries: Sequence[tuple[Entry, int]]) -> None:
    """Keep entries, each with the last drop that its process had heard of when it was offered, and tell others.

    One that a later drop matches is not kept.  An older entry does not replace a newer one.
    """
    rows = [{**msgspec.structs.asdict(entry), "tags": list(entry.tags), "seen": seen} for entry, seen in entries]
    with connection.transaction(), connection.cursor() as cursor:
        # Before the statement that looks for drops: one that is under way is waited for, and then seen.
        cursor.execute("LOCK TABLE cache_entries IN ROW EXCLUSIVE MODE")
        cursor.executemany(_WRITE, rows)
        cursor.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def read(connection: psycopg.Connection, key: bytes, kind: EntryKind = "exact") -> Entry | None:
    """One entry, whether or not its time is over."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_READ, (kind, key)).fetchone()
    return None if row is None else msgspec.convert(row, Entry)


def read_news(
    connection: psycopg.Connection, *, after_drop: int | None, after_entry: int, now: float, most: int
) -> News:
    """What came after these places, at most `most` entries, the newest.

    Without `after_drop` there is nothing in memory yet that a drop could hit.
    """
    drops: list[tuple[int, str | None, str | None, str | None, str | None]] = []
    row = connection.execute("SELECT coalesce(max(place), 0) FROM cache_drops").fetchone()
    last = after_drop if after_drop is not None else int(row[0]) if row is not None else 0
    if after_drop is not None:
        drops = connection.execute(
            "SELECT place, tenant, model, tag, answer FROM cache_drops WHERE place > %s ORDER BY place", (after_drop,)
        ).fetchall()
        last = drops[-1][0] if drops else after_drop
    found: list[tuple[int, bytes]] = connection.execute(
        "SELECT place, key FROM cache_entries WHERE kind = 'exact' AND place > %s AND expires_at > %s"
        " ORDER BY place DESC LIMIT %s",
        (after_entry, now, most),
    ).fetchall()
    return News(
        tuple(Drop(tenant=tenant, model=model, tag=tag, answer=answer) for _, tenant, model, tag, answer in drops),
        last,
        tuple(key for _, key in reversed(found)),
        max(after_entry, found[0][0]) if found else after_entry,
    )


def purge(connection: psycopg.Connection, *, now: float, most: int) -> int:
    """Delete what nobody may be given any more; returns how many entries."""
    connection.execute("DELETE FROM cache_drops WHERE at < now() - make_interval(days => %s)", (DROPS_KEPT_DAYS,))
    connection.execute(_PURGE_QUESTIONS, (now, most))
    connection.execute(_PURGE_LABELS, (now - LABELS_KEPT_S, most))
    return connection.execute(_PURGE, (now, most)).rowcount


async def drop(connection: psycopg.AsyncConnection, wanted: Drop) -> int:
    """Delete what matches, and tell every process; returns how many answers lay here.  Inside a transaction.

    What was learned of matches goes with all answers of its tenant or model, not with some of them.
    """
    # Nobody writes meanwhile, and drops are told in the order of their places.
    await connection.execute("LOCK TABLE cache_entries IN SHARE ROW EXCLUSIVE MODE")
    named = msgspec.structs.asdict(wanted)
    deleted = await connection.execute(_DROP_ANSWERS, named)
    await connection.execute(_DROP_QUESTIONS, named)
    if wanted.tag is None and wanted.answer is None:
        await connection.execute(_DROP_LABELS, named)
    await connection.execute(
        "INSERT INTO cache_drops (tenant, model, tag, answer) VALUES (%(tenant)s, %(model)s, %(tag)s, %(answer)s)",
        named,
    )
    await connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
    return deleted.rowcount


def drop_answers(connection: psycopg.Connection, answers: Sequence[str]) -> None:
    """Delete the entries that these exchanges made, and tell every process.  Inside a transaction."""
    if not answers:
        return
    connection.execute("LOCK TABLE cache_entries IN SHARE ROW EXCLUSIVE MODE")
    connection.execute("DELETE FROM cache_entries WHERE id = ANY (%s)", (list(answers),))
    connection.execute("DELETE FROM cache_questions WHERE id = ANY (%s)", (list(answers),))
    connection.execute("INSERT INTO cache_drops (answer) SELECT unnest(%s::text[])", (list(answers),))
    connection.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


async def contents(connection: psycopg.AsyncConnection, *, tenant: str | None, now: float) -> list[Kept]:
    """How much is kept that may still be given, by tenant and model, the largest first."""
    query = """
        SELECT tenant, model, kind, count(*) AS entries, sum(octet_length(events))::bigint AS size_bytes,
            min(created_at) AS oldest, max(created_at) AS newest
        FROM cache_entries WHERE expires_at > %(now)s AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        GROUP BY 1, 2, 3
        UNION ALL
        SELECT tenant, model, 'question', count(*), sum(octet_length(question))::bigint,
            min(created_at), max(created_at)
        FROM cache_questions WHERE expires_at > %(now)s AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)
        GROUP BY 1, 2
        ORDER BY entries DESC LIMIT 1000
    """
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(query, {"now": now, "tenant": tenant})).fetchall()
    return msgspec.convert(rows, list[Kept])


async def saved(connection: psycopg.AsyncConnection, *, tenant: str | None, since_s: float) -> list[Done]:
    """What the cache did for exchanges of the last `since_s` seconds, as the ledger has it."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        rows = await (await cursor.execute(_SAVED, {"tenant": tenant, "since_s": since_s})).fetchall()
    return msgspec.convert(rows, list[Done])
