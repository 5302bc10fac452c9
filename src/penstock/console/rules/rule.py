"""What limits and budgets have in common over the admin API: whose they are, what is refused, how they stand."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from penstock.admission.identity.faults import Conflict
from penstock.admission.limits.rules import store as rule_store
from penstock.admission.limits.rules.store import RuleRow, StatusChoice, StatusRow
from penstock.admission.limits.rules.stored import Kind
from penstock.admission.limits.rules.written import NANO, rule_of
from penstock.config.limits import BudgetSettings, LimitSettings
from penstock.console.access import Call
from penstock.console.plane import ControlPlane
from penstock.console.rules.views import CounterPage, CounterView, NewBudget, NewLimit
from penstock.core.errors import ConfigError, MalformedRequest

RESERVED_NAMES = frozenset({"status"})
"""Paths of their own."""

Named = TypeVar("Named", LimitSettings, BudgetSettings)


def to_store(
    plane: ControlPlane, call: Call, name: str, wanted: NewLimit | NewBudget, kind: type[Named]
) -> tuple[RuleRow, Named]:
    """The row of a rule, which is sound and within what the caller may rule over.

    Raises `MalformedRequest` naming the field, `Conflict` for a name that is taken in the file, and `UnknownTenant`.
    """
    owner = call.narrowed(wanted.tenant)
    if name in RESERVED_NAMES:
        raise MalformedRequest(f"`{name}` cannot be a name.", field="name")
    said = wanted.model_dump(mode="python", exclude={"tenant"})
    if owner is not None:
        if said["where"].get("tenant", owner) != owner:
            raise MalformedRequest(f"A rule of `{owner}` holds for that tenant only.", field="where")
        said["where"] = {**said["where"], "tenant": owner}
    settings = read_settings({"name": name, **said}, kind)
    try:
        rule_of(settings, plane.config.limit_store.on_loss)
    except ConfigError as error:
        raise MalformedRequest(f"{error.path}: {error.message}" if error.path else error.message) from None
    if name in {each.name for each in (*plane.config.limits, *plane.config.budgets)}:
        raise Conflict(f"The configuration file has a rule `{name}`: change it there, or choose another name.")
    row = RuleRow(
        name=name,
        kind="limit" if kind is LimitSettings else "budget",
        tenant=owner,
        said=msgspec.json.encode(settings).decode(),
        changed_at=call.now,
    )
    return row, settings


def read_settings(said: dict[str, Any], kind: type[Named]) -> Named:
    """What a view or a row says as settings."""
    try:
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise MalformedRequest(str(error)) from None


def demand_nul_free(name: str, kind: Kind) -> str:
    """A name that PostgreSQL can be asked about."""
    if "\0" in name:
        raise rule_store.no_rule(kind)
    return name


def page(items: Sequence[Any], after: str | None, limit: int) -> tuple[list[Any], str | None]:
    """Of items in the order of their names, those behind `after`, and the `after` of the next page."""
    rest = [item for item in items if item.name > (after or "")]
    return rest[:limit], rest[limit - 1].name if len(rest) > limit else None


async def counters(
    plane: ControlPlane, kind: Kind, *, wanted: StatusChoice, only: str | None, limit: int
) -> CounterPage:
    """How the rules stand.  `wanted.tenant` is the caller's own where it has one: then only its counters are there."""
    said: Iterable[LimitSettings | BudgetSettings] = plane.config.limits if kind == "limit" else plane.config.budgets
    names = {each.name for each in said}
    async with plane.database.connection() as connection:
        names |= {row.name for row in await rule_store.list_rules(connection, kind, scope=None)}
        choice = msgspec.structs.replace(wanted, rules=tuple(sorted(names if only is None else names & {only})))
        rows = await rule_store.list_status(connection, choice, now=plane.clock.now(), limit=limit + 1)
    shown = rows[:limit]
    return CounterPage(items=[_counter(row) for row in shown], next=shown[-1].key if len(rows) > limit else None)


def _counter(row: StatusRow) -> CounterView:
    return CounterView(
        name=row.rule,
        unit=row.unit,
        values=row.scope,
        amount=_amount(row, row.amount),
        used=_amount(row, row.used),
        reserved=_amount(row, max(0, row.granted - row.used)),
        left=_amount(row, max(0, row.amount - row.granted)),
        period_start=_moment(row.starts_at),
        period_end=_moment(row.ends_at),
        as_of=datetime.fromtimestamp(row.heard_at, UTC),
    )


def _amount(row: StatusRow, amount: int) -> Decimal:
    return Decimal(amount) / NANO if row.unit == "money" else Decimal(amount)


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
