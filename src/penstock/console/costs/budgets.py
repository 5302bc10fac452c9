"""Which budgets of a month a caller is told about, what counts in each, and how much of it is used.

`used` is what the counters said, as `/admin/v1/budgets/status` shows it: that is what admission goes by.  Where nothing
was heard of a counter it is what the ledger says of the month.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import psycopg

from penstock.admission.limits.limit import DIMENSIONS, Budget, Rule, compile_rules
from penstock.admission.limits.rules import store as rule_store
from penstock.admission.limits.rules.store import StatusChoice, StatusRow
from penstock.admission.limits.rules.stored import InForce, Stored, StoredOverride, StoredRule, in_force
from penstock.admission.limits.rules.written import rules_of_file
from penstock.config.types import Config
from penstock.console.costs.store import COUNTED
from penstock.watch.forecast.month import Month

MOST_COUNTERS = 20
"""Each is a question to the ledger and some tens of milliseconds; the fullest are told first."""
_MOST_HEARD = 1000

AmountKind = Literal["hard", "soft"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One counter of a budget.  `counts` are the dimensions that an exchange must have to count in it."""

    name: str
    values: Mapping[str, str | None]
    counts: Mapping[str, str | None]
    is_of_tenant: bool
    """Whether its month is the tenant's; UTC's otherwise."""
    amount: int
    kind: AmountKind
    used: int | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Counters:
    told: tuple[Counter, ...]
    left_out: tuple[LeftOut, ...]


async def counters_of(
    connection: psycopg.AsyncConnection, config: Config, tenant: str | None, *, months: tuple[Month, Month], now: float
) -> Counters:
    """Those of one tenant alone, or without one those that no tenant is named by; the fullest first.

    `months` are the tenant's own and UTC's: a counter that was heard of in another one is over, or of another zone.
    """
    joined = await _in_force(connection, config, now)
    told: list[Counter] = []
    left_out = [LeftOut("", problem) for problem in joined.problems] if tenant is None else []
    months_budgets = [each for each in joined.rules if isinstance(each, Budget) and each.per == "month"]
    rules = [rule for rule in compile_rules(months_budgets) if _is_about(rule, tenant)]
    heard = await _heard(connection, rules, tenant, now)
    for rule in rules:
        named = {*rule.dimension_names, *(DIMENSIONS[place] for place, _ in rule.where)}
        if named - COUNTED:
            words = ", ".join(sorted(named - COUNTED))
            left_out.append(LeftOut(rule.name, f"it counts by what the ledger does not keep: {words}"))
            continue
        starts = months[0 if "tenant" in rule.dimension_names else 1].starts_at.timestamp()
        rows = [each for each in heard if each.rule == rule.name and each.starts_at == starts]
        told += _counters(rule, tenant, rows, now)
    told.sort(key=lambda each: (-(each.used or 0) / max(1, each.amount), each.name))
    left_out += [LeftOut(each.name, f"only the {MOST_COUNTERS} fullest are told") for each in told[MOST_COUNTERS:]]
    return Counters(tuple(told[:MOST_COUNTERS]), tuple(left_out))


async def _in_force(connection: psycopg.AsyncConnection, config: Config, now: float) -> InForce:
    """The file's rules and the database's budgets, with overrides that have not ended, as data planes join them."""
    rows = await rule_store.list_rules(connection, "budget", scope=None)
    overrides = await rule_store.list_overrides(connection, scope=None, now=datetime.fromtimestamp(now, UTC))
    stored = Stored(
        tuple(StoredRule(row.name, row.kind, row.tenant, row.said) for row in rows),
        tuple(StoredOverride(row.id, row.budget, row.tenant, row.said) for row in overrides),
    )
    return in_force(rules_of_file(config), stored, on_loss=config.limit_store.on_loss, zones={})


async def _heard(
    connection: psycopg.AsyncConnection, rules: Sequence[Rule], tenant: str | None, now: float
) -> list[StatusRow]:
    """Counters of the tenant, and those that belong to nobody."""
    found: list[StatusRow] = []
    for is_of_tenant in (True, False):
        names = tuple(rule.name for rule in rules if ("tenant" in rule.dimension_names) is is_of_tenant)
        choice = StatusChoice(rules=names, tenant=tenant if is_of_tenant else None)
        found += await rule_store.list_status(connection, choice, now=now, limit=_MOST_HEARD)
    return found


def _is_about(rule: Rule, tenant: str | None) -> bool:
    wanted = {DIMENSIONS[place]: value for place, value in rule.where}.get("tenant")
    if tenant is None:
        return "tenant" not in rule.dimension_names
    return wanted == tenant or (wanted is None and "tenant" in rule.dimension_names)


def _counters(rule: Rule, tenant: str | None, rows: Sequence[StatusRow], now: float) -> Iterator[Counter]:
    """A budget by tenant, or of all, has one counter whether or not it was heard of; else those that were."""
    where = {str(DIMENSIONS[place]): value for place, value in rule.where}
    if set(rule.dimension_names) <= {"tenant"}:
        values: dict[str, str | None] = {"tenant": tenant} if rule.dimension_names else {}
        used = next((row.used for row in rows if row.scope == values), None)
        yield _counter(rule, values, where, used, now)
        return
    for row in rows:
        if "tenant" not in row.scope or row.scope["tenant"] == tenant:
            yield _counter(rule, row.scope, where, row.used, now)


def _counter(
    rule: Rule, values: Mapping[str, str | None], where: Mapping[str, str], used: int | None, now: float
) -> Counter:
    kind: AmountKind = "soft" if rule.is_uncapped else "hard"
    amount, _ = rule.amount_at(tuple(values.get(dimension) for dimension in DIMENSIONS), now)
    if rule.is_uncapped:
        (amount,) = (each.amount for each in rule.thresholds(amount) if each.percent is None)
    return Counter(
        name=rule.name,
        values=dict(values),
        counts={**where, **values},
        is_of_tenant="tenant" in rule.dimension_names,
        amount=amount,
        kind=kind,
        used=used,
    )
