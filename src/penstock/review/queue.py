"""The queue, as reviewers use it: look, take one, give it back, decide.

Each change is one short transaction that locks the hold's row, looks at it as it then is, and writes the change and
what happened side by side; so of any number of reviewers one gets a hold, and a decision is made once.  `version` grows
with every change: who decides says which one they have seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, LiteralString

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from penstock.core.errors import MalformedRequest
from penstock.review.decision import Decision
from penstock.review.hold import OPEN, named
from penstock.review.released import release, say
from penstock.review.reviewer import MAY_READ, HoldChanged, HoldTaken, OwnQuestion, Reviewer, UnknownHold
from penstock.review.take import sound

_SHOW: LiteralString = f"""
    SELECT h.id, h.exchange, h.tenant, h.model, h.key, h."user", h.conversation, h.language, h.rule, h.reason,
    h."group", h.priority, h.confidence, h.created_at, h.due_at, h.state, h.version, h.claimed_by, h.claimed_until,
    h.ended_at, h.ended_by, h.is_sampled, h.second_by, h.second_at FROM holds AS h WHERE h.id = %(hold)s AND {MAY_READ}
"""  # noqa: S608 - put together of constants
_LOCK: LiteralString = _SHOW + " FOR UPDATE"
_FREE: LiteralString = f"""
    SELECT h.rank, h.due_at, h.id FROM holds AS h
    WHERE h.ended_at IS NULL AND (h.state = 'waiting' OR h.claimed_until <= %(now)s)
        AND CASE WHEN %(user)s::text IS NULL THEN h.key <> %(key)s ELSE h."user" IS DISTINCT FROM %(user)s END
        AND {MAY_READ}
"""  # noqa: S608 - put together of constants
_FIRST: LiteralString = " ORDER BY h.rank, h.due_at, h.id LIMIT 1"
_SKIPPING: LiteralString = " FOR UPDATE SKIP LOCKED"
_TENANT: LiteralString = " AND h.tenant = %(scope)s"
_ANY_TENANT: LiteralString = " AND (%(scope)s::text IS NULL OR h.tenant = %(scope)s)"
_GROUP: LiteralString = ' AND h."group" = %(group)s'
# Each group by its own stretch of the index, as in `listing`.
_GROUPS = sql.SQL(
    "SELECT g.name FROM unnest(%(groups)s::text[]) AS g (name) CROSS JOIN LATERAL ({}) AS f"
    " ORDER BY f.rank, f.due_at, f.id"
).format(sql.SQL(_FREE + _ANY_TENANT + ' AND h."group" = g.name' + _FIRST))
_CHANGE: LiteralString = """
    UPDATE holds SET state = %(state)s, version = version + 1, claimed_by = %(claimed_by)s,
        claimed_until = %(claimed_until)s, ended_at = %(ended_at)s, ended_by = %(ended_by)s,
        tick_at = CASE WHEN %(ended_at)s::float8 IS NULL THEN tick_at END
    WHERE id = %(id)s
"""
_EVENT: LiteralString = """
    INSERT INTO hold_events (hold, at, actor, kind, before, after) VALUES (%s, %s, %s, %s, %s, %s)
"""
_OPINION: LiteralString = """
    INSERT INTO hold_opinions (hold, reviewer, is_second, verdict, reasons, comment, at)
    VALUES (%s, %s, false, %s, %s, %s, %s)
"""
_CONTENT: LiteralString = """
    SELECT question, answer, sources, verdicts, hand_over, released FROM hold_contents WHERE hold = %s
"""
_EVENTS: LiteralString = "SELECT id, at, actor, kind, before, after FROM hold_events WHERE hold = %s ORDER BY id"
_MESSAGES: LiteralString = """
    SELECT place, at, author, text FROM hold_releases WHERE hold = %s AND is_message ORDER BY place
"""


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a hold stands in the queue."""

    id: str
    exchange: str
    tenant: str
    model: str
    key: str
    user: str | None
    conversation: str | None
    language: str
    rule: str
    reason: str
    group: str
    priority: int
    confidence: float | None
    created_at: float
    due_at: float
    state: str
    version: int
    claimed_by: str | None
    claimed_until: float | None
    ended_at: float | None
    ended_by: str | None
    is_sampled: bool
    second_by: str | None
    second_at: float | None


@dataclass(frozen=True, slots=True)
class Whole:
    """A hold with its texts, what happened to it, and what was written to its conversation."""

    row: HoldRow
    content: dict[str, Any]
    events: list[dict[str, Any]]
    messages: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and when.  Unix seconds, injected."""

    who: Reviewer
    now: float


async def show(connection: psycopg.AsyncConnection, hold: str, who: Reviewer) -> Whole:
    """Raises `UnknownHold`, and `HoldTaken` where the caller is about to judge it blindly, as the second."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        row = _seen(await (await cursor.execute(_SHOW, _named(hold, who))).fetchone(), who)
        if row.second_by == who.id and row.second_at is None:
            raise HoldTaken("You are its second reviewer: say first what you would have done.")
        content = await (await cursor.execute(_CONTENT, (hold,))).fetchone()
        events = await (await cursor.execute(_EVENTS, (hold,))).fetchall()
        messages = await (await cursor.execute(_MESSAGES, (hold,))).fetchall()
    return Whole(row, content or {}, events, messages)


async def claim(connection: psycopg.AsyncConnection, hold: str, act: Act, *, lease_s: float) -> HoldRow:
    """Take it, for `lease_s`.  Whoever has it has it for longer then, unless it is overdue: that changes nothing.

    Raises `UnknownHold`, `OwnQuestion`, `HoldTaken` and `HoldChanged`.
    """
    async with connection.transaction():
        row = await _locked(connection, hold, act.who)
        _not_own(row, act.who)
        if row.state not in OPEN:
            raise HoldChanged("It has been decided already.")
        is_ours = row.claimed_by == act.who.id and _until(row) > act.now
        if row.state == "claimed" and not is_ours and _until(row) > act.now:
            raise HoldTaken("Somebody else is at it.")
        if is_ours and row.due_at <= act.now:
            return row
        return await _claimed(connection, row, act, lease_s)


async def claim_next(connection: psycopg.AsyncConnection, act: Act, *, lease_s: float) -> HoldRow | None:
    """Take the most urgent one that nobody is at; None where there is none.  Never one that somebody else gets too."""
    who = act.who
    values: dict[str, object] = {
        "now": act.now,
        "user": None if who.user is None else named(who.user),
        "key": named(who.key),
        "scope": who.tenant,
        **who.rights,
    }
    query = _FREE if who.tenant is None else _FREE + _TENANT
    async with connection.transaction():
        groups: list[str | None] = [None]
        if who.groups is not None:
            query += _GROUP
            found = await connection.execute(_GROUPS, {**values, "groups": ["", *sorted(who.groups)]}, prepare=False)
            groups = [row[0] for row in await found.fetchall()]
        for group in groups:
            found = await connection.execute(query + _FIRST + _SKIPPING, {**values, "group": group})
            row = await found.fetchone()
            if row is not None:
                return await _claimed(connection, await _locked(connection, row[2], who), act, lease_s)
    return None


async def give_back(connection: psycopg.AsyncConnection, hold: str, act: Act) -> HoldRow:
    """Let others have it.  Raises `UnknownHold`, and `HoldTaken` where it is not the caller's."""
    async with connection.transaction():
        row = await _locked(connection, hold, act.who)
        _is_claimed(row, act)
        after = msgspec.structs.replace(row, state="waiting", claimed_by=None, claimed_until=None)
        return await _change(connection, row, after, act, "given_back")


async def decide(
    connection: psycopg.AsyncConnection, hold: str, act: Act, decision: Decision
) -> tuple[HoldRow, HoldRow]:
    """What becomes of it, once and for good: the hold before and after.

    Raises `UnknownHold`, `OwnQuestion`, `HoldTaken` where the caller does not have it (any more), and `HoldChanged`
    where it is not as the caller has seen it.
    """
    async with connection.transaction():
        row = await _locked(connection, hold, act.who)
        _not_own(row, act.who)
        if row.state not in OPEN:
            raise HoldChanged("It has been decided already.")
        _is_claimed(row, act)
        if row.version != decision.version:
            raise HoldChanged(f"It has changed since: it is version {row.version} now.")
        after = msgspec.structs.replace(
            row,
            state=decision.outcome,
            claimed_by=None,
            claimed_until=None,
            ended_at=act.now,
            ended_by=act.who.id,
        )
        # A text of a person's is in the release; the history says that there was one.
        said = {"reasons": list(decision.reasons), "comment": sound(decision.comment)}
        changed = await _change(connection, row, after, act, decision.outcome, said=said)
        opinion = (hold, act.who.id, decision.outcome, list(decision.reasons), sound(decision.comment), act.now)
        await connection.execute(_OPINION, opinion)
        if decision.remember:
            query = "SELECT FROM hold_contents WHERE hold = %s AND cache_key IS NOT NULL"
            if await (await connection.execute(query, (hold,))).fetchone() is None:
                text = "No cache keeps the answer to this question, so there is nothing to remember it in."
                raise MalformedRequest(text, field="remember")
            query = "INSERT INTO hold_verified (hold, wanted_at, next_at) VALUES (%s, %s, %s)"
            await connection.execute(query, (hold, act.now, act.now))
        if decision.outcome == "taken_over":
            await say(connection, hold, text=sound(decision.text), at=act.now, author=act.who.id)
        else:
            is_answer = decision.outcome == "approved"
            text = "" if is_answer else sound(decision.text)
            await release(connection, hold, text=text, with_answer=is_answer, at=act.now, author=act.who.id)
    return row, changed


async def write_to(connection: psycopg.AsyncConnection, hold: str, act: Act, text: str) -> HoldRow:
    """A further message to a conversation that was taken over; only who took it over writes there.

    Raises `UnknownHold`, and `HoldChanged` where it is another's, or nobody took it over.
    """
    async with connection.transaction():
        row = await _locked(connection, hold, act.who)
        if row.state != "taken_over" or row.ended_by != act.who.id:
            raise HoldChanged("You have not taken this conversation over.")
        await _note(connection, row, act, "message", before={}, after={})
        await say(connection, hold, text=sound(text), at=act.now, author=act.who.id)
    return row


async def comment(connection: psycopg.AsyncConnection, hold: str, act: Act, text: str) -> HoldRow:
    """Write something into its history, whoever is at it.  Raises `UnknownHold`."""
    async with connection.transaction():
        row = await _locked(connection, hold, act.who)
        await _note(connection, row, act, "comment", before={}, after={"comment": sound(text)})
    return row


async def _claimed(connection: psycopg.AsyncConnection, row: HoldRow, act: Act, lease_s: float) -> HoldRow:
    until = act.now + lease_s
    after = msgspec.structs.replace(row, state="claimed", claimed_by=act.who.id, claimed_until=until)
    return await _change(connection, row, after, act, "claimed")


async def _locked(connection: psycopg.AsyncConnection, hold: str, who: Reviewer) -> HoldRow:
    """The row as it is once nobody else changes it."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        return _seen(await (await cursor.execute(_LOCK, _named(hold, who))).fetchone(), who)


def _named(hold: str, who: Reviewer) -> dict[str, object]:
    return {"hold": hold, **who.rights}


def _seen(row: dict[str, Any] | None, who: Reviewer) -> HoldRow:
    if row is None or not who.sees(tenant=row["tenant"], group=row["group"]):
        raise UnknownHold("There is no such hold.")
    return msgspec.convert(row, HoldRow)


def _not_own(row: HoldRow, who: Reviewer) -> None:
    if who.asked(key=row.key, user=row.user):
        raise OwnQuestion("This was asked by you: somebody else must judge it.")


def _is_claimed(row: HoldRow, act: Act) -> None:
    if row.claimed_by != act.who.id or _until(row) <= act.now:
        raise HoldTaken("Claim it first: it is not yours, or your time with it is over.")


def _until(row: HoldRow) -> float:
    return row.claimed_until or 0.0


async def _change(
    connection: psycopg.AsyncConnection,
    row: HoldRow,
    after: HoldRow,
    act: Act,
    kind: str,
    *,
    said: Mapping[str, object] = MappingProxyType({}),
) -> HoldRow:
    changed = msgspec.structs.replace(after, version=row.version + 1)
    old, new = msgspec.structs.asdict(row), msgspec.structs.asdict(changed)
    await connection.execute(_CHANGE, new)
    names = [name for name in new if new[name] != old[name]]
    before = {name: old[name] for name in names}
    await _note(connection, row, act, kind, before=before, after={**{name: new[name] for name in names}, **said})
    return changed


async def _note(
    connection: psycopg.AsyncConnection,
    row: HoldRow,
    act: Act,
    kind: str,
    *,
    before: dict[str, object],
    after: dict[str, object],
) -> None:
    await connection.execute(_EVENT, (row.id, act.now, act.who.id, kind, Jsonb(before), Jsonb(after)))
