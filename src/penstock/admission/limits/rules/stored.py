"""The limits and budgets of the database as one value: read by the planes, saved for a start without a database, and
laid beside those of the file.

Nothing here trusts what it reads: a rule that is broken all the same is said in `/health`, and the others count.
"""

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Literal

import msgspec
import psycopg

from penstock.admission.limits.limit import Budget, Limit, Override
from penstock.admission.limits.rules.written import override_of, rule_of
from penstock.config.datadir import write_private
from penstock.config.limits import BudgetSettings, LimitSettings, OnStoreLoss, OverrideSettings, is_zone
from penstock.core.errors import ConfigError

CHANNELS = ("penstock_limits", "penstock_keys")
"""What is notified of: rules, the file they may stand in, and tenants for the sake of their time zones."""

RELOAD = "config"
"""What the audit calls the configuration file; a row about it is what tells the planes to read theirs again."""

Kind = Literal["limit", "budget"]


class StoredRule(msgspec.Struct, frozen=True):
    """`said` is a `LimitSettings` or `BudgetSettings` as JSON; `tenant` is whose it is, None the installation's."""

    name: str
    kind: str
    tenant: str | None
    said: str


class StoredOverride(msgspec.Struct, frozen=True):
    id: str
    budget: str
    tenant: str | None
    said: str


class Stored(msgspec.Struct, frozen=True):
    """All of it, in one consistent reading.  `zones` are the tenants' time zones, where they are not UTC."""

    rules: tuple[StoredRule, ...] = ()
    overrides: tuple[StoredOverride, ...] = ()
    zones: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class InForce:
    """What is enforced, and what is wrong with the rest."""

    rules: tuple[Limit | Budget, ...] = ()
    zones: Mapping[str, str] = field(default_factory=dict[str, str])
    problems: tuple[str, ...] = ()


def read_stored(connection: psycopg.Connection) -> Stored:
    """Every rule, every override that has not ended, and every time zone, as of one moment."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        rules = connection.execute("SELECT name, kind, tenant, said::text FROM limit_rules ORDER BY name").fetchall()
        overrides = connection.execute(
            "SELECT id, budget, tenant, said::text FROM budget_overrides WHERE until > now() ORDER BY id"
        ).fetchall()
        zones = connection.execute(
            "SELECT id, time_zone FROM tenants WHERE time_zone <> 'UTC' AND deleted_at IS NULL ORDER BY id"
        ).fetchall()
    return Stored(
        tuple(StoredRule(*row) for row in rules),
        tuple(StoredOverride(*row) for row in overrides),
        tuple((row[0], row[1]) for row in zones),
    )


def last_reload(connection: psycopg.Connection) -> int | None:
    """Which change of the file was announced last, by its place in the audit; None where none ever was."""
    row = connection.execute("SELECT max(id) FROM audit WHERE subject = %s", (RELOAD,)).fetchone()
    return None if row is None else row[0]


def read_said(kind: str, said: str) -> LimitSettings | BudgetSettings:
    """Raises `msgspec.DecodeError` (`ValidationError` is one)."""
    return msgspec.json.decode(said, type=LimitSettings if kind == "limit" else BudgetSettings)


def in_force(
    fixed: Sequence[Limit | Budget], stored: Stored, *, on_loss: OnStoreLoss, zones: Mapping[str, str]
) -> InForce:
    """`fixed` are the file's rules, which come first; `zones` the file's time zones, which do too."""
    found = {rule.name: rule for rule in fixed}
    problems: list[str] = []
    for each in stored.rules:
        try:
            found[each.name] = _sound(each, on_loss, taken=found)
        except (ConfigError, msgspec.DecodeError) as error:
            problems.append(f"the {each.kind} `{each.name}` in the database is not enforced: {_why(error)}")
    for each in stored.overrides:
        budget = found.get(each.budget)
        if not isinstance(budget, Budget):
            continue
        try:
            found[each.budget] = _raised(budget, each)
        except (ConfigError, msgspec.DecodeError) as error:
            problems.append(f"an override of `{each.budget}` in the database does not count: {_why(error)}")
    places = dict(zones)
    for tenant, zone in stored.zones:
        if is_zone(zone):
            places.setdefault(tenant, zone)
        else:
            problems.append(f"there is no time zone `{zone}`: the days of the tenant `{tenant}` are those of UTC")
    return InForce(tuple(found.values()), places, tuple(problems))


def save_stored(path: Path, stored: Stored) -> None:
    """Replace the file as a whole, whoever else does the same.  Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{token_hex(8)}")
    try:
        write_private(draft, msgspec.json.encode(stored))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_stored(path: Path) -> Stored:
    """What was saved; nothing where there is no file or it is damaged, since the database will say it again."""
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(path.read_bytes(), type=Stored)
    return Stored()


def _sound(each: StoredRule, on_loss: OnStoreLoss, *, taken: Container[str]) -> Limit | Budget:
    if each.name in taken:
        raise ConfigError("the configuration file has a rule of this name too")
    rule = rule_of(read_said(each.kind, each.said), on_loss)
    if rule.name != each.name or (each.tenant is not None and ("tenant", each.tenant) not in rule.where):
        raise ConfigError("it is not the rule that its row says")
    return rule


def _raised(budget: Budget, each: StoredOverride) -> Budget:
    said = override_of(msgspec.json.decode(each.said, type=OverrideSettings))
    where = said.where
    if each.tenant is not None and ("tenant", each.tenant) not in where and ("tenant", each.tenant) not in budget.where:
        raise ConfigError("it is not the override that its row says")
    override = Override(raise_nanousd=said.raise_nanousd, expires_at=said.expires_at, where=where)
    return msgspec.structs.replace(budget, overrides=(*budget.overrides, override))


def _why(error: Exception) -> str:
    return error.message if isinstance(error, ConfigError) else str(error)
