"""Rules as operators write them, in the file or over the admin API, into those that are enforced.

Called by `app` and the console, so that what either takes is judged by the same code.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from typing import cast

from penstock.admission.limits.limit import LARGEST_AMOUNT, Budget, Limit, Override, Pairs
from penstock.config.limits import BudgetSettings, LimitSettings, OnStoreLoss, OverrideSettings
from penstock.config.problems import refuse
from penstock.config.types import Config
from penstock.core.errors import ConfigError

NANO = 10**9


def limit_of(said: LimitSettings, on_loss: OnStoreLoss) -> Limit:
    """The limit.  Raises `ConfigError`, whose path is the field at fault."""
    amount = _nanousd("amount", said.amount) if said.unit == "money" else _whole(said.amount)
    return Limit(
        name=said.name,
        unit=said.unit,
        amount=amount,
        per=said.per,
        scope=said.scope,
        where=_pairs(said.where),
        mode=said.mode,
        on_store_loss=said.on_store_loss or on_loss,
    )


def budget_of(said: BudgetSettings, on_loss: OnStoreLoss) -> Budget:
    """The budget.  Raises as `limit_of`."""
    return Budget(
        name=said.name,
        per=said.per,
        scope=said.scope,
        soft_nanousd=None if said.soft_usd is None else _nanousd("soft_usd", said.soft_usd),
        hard_nanousd=None if said.hard_usd is None else _nanousd("hard_usd", said.hard_usd),
        thresholds=said.thresholds,
        overrides=tuple(map(override_of, said.overrides)),
        on_exhausted=said.on_exhausted,
        where=_pairs(said.where),
        mode=said.mode,
        on_store_loss=said.on_store_loss or on_loss,
    )


def override_of(said: OverrideSettings) -> Override:
    """The override.  Raises as `limit_of`."""
    until = said.until.replace(tzinfo=UTC) if said.until.tzinfo is None else said.until
    return Override(
        raise_nanousd=_nanousd("overrides", said.raise_usd), expires_at=until.timestamp(), where=_pairs(said.where)
    )


def rule_of(said: LimitSettings | BudgetSettings, on_loss: OnStoreLoss) -> Limit | Budget:
    """Either of them."""
    return limit_of(said, on_loss) if isinstance(said, LimitSettings) else budget_of(said, on_loss)


def rules_of_file(config: Config) -> tuple[Limit | Budget, ...]:
    """Those of the configuration.  Raises `InvalidConfig` with every one that is wrong, and where it stands."""
    found: dict[str, Limit | Budget] = {}
    refuse(_collect(config, "limits", config.limits, found) + _collect(config, "budgets", config.budgets, found))
    return tuple(found.values())


def _collect(
    config: Config, section: str, said: Sequence[LimitSettings | BudgetSettings], found: dict[str, Limit | Budget]
) -> list[ConfigError]:
    return list(_try_each(config, section, said, found))


def _try_each(
    config: Config, section: str, said: Sequence[LimitSettings | BudgetSettings], found: dict[str, Limit | Budget]
) -> Iterator[ConfigError]:
    for index, each in enumerate(said):
        path = f"{section}.{index}"
        try:
            rule = rule_of(each, config.limit_store.on_loss)
        except ConfigError as error:
            yield config.problem(f"{path}.{error.path}" if error.path else path, error.message)
            continue
        if rule.name in found:
            yield config.problem(f"{path}.name", f"two limits or budgets are called `{rule.name}`")
        found[rule.name] = rule


def _pairs(where: dict[str, str]) -> Pairs:
    return cast("Pairs", tuple(sorted(where.items())))  # `Limit` and `Budget` refuse what is no dimension


def _whole(amount: Decimal) -> int:
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ConfigError(f"it must be a whole number, got {amount}", path="amount")
    return int(amount)


def _nanousd(field: str, amount: Decimal) -> int:
    if not amount.is_finite() or not 0 <= amount <= LARGEST_AMOUNT // NANO:
        raise ConfigError(f"it lies between 0 and {LARGEST_AMOUNT // NANO:,} US dollars, got {amount}", path=field)
    nano = amount * NANO
    if nano != nano.to_integral_value():
        raise ConfigError(f"it has at most nine places behind the point, got {amount}", path=field)
    return int(nano)
