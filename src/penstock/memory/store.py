"""The memory's SQL.  Every statement that reads or changes names the owner: what is another's is not there.

The data plane runs it on its event loop, the control plane in a thread; so a turn is written by statements that need no
answer (`writing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from penstock.memory.turn import Owner, Turn, user_holder

LEASE_S: Final = 60.0
"""How long a conversation waits for a turn of which nobody has heard."""
SKEW_S: Final = 2.0
"""How far the clocks of an installation's machines may be apart: what was asked for so shortly after an erasure is not
kept either."""
ERASURES_KEPT_S: Final = 30 * 86_400.0
"""What a machine brings from its outbox after this time may come back, if it is of before the erasure."""

_MEET: LiteralString = "LOCK TABLE memory_erasures IN ROW SHARE MODE"
"""First of whatever locks more than one row or table: an erasure comes before all of it or after all of it.

An erasure that locked what it deletes would wait for a turn that has written one table and waits to write another.
"""
_ERASE_ALONE: LiteralString = "LOCK TABLE memory_erasures IN EXCLUSIVE MODE"

# One statement, so that it is written once or not at all, whoever brings it and however often.
_PUT: LiteralString = """
    WITH first AS (
        INSERT INTO memory_written (id, at) VALUES (%(id)s, %(created_at)s) ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO memory_turns (id, tenant, holder, conversation, thread, previous, hold, created_at, expires_at,
        size_bytes, sealed)
    SELECT %(id)s, %(tenant)s, %(holder)s, %(conversation)s, %(thread)s, %(previous)s, %(hold)s, %(created_at)s,
        %(expires_at)s, %(size_bytes)s, %(sealed)s
    FROM first
    WHERE (%(conversation)s::text IS NULL OR EXISTS (
            SELECT FROM memory_conversations AS c
            WHERE c.id = %(conversation)s AND c.tenant = %(tenant)s AND c.holder = %(holder)s FOR UPDATE))
        AND NOT EXISTS (
            SELECT FROM memory_erasures AS e
            WHERE e.tenant = %(tenant)s AND (e.holder IS NULL OR e.holder = %(holder)s)
                AND e.at >= %(began_at)s - %(skew_s)s)
"""
_FREE: LiteralString = """
    UPDATE memory_conversations SET expires_at = greatest(expires_at, %(expires_at)s),
        turn_until = CASE WHEN turn_by = %(exchange)s THEN NULL ELSE turn_until END,
        turn_by = CASE WHEN turn_by = %(exchange)s THEN NULL ELSE turn_by END
    WHERE id = %(conversation)s AND tenant = %(tenant)s AND holder = %(holder)s
"""
_TRIM: LiteralString = """
    DELETE FROM memory_turns WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (ORDER BY place DESC) AS n, sum(size_bytes) OVER (ORDER BY place DESC) AS held
            FROM memory_turns WHERE conversation = %(conversation)s) AS latest
        WHERE n > 1 AND (n > %(most_turns)s OR held > %(most_bytes)s))
"""
_FEWER: LiteralString = """
    DELETE FROM memory_turns WHERE id IN (
        SELECT id FROM memory_turns WHERE tenant = %(tenant)s AND holder = %(holder)s AND conversation IS NULL
        ORDER BY place DESC OFFSET %(most_answers)s LIMIT 100)
"""
_OF_CONVERSATION: LiteralString = """
    SELECT place, id, thread, conversation, previous, hold, created_at, expires_at, size_bytes, sealed
    FROM memory_turns
    WHERE conversation = %(conversation)s AND tenant = %(tenant)s AND holder = %(holder)s AND expires_at > %(now)s
    ORDER BY place
"""
_CHAIN: LiteralString = """
    WITH RECURSIVE chain AS (
        SELECT first.*, 1 AS depth FROM memory_turns AS first
        WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s AND expires_at > %(now)s
        UNION ALL
        SELECT before.*, chain.depth + 1 FROM memory_turns AS before JOIN chain ON before.id = chain.previous
        WHERE before.tenant = %(tenant)s AND before.holder = %(holder)s AND before.expires_at > %(now)s
            AND chain.depth < %(most)s)
    SELECT place, id, thread, conversation, previous, hold, created_at, expires_at, size_bytes, sealed
    FROM chain ORDER BY depth DESC
"""
_ONE: LiteralString = """
    SELECT place, id, thread, conversation, previous, hold, created_at, expires_at, size_bytes, sealed
    FROM memory_turns
    WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s AND expires_at > %(now)s
"""
_CONVERSATION: LiteralString = """
    SELECT id, created_at, expires_at, metadata,
        turn_by IS NOT NULL AND turn_until > extract(epoch FROM clock_timestamp()) AS is_locked
    FROM memory_conversations
    WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s AND expires_at > %(now)s
"""
_BEGIN: LiteralString = """
    UPDATE memory_conversations
    SET turn_by = %(exchange)s, turn_until = extract(epoch FROM clock_timestamp()) + %(lease_s)s
    WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s AND expires_at > %(now)s
        AND (turn_by IS NULL OR turn_until <= extract(epoch FROM clock_timestamp()))
"""
_GO_ON: LiteralString = """
    UPDATE memory_conversations SET turn_until = extract(epoch FROM clock_timestamp()) + %s WHERE turn_by = ANY (%s)
"""
_CREATE: LiteralString = """
    INSERT INTO memory_conversations (id, tenant, holder, created_at, expires_at, metadata)
    SELECT %(id)s, %(tenant)s, %(holder)s, %(now)s, %(expires_at)s, %(metadata)s
    WHERE (SELECT count(*) FROM memory_conversations
        WHERE tenant = %(tenant)s AND holder = %(holder)s AND expires_at > %(now)s) < %(most)s
"""
_NOTE: LiteralString = """
    UPDATE memory_conversations SET metadata = %(metadata)s
    WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s
"""
_DELETE_CONVERSATION: LiteralString = """
    DELETE FROM memory_conversations WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s
"""
_DELETE_TURN: LiteralString = """
    DELETE FROM memory_turns WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s
"""
_REWRITE: LiteralString = """
    UPDATE memory_turns SET sealed = %(sealed)s, size_bytes = %(size_bytes)s
    WHERE id = %(id)s AND tenant = %(tenant)s AND holder = %(holder)s
"""
_ERASE_TURNS: LiteralString = """
    DELETE FROM memory_turns WHERE tenant = %(tenant)s AND (%(holder)s::text IS NULL OR holder = %(holder)s)
"""
_ERASE_CONVERSATIONS: LiteralString = """
    DELETE FROM memory_conversations WHERE tenant = %(tenant)s AND (%(holder)s::text IS NULL OR holder = %(holder)s)
"""
_OLD_TURNS: LiteralString = """
    DELETE FROM memory_turns WHERE id IN (
        SELECT id FROM memory_turns WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_OLD_CONVERSATIONS: LiteralString = """
    DELETE FROM memory_conversations WHERE id IN (
        SELECT id FROM memory_conversations WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED)
"""
_OLD_WRITTEN: LiteralString = """
    DELETE FROM memory_written WHERE id IN (
        SELECT id FROM memory_written WHERE at < %s LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class TurnRow:
    place: int
    id: str
    thread: str
    conversation: str | None
    previous: str | None
    hold: str | None
    created_at: float
    expires_at: float
    size_bytes: int
    sealed: str


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """`metadata` is sealed; `is_locked` says that a turn is under way."""

    id: str
    created_at: float
    expires_at: float
    metadata: str
    is_locked: bool


def writing(turn: Turn) -> tuple[tuple[LiteralString, Mapping[str, Any]], ...]:
    """What writes a turn, in this order and in one transaction; to do it again changes nothing."""
    bounds = turn.bounds
    values = {
        **_whose(turn.owner),
        "id": turn.id,
        "conversation": turn.conversation,
        "thread": turn.thread,
        "previous": turn.previous,
        "hold": turn.hold,
        "exchange": turn.exchange,
        "began_at": turn.began_at,
        "created_at": turn.created_at,
        "expires_at": turn.expires_at,
        "size_bytes": turn.size_bytes,
        "sealed": turn.sealed,
        "skew_s": SKEW_S,
        "most_turns": bounds.most_turns,
        "most_bytes": bounds.most_bytes,
        "most_answers": bounds.most_answers,
    }
    if turn.conversation is None:
        return ((_PUT, values), (_FEWER, values))
    return ((_PUT, values), (_FREE, values), (_TRIM, values))


def write_turns(connection: psycopg.Connection, turns: Sequence[Turn]) -> None:
    """In the control plane's thread: what a machine's outbox brings."""
    for turn in turns:
        with connection.transaction():
            connection.execute(_MEET)
            for statement, values in writing(turn):
                connection.execute(statement, values)


async def write_turn(connection: psycopg.AsyncConnection, turn: Turn) -> None:
    """The same on an event loop, in a transaction of its own."""
    async with connection.transaction():
        await connection.execute(_MEET)
        for statement, values in writing(turn):
            await connection.execute(statement, values)


async def free(connection: psycopg.AsyncConnection, owner: Owner, conversation: str, exchange: str) -> None:
    """The turn is over, and nothing of it is kept."""
    values = {**_whose(owner), "conversation": conversation, "exchange": exchange, "expires_at": 0.0}
    await connection.execute(_FREE, values)


async def begin(
    connection: psycopg.AsyncConnection, owner: Owner, conversation: str, exchange: str, now: float
) -> bool:
    """Whether the conversation is the exchange's now, and nobody else's until `free`, its turn, or the lease's end."""
    values = {**_whose(owner), "id": conversation, "exchange": exchange, "now": now, "lease_s": LEASE_S}
    return (await connection.execute(_BEGIN, values)).rowcount == 1


async def go_on(connection: psycopg.AsyncConnection, exchanges: Sequence[str]) -> None:
    """These are still at it."""
    async with connection.transaction():
        await connection.execute(_MEET)
        await connection.execute(_GO_ON, (LEASE_S, list(exchanges)))


async def conversation(
    connection: psycopg.AsyncConnection, owner: Owner, conversation: str, now: float, *, lock: bool = False
) -> ConversationRow | None:
    """None where there is none for this owner.  With `lock` (in a transaction) it stays as it is."""
    statement: LiteralString = _CONVERSATION + " FOR UPDATE" if lock else _CONVERSATION
    if lock:
        await connection.execute(_MEET)
    async with connection.cursor(row_factory=class_row(ConversationRow)) as cursor:
        await cursor.execute(statement, {**_whose(owner), "id": conversation, "now": now})
        return await cursor.fetchone()


async def turns_of(connection: psycopg.AsyncConnection, owner: Owner, conversation: str, now: float) -> list[TurnRow]:
    """A conversation's, the oldest first."""
    async with connection.cursor(row_factory=class_row(TurnRow)) as cursor:
        await cursor.execute(_OF_CONVERSATION, {**_whose(owner), "conversation": conversation, "now": now})
        return await cursor.fetchall()


async def chain(
    connection: psycopg.AsyncConnection, owner: Owner, last: str, now: float, *, most: int
) -> list[TurnRow]:
    """The turns that led to `last`, the oldest first and it at the end; empty where there is no such turn."""
    async with connection.cursor(row_factory=class_row(TurnRow)) as cursor:
        await cursor.execute(_CHAIN, {**_whose(owner), "id": last, "now": now, "most": most})
        return await cursor.fetchall()


async def turn(connection: psycopg.AsyncConnection, owner: Owner, name: str, now: float) -> TurnRow | None:
    """One turn alone."""
    async with connection.cursor(row_factory=class_row(TurnRow)) as cursor:
        await cursor.execute(_ONE, {**_whose(owner), "id": name, "now": now})
        return await cursor.fetchone()


async def create(connection: psycopg.AsyncConnection, owner: Owner, row: ConversationRow, *, most: int) -> bool:
    """False where the owner has as many as it may.  (Two at the same moment may both be the last.)"""
    values = {**_whose(owner), "id": row.id, "now": row.created_at, "expires_at": row.expires_at}
    values |= {"metadata": row.metadata, "most": most}
    return (await connection.execute(_CREATE, values)).rowcount == 1


async def set_metadata(connection: psycopg.AsyncConnection, owner: Owner, conversation: str, metadata: str) -> None:
    await connection.execute(_NOTE, {**_whose(owner), "id": conversation, "metadata": metadata})


async def delete_conversation(connection: psycopg.AsyncConnection, owner: Owner, conversation: str) -> bool:
    """With all its turns; one that is under way is not kept."""
    async with connection.transaction():
        await connection.execute(_MEET)
        gone = await connection.execute(_DELETE_CONVERSATION, {**_whose(owner), "id": conversation})
    return gone.rowcount == 1


async def delete_turn(connection: psycopg.AsyncConnection, owner: Owner, name: str) -> bool:
    return (await connection.execute(_DELETE_TURN, {**_whose(owner), "id": name})).rowcount == 1


async def replace_body(
    connection: psycopg.AsyncConnection, owner: Owner, name: str, *, sealed: str, size_bytes: int
) -> None:
    """Of a turn of which something was deleted."""
    values = {**_whose(owner), "id": name, "sealed": sealed, "size_bytes": size_bytes}
    await connection.execute(_REWRITE, values)


async def erase(connection: psycopg.AsyncConnection, *, tenant: str, user: str | None, at: float) -> int:
    """Delete all of a tenant's, or of one of its users; returns how many turns there were.

    Inside a transaction.
    """
    # Nobody writes meanwhile: what was before is deleted, and what comes after meets the erasure.
    await connection.execute(_ERASE_ALONE)
    values = {"tenant": tenant, "holder": None if user is None else user_holder(user), "at": at}
    turns = await connection.execute(_ERASE_TURNS, values)
    await connection.execute(_ERASE_CONVERSATIONS, values)
    await connection.execute(
        "INSERT INTO memory_erasures (at, tenant, holder) VALUES (%(at)s, %(tenant)s, %(holder)s)", values
    )
    return turns.rowcount


def purge(connection: psycopg.Connection, *, now: float, most: int) -> int:
    """Delete what has ended, at most `most` of each; returns how many turns and conversations."""
    gone = 0
    old: tuple[tuple[LiteralString, float], ...] = (
        (_OLD_TURNS, now),
        (_OLD_CONVERSATIONS, now),
        (_OLD_WRITTEN, now - ERASURES_KEPT_S),
    )
    with connection.transaction():
        connection.execute(_MEET)
        connection.execute("DELETE FROM memory_erasures WHERE at < %s", (now - ERASURES_KEPT_S,))
        for statement, before in old:
            gone += connection.execute(statement, (before, most)).rowcount
    return gone


def _whose(owner: Owner) -> dict[str, Any]:
    return {"tenant": owner.tenant, "holder": owner.holder}
