"""Holds out of the outboxes into the queue, each once by its id, and what happens to the overdue ones.

Called from a thread of the control plane, or of several: a repetition changes nothing, and an overdue hold is one
worker's until its transaction ends.
"""

import re
from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from penstock.review.erasure import MEET_ERASURES
from penstock.review.hold import Hold, OverdueStep, State, named
from penstock.review.released import release_now

_DOCUMENT = re.compile(r"doc_([1-9][0-9]{0,17})", re.ASCII)
WORKER = "penstock"
"""Who is named where no person did it."""

_INSERT: LiteralString = """
    INSERT INTO holds (id, exchange, tenant, model, key, "user", conversation, language, rule, reason, "group",
        priority, confidence, created_at, due_at, overdue, tick_at, is_sampled, documents)
    SELECT %(id)s, %(exchange)s, %(tenant)s, %(model)s, %(key)s, %(user)s, %(conversation)s, %(language)s, %(rule)s,
        %(reason)s, %(group)s, %(priority)s, %(confidence)s, %(created_at)s, %(due_at)s, %(overdue)s,
        %(tick_at)s, %(is_sampled)s, %(documents)s
    WHERE NOT EXISTS (
        SELECT FROM hold_erasures AS e
        WHERE e.tenant = %(tenant)s AND (e."user" IS NULL OR e."user" = %(user)s) AND e.at >= %(created_at)s)
    ON CONFLICT (id) DO NOTHING
"""
_INSERT_CONTENT: LiteralString = """
    INSERT INTO hold_contents (hold, question, answer, sources, verdicts, hand_over, cache_key, cache_partition,
        sealed)
    VALUES (%(id)s, %(question)s, %(answer)s, %(sources)s, %(verdicts)s, %(hand_over)s, %(cache_key)s,
        %(cache_partition)s, %(sealed)s)
"""
_INSERT_EVENT: LiteralString = """
    INSERT INTO hold_events (hold, at, actor, kind, before, after) VALUES (%s, %s, %s, %s, %s, %s)
"""
_OVERDUE: LiteralString = """
    SELECT id, state, version, "group", priority, due_at, claimed_by, overdue FROM holds
    WHERE tick_at <= %(now)s AND (state = 'waiting' OR (state = 'claimed' AND claimed_until <= %(now)s))
    ORDER BY tick_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
_STEP: LiteralString = """
    UPDATE holds SET state = %(state)s, version = version + 1, claimed_by = NULL, claimed_until = NULL,
        "group" = %(group)s, priority = %(priority)s, due_at = %(due_at)s, overdue = %(overdue)s,
        tick_at = %(tick_at)s, ended_at = %(ended_at)s, ended_by = %(ended_by)s
    WHERE id = %(id)s
"""


class Overdue(msgspec.Struct, frozen=True):
    """A hold that something was done with because it was overdue."""

    id: str
    action: str
    group: str
    state: State


def insert(connection: psycopg.Connection, holds: Sequence[Hold]) -> int:
    """Add those that are not there yet and were not erased meanwhile, in one transaction; returns how many."""
    added = 0
    with connection.transaction(), connection.cursor() as cursor:
        # Before the statement that looks for erasures: one that is under way is waited for, and then seen.
        cursor.execute(MEET_ERASURES)
        for hold in holds:
            row = _row(hold)
            if cursor.execute(_INSERT, row).rowcount == 0:
                continue
            added += 1
            cursor.execute(_INSERT_CONTENT, row)
            after = Jsonb({"state": "waiting", "group": row["group"], "priority": hold.priority, "due_at": hold.due_at})
            cursor.execute(_INSERT_EVENT, (hold.id, hold.created_at, WORKER, "held", Jsonb({}), after))
    return added


def tick(connection: psycopg.Connection, *, now: float, most: int = 100) -> list[Overdue]:
    """Take the next step of holds that are overdue and that nobody is at; empty once there are no more.

    One transaction: each step is taken once, however many workers there are, and a worker that dies has taken none.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_OVERDUE, {"now": now, "most": most}).fetchall()
        return [_take_step(connection, row, now) for row in rows]


def _take_step(connection: psycopg.Connection, row: dict[str, Any], now: float) -> Overdue:
    steps = msgspec.convert(row["overdue"], list[OverdueStep])
    step, rest = steps[0], steps[1:]
    is_end = step.action in {"release", "reject"}
    after: dict[str, object] = {
        "state": "expired" if is_end else "waiting",
        "group": step.group if step.action == "escalate" else row["group"],
        "priority": max(row["priority"], step.priority) if step.action == "raise" else row["priority"],
        "due_at": row["due_at"] if is_end else now + step.within_s,
    }
    values = {
        **after,
        "id": row["id"],
        "overdue": Jsonb(msgspec.to_builtins(rest)),
        "tick_at": now + step.within_s if rest and not is_end else None,
        "ended_at": now if is_end else None,
        "ended_by": WORKER if is_end else None,
    }
    connection.execute(_STEP, values)
    before = {name: row[name] for name in (*after, "claimed_by")}
    event = (row["id"], now, WORKER, f"overdue.{step.action}", Jsonb(before), Jsonb({**after, "claimed_by": None}))
    connection.execute(_INSERT_EVENT, event)
    if is_end:
        release_now(connection, row["id"], text=step.text, with_answer=step.action == "release", at=now)
    return msgspec.convert(
        {"id": row["id"], "action": step.action, "group": after["group"], "state": after["state"]}, Overdue
    )


def _row(hold: Hold) -> dict[str, Any]:
    fields: dict[str, Any] = sound(msgspec.to_builtins(hold))
    for name in ("exchange", "model", "key", "user", "conversation"):
        fields[name] = None if fields[name] is None else named(fields[name])
    for name in ("question", "sources", "verdicts", "overdue"):
        fields[name] = Jsonb(fields[name])
    documents = sorted({_number_of(each.document) for each in hold.sources})
    return {**fields, "tick_at": hold.due_at if hold.overdue else None, "documents": documents}


def _number_of(document: str) -> int:
    """The index's own; 0, which is none, for what is no id of it: then nobody may read it."""
    found = _DOCUMENT.fullmatch(document)
    return 0 if found is None else int(found[1])


def sound(value: Any) -> Any:
    """The same with nothing in it that PostgreSQL has no place for: it would stay in the outbox for good."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
        case dict():
            return {sound(key): sound(each) for key, each in value.items()}  # type: ignore[reportUnknownVariableType] # whatever it holds
        case list() | tuple():
            return [sound(each) for each in value]  # type: ignore[reportUnknownVariableType] # whatever it holds
        case _:
            return value
