"""What may be limited, as frozen values: `Limit`, `Budget`, and the `Rule` that both become.

Made by `rules.written` of what the configuration and the admin API say; a value that could not be enforced raises
`ConfigError`, whose path is the field, when it is made, so that none is carried into service.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeAlias, get_args

import msgspec

from penstock.config.limits import Dimension, Mode, OnExhausted, OnStoreLoss, Period, ScopeWord, Unit
from penstock.core.errors import ConfigError

Pairs: TypeAlias = tuple[tuple[Dimension, str], ...]

UNITS: tuple[Unit, ...] = get_args(Unit)
"""In the order in which costs are kept: `costs[UNITS.index(unit)]`."""
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
"""In the order in which the values of an exchange are kept."""
OF_A_TENANT: frozenset[Dimension] = frozenset({"tenant", "project", "key", "user"})
"""Names that mean something only within a tenant: a counter for one of them is a counter of the tenant's."""

LARGEST_AMOUNT = 2**53
"""The largest amount that every store counts exactly (Redis computes in doubles): some nine million dollars."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_THRESHOLDS = 15


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `amount` of `unit` in each period, counted for each combination of the `scope`'s values.

    Periods are fixed and aligned: an hour begins on the hour; a day, a week (Monday) and a month begin at midnight in
    the tenant's time zone where the scope names a tenant or what belongs to one, in UTC elsewhere.  `concurrency` has
    no period.  Money is nano-US-dollars.  `where` are equality selectors, all of which must hold.  `on_store_loss`
    says what happens where the store is away: refuse (`closed`), or go on with what is leased already (`last_lease`);
    neither admits more than the limit.
    """

    name: str
    unit: Unit
    amount: int
    per: Period | None = None
    scope: tuple[ScopeWord, ...] = ("global",)
    where: Pairs = ()
    mode: Mode = "enforce"
    on_store_loss: OnStoreLoss = "last_lease"

    def __post_init__(self) -> None:
        """Refuse what could not be enforced."""
        _check(self.name, self.scope, self.where)
        _check_amount("amount", self.amount)
        if (self.unit == "concurrency") != (self.per is None):
            raise ConfigError("concurrency has no period, everything else needs one", path="per")


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """So much more until `expires_at` (Unix seconds), for the counters whose scope has these values; several add up."""

    raise_nanousd: int
    expires_at: float
    where: Pairs = ()


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Money to spend in a period.  `hard` is never exceeded by an admission; `soft` is only noticed.

    Each of `thresholds` (per cent of `hard`, or of `soft` where there is no `hard`) and `soft` itself is noticed once
    a period, over the whole fleet.  `on_exhausted` says what a request meets that `hard` has no room for.
    """

    name: str
    per: Period
    scope: tuple[ScopeWord, ...]
    soft_nanousd: int | None = None
    hard_nanousd: int | None = None
    thresholds: tuple[int, ...] = (50, 75, 90, 100)
    overrides: tuple[Override, ...] = ()
    on_exhausted: OnExhausted = "block"
    where: Pairs = ()
    mode: Mode = "enforce"
    on_store_loss: OnStoreLoss = "last_lease"

    def __post_init__(self) -> None:
        """Refuse what could not be enforced."""
        _check(self.name, self.scope, self.where)
        if self.soft_nanousd is None and self.hard_nanousd is None:
            raise ConfigError("a budget needs a soft amount, a hard one or both")
        for field, amount in (("soft_usd", self.soft_nanousd), ("hard_usd", self.hard_nanousd)):
            _check_amount(field, 0 if amount is None else amount)
        for each in self.overrides:
            _check_amount("overrides", each.raise_nanousd)
        if self.overrides and self.hard_nanousd is None:
            raise ConfigError("there is no hard amount to override", path="overrides")
        scoped: set[str] = set(self.scope)
        if scoped & OF_A_TENANT:
            scoped.add("tenant")
        if any(dimension not in scoped for each in self.overrides for dimension, _ in each.where):
            raise ConfigError("an override selects among the scope's own values", path="overrides")
        if len(self.thresholds) > _MAX_THRESHOLDS or list(self.thresholds) != sorted(set(self.thresholds)):
            raise ConfigError("thresholds rise, and there are at most fifteen", path="thresholds")
        if self.thresholds and self.thresholds[0] < 1:
            raise ConfigError("a threshold is one per cent or more", path="thresholds")


class Threshold(msgspec.Struct, frozen=True):
    """What is noticed: `percent` is None for the soft amount."""

    percent: int | None
    amount: int


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A limit or a budget as the counters see it.  `identity` names its counters: another meaning, other counters."""

    source: Limit | Budget
    name: str
    dimensions: tuple[int, ...]
    dimension_names: tuple[Dimension, ...]
    where: tuple[tuple[int, str], ...]
    unit: int
    amount: int
    per: Period | None
    is_shadow: bool
    is_closed_on_loss: bool
    identity: bytes
    on_exhausted: OnExhausted = "block"

    @property
    def is_budget(self) -> bool:
        return isinstance(self.source, Budget)

    @property
    def is_uncapped(self) -> bool:
        """Only counts: a budget without a hard amount."""
        return isinstance(self.source, Budget) and self.source.hard_nanousd is None

    @property
    def is_of_target(self) -> bool:
        target = DIMENSIONS.index("target")
        return target in self.dimensions or any(dimension == target for dimension, _ in self.where)

    def matches(self, values: tuple[str | None, ...]) -> bool:
        return all(values[dimension] == wanted for dimension, wanted in self.where)

    def amount_at(self, values: tuple[str | None, ...], now: float) -> tuple[int, float]:
        """The amount for an exchange with these values, and until when (Unix seconds) no override changes it."""
        amount, until = self.amount, float("inf")
        if isinstance(self.source, Budget):
            for override in self.source.overrides:
                if now < override.expires_at and _holds(override.where, values):
                    amount = min(amount + override.raise_nanousd, LARGEST_AMOUNT)
                    until = min(until, override.expires_at)
        return amount, until

    def thresholds(self, amount: int) -> tuple[Threshold, ...]:
        """What is to be noticed where the amount is `amount`; a threshold's place is its bit in the store."""
        if not isinstance(self.source, Budget):
            return ()
        soft = self.source.soft_nanousd
        whole = amount if self.source.hard_nanousd is not None else soft or 0
        found = [Threshold(percent, -(-whole * percent // 100)) for percent in self.source.thresholds]
        return (*found, Threshold(None, soft)) if soft is not None else tuple(found)


def compile_rules(limits: Iterable[Limit | Budget]) -> tuple[Rule, ...]:
    """The rules of a set of limits and budgets.  Raises `ConfigError` where two have one name."""
    rules = tuple(map(_rule, limits))
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise ConfigError(f"two limits or budgets are called `{rule.name}`", path="name")
        seen.add(rule.name)
    return rules


def _rule(source: Limit | Budget) -> Rule:
    named: set[Dimension] = {word for word in source.scope if word != "global"}
    if named & OF_A_TENANT:
        named.add("tenant")
    names: tuple[Dimension, ...] = tuple(dimension for dimension in DIMENSIONS if dimension in named)
    where = tuple(sorted((DIMENSIONS.index(dimension), value) for dimension, value in source.where))
    if isinstance(source, Limit):
        unit, amount = source.unit, source.amount
    else:
        unit, amount = "money", LARGEST_AMOUNT if source.hard_nanousd is None else source.hard_nanousd
    meaning = repr((source.name, isinstance(source, Budget), names, where, unit, source.per))
    return Rule(
        source=source,
        name=source.name,
        dimensions=tuple(DIMENSIONS.index(name) for name in names),
        dimension_names=names,
        where=where,
        unit=UNITS.index(unit),
        amount=amount,
        per=source.per,
        is_shadow=source.mode == "shadow",
        is_closed_on_loss=source.on_store_loss == "closed",
        identity=blake2b(meaning.encode(), digest_size=16).digest(),
        on_exhausted=source.on_exhausted if isinstance(source, Budget) else "block",
    )


def _holds(where: Pairs, values: tuple[str | None, ...]) -> bool:
    return all(values[DIMENSIONS.index(dimension)] == wanted for dimension, wanted in where)


def _check(name: str, scope: tuple[ScopeWord, ...], where: Pairs) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError("a name is up to 64 letters, digits, `_`, `.` and `-`", path="name")
    if not scope or len(set(scope)) != len(scope) or ("global" in scope and len(scope) > 1):
        raise ConfigError("a scope names each dimension once, and `global` stands alone", path="scope")
    for field, unknown in (
        ("scope", {*scope} - {*DIMENSIONS, "global"}),
        ("where", {dimension for dimension, _ in where} - {*DIMENSIONS}),
    ):
        if unknown:
            raise ConfigError(f"there is no such dimension: {', '.join(sorted(unknown))}", path=field)


def _check_amount(field: str, amount: int) -> None:
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise ConfigError(f"an amount lies between 0 and {LARGEST_AMOUNT}", path=field)
