"""Limits, budgets and overrides in PostgreSQL, as the admin API changes them; every change is audited and announced.

`scope` is the only tenant that the caller may see and change, None for one who spans them all: another's is not there.
What is written here is in force on every data plane within a second or so.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import LiteralString

import msgspec
import psycopg
from psycopg.rows import TupleRow

from penstock.admission.identity.audit import Action, Change, Subject, record
from penstock.admission.identity.faults import Conflict, UnknownRule, no_tenant
from penstock.admission.limits.rules.stored import CHANNELS, Kind

MAX_RULES = 2000
MAX_RULES_OF_A_TENANT = 100
"""Every rule that a request meets costs it time, and every other one a little: nobody fills the planes with them."""
MAX_OVERRIDES = 100

ANNOUNCE: LiteralString = f"NOTIFY {CHANNELS[0]}"


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as an operator sees it.  `said` is `LimitSettings` or `BudgetSettings` as JSON."""

    name: str
    kind: Kind
    tenant: str | None
    said: str
    changed_at: datetime


class OverrideRow(msgspec.Struct, frozen=True, kw_only=True):
    """`said` is `OverrideSettings` as JSON."""

    id: str
    budget: str
    tenant: str | None
    said: str
    until: datetime
    made_at: datetime
    made_by: str


class StatusRow(msgspec.Struct, frozen=True, kw_only=True):
    """One counter, as a process last heard of it.  Times are Unix seconds by the clock of the store."""

    key: str
    rule: str
    scope: dict[str, str | None]
    unit: str
    amount: int
    used: int
    granted: int
    starts_at: float | None
    ends_at: float | None
    heard_at: float


class StatusChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which counters: of these rules, of one tenant where it is given, behind the key `after`."""

    rules: tuple[str, ...]
    tenant: str | None = None
    after: str = ""


async def list_rules(connection: psycopg.AsyncConnection, kind: Kind, *, scope: str | None) -> tuple[RuleRow, ...]:
    """By name."""
    found = await connection.execute(
        "SELECT name, kind, tenant, said::text, changed_at FROM limit_rules"
        " WHERE kind = %s AND (%s::text IS NULL OR tenant = %s) ORDER BY name",
        (kind, scope, scope),
    )
    return tuple(map(_rule, await found.fetchall()))


async def put_rule(connection: psycopg.AsyncConnection, row: RuleRow, change: Change, *, scope: str | None) -> bool:
    """Make the rule, or replace the one of its name.  Returns whether it is new.

    Raises `UnknownTenant`, and `Conflict` where the name is taken by what it cannot replace or there are too many.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('limit_rules'))")
        before = await _locked(connection, row.name, lock="FOR UPDATE")
        if before is not None and (not _is_seen(before, row.kind, scope) or before.tenant != row.tenant):
            raise Conflict(f"There is a limit or budget `{row.name}` already: choose another name.")
        if before is None:
            await _demand_room(connection, row.tenant)
        await connection.execute(
            "INSERT INTO limit_rules (name, kind, tenant, said, changed_at) VALUES (%s, %s, %s, %s::jsonb, %s)"
            " ON CONFLICT (name) DO UPDATE SET said = excluded.said, changed_at = excluded.changed_at",
            (row.name, row.kind, row.tenant, row.said, row.changed_at),
        )
        action: Mapping[tuple[Kind, bool], Action] = {
            ("limit", True): "limit.created",
            ("limit", False): "limit.changed",
            ("budget", True): "budget.created",
            ("budget", False): "budget.changed",
        }
        done = action[row.kind, before is None]
        subject = Subject(
            id=row.name,
            tenant=row.tenant,
            before=None if before is None else _told(before),
            after=_told(row),
        )
        await record(connection, change, done, subject)
        await connection.execute(ANNOUNCE)
    return before is None


async def delete_rule(
    connection: psycopg.AsyncConnection, kind: Kind, name: str, change: Change, *, scope: str | None
) -> None:
    """And its overrides with it.  Raises `UnknownRule`."""
    async with connection.transaction():
        before = await _locked(connection, name, lock="FOR UPDATE")
        if before is None or not _is_seen(before, kind, scope):
            raise no_rule(kind)
        await connection.execute("DELETE FROM budget_overrides WHERE budget = %s", (name,))
        await connection.execute("DELETE FROM limit_rules WHERE name = %s", (name,))
        await connection.execute("DELETE FROM limit_status WHERE rule = %s", (name,))
        subject = Subject(id=name, tenant=before.tenant, before=_told(before), after=None)
        await record(connection, change, "limit.deleted" if kind == "limit" else "budget.deleted", subject)
        await connection.execute(ANNOUNCE)


async def list_overrides(
    connection: psycopg.AsyncConnection, *, scope: str | None, now: datetime
) -> tuple[OverrideRow, ...]:
    """Those that have not ended, in the order in which they were made."""
    found = await connection.execute(
        "SELECT id, budget, tenant, said::text, until, made_at, made_by FROM budget_overrides"
        " WHERE until > %s AND (%s::text IS NULL OR tenant = %s) ORDER BY id",
        (now, scope, scope),
    )
    return tuple(map(_override, await found.fetchall()))


async def add_override(connection: psycopg.AsyncConnection, row: OverrideRow, change: Change) -> None:
    """The caller has seen to it that the budget is the actor's own.  Raises `Conflict` where there are too many."""
    async with connection.transaction():
        await connection.execute("DELETE FROM budget_overrides WHERE until <= %s", (change.at,))
        count = await connection.execute("SELECT count(*) FROM budget_overrides WHERE budget = %s", (row.budget,))
        number = await count.fetchone()
        if number is not None and number[0] >= MAX_OVERRIDES:
            raise Conflict(f"The budget `{row.budget}` has {MAX_OVERRIDES} overrides already.")
        await connection.execute(
            "INSERT INTO budget_overrides (id, budget, tenant, said, until, made_at, made_by)"
            " VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s)",
            (row.id, row.budget, row.tenant, row.said, row.until, row.made_at, row.made_by),
        )
        subject = Subject(id=row.budget, tenant=row.tenant, before=None, after=_told(row))
        await record(connection, change, "budget.overridden", subject)
        await connection.execute(ANNOUNCE)


async def end_override(
    connection: psycopg.AsyncConnection, budget: str, override_id: str, change: Change, *, scope: str | None
) -> None:
    """Raises `UnknownRule`."""
    async with connection.transaction():
        found = await connection.execute(
            "DELETE FROM budget_overrides WHERE id = %s AND budget = %s AND (%s::text IS NULL OR tenant = %s)"
            " RETURNING id, budget, tenant, said::text, until, made_at, made_by",
            (override_id, budget, scope, scope),
        )
        row = await found.fetchone()
        if row is None:
            raise UnknownRule("There is no such override.")
        before = _override(row)
        subject = Subject(id=budget, tenant=before.tenant, before=_told(before), after=None)
        await record(connection, change, "budget.override_ended", subject)
        await connection.execute(ANNOUNCE)


async def list_status(
    connection: psycopg.AsyncConnection, choice: StatusChoice, *, now: float, limit: int
) -> tuple[StatusRow, ...]:
    """Counters whose period is not over, by key."""
    found = await connection.execute(
        "SELECT key, rule, scope, unit, amount, used, granted, starts_at, ends_at, heard_at FROM limit_status"
        " WHERE rule = ANY(%(rules)s) AND key > %(after)s AND (%(tenant)s::text IS NULL OR tenant = %(tenant)s)"
        " AND (ends_at IS NULL OR ends_at > %(now)s) ORDER BY key LIMIT %(limit)s",
        {**msgspec.structs.asdict(choice), "rules": list(choice.rules), "now": now, "limit": limit},
    )
    return tuple(
        StatusRow(
            key=r[0],
            rule=r[1],
            scope=r[2],
            unit=r[3],
            amount=r[4],
            used=r[5],
            granted=r[6],
            starts_at=r[7],
            ends_at=r[8],
            heard_at=r[9],
        )
        for r in await found.fetchall()
    )


def publish_status(connection: psycopg.Connection, rows: list[StatusRow]) -> None:
    """Write what a process has heard; of two that heard of one counter the later one counts."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO limit_status (key, rule, tenant, scope, unit, amount, used, granted, starts_at, ends_at,"
            " heard_at) SELECT key, rule, scope ->> 'tenant', scope, unit, amount, used, granted, starts_at, ends_at,"
            " heard_at FROM jsonb_to_recordset(%s::jsonb) AS r(key text, rule text, scope jsonb, unit text,"
            " amount bigint, used bigint, granted bigint, starts_at double precision, ends_at double precision,"
            " heard_at double precision) ORDER BY key"
            " ON CONFLICT (key) DO UPDATE SET amount = excluded.amount, used = excluded.used,"
            " granted = excluded.granted, heard_at = excluded.heard_at"
            " WHERE limit_status.heard_at <= excluded.heard_at",
            (msgspec.json.encode(rows).decode(),),
        )
        connection.execute(
            "DELETE FROM limit_status WHERE key IN (SELECT key FROM limit_status"
            " WHERE ends_at < extract(epoch FROM now()) - 60 ORDER BY key LIMIT 1000 FOR UPDATE SKIP LOCKED)"
        )


def no_rule(kind: Kind) -> UnknownRule:
    return UnknownRule(f"There is no such {kind}.")


async def _locked(connection: psycopg.AsyncConnection, name: str, *, lock: LiteralString) -> RuleRow | None:
    query: LiteralString = "SELECT name, kind, tenant, said::text, changed_at FROM limit_rules WHERE name = %s "
    found = await connection.execute(query + lock, (name,))
    row = await found.fetchone()
    return None if row is None else _rule(row)


async def _demand_room(connection: psycopg.AsyncConnection, tenant: str | None) -> None:
    if tenant is not None:
        alive = await connection.execute(
            "SELECT FROM tenants WHERE id = %s AND deleted_at IS NULL FOR SHARE", (tenant,)
        )
        if await alive.fetchone() is None:
            raise no_tenant()
    found = await connection.execute("SELECT count(*), count(*) FILTER (WHERE tenant = %s) FROM limit_rules", (tenant,))
    row = await found.fetchone()
    if row is not None and (row[0] >= MAX_RULES or row[1] >= MAX_RULES_OF_A_TENANT):
        raise Conflict("There are too many limits and budgets already: delete one that is not needed.")


def _is_seen(row: RuleRow, kind: Kind, scope: str | None) -> bool:
    return row.kind == kind and scope in (None, row.tenant)


def _told(row: RuleRow | OverrideRow) -> dict[str, object]:
    said: dict[str, object] = msgspec.json.decode(row.said)
    return {**said, "tenant": row.tenant}


def _rule(row: TupleRow) -> RuleRow:
    return RuleRow(name=row[0], kind=row[1], tenant=row[2], said=row[3], changed_at=row[4])


def _override(row: TupleRow) -> OverrideRow:
    return OverrideRow(
        id=row[0], budget=row[1], tenant=row[2], said=row[3], until=row[4], made_at=row[5], made_by=row[6]
    )
