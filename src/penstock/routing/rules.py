"""Rules of the configuration against a request: the first whose conditions all hold decides or sets a floor.

Called by `stage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.config.routing.settings import RuleSettings, WhenSettings
from penstock.core.exchange import Principal
from penstock.routing.signals import Signals


@dataclass(frozen=True, slots=True)
class Ruled:
    """What the rules say: this `tier` (its place, the weakest is 0) or, where that is None, at least `floor`.

    `by` names the rule that decided, or that set the floor.
    """

    tier: int | None = None
    floor: int = 0
    by: str | None = None


def apply_rules(
    rules: Sequence[RuleSettings], tiers: Sequence[str], signals: Signals, principal: Principal, plan: str | None
) -> Ruled:
    """Floors of rules above the deciding one hold for it too; the highest floor wins."""
    floor, by = 0, None
    for place, rule in enumerate(rules):
        if not _holds(rule.when, signals, principal, plan):
            continue
        name = rule.name or f"rule {place + 1}"
        if rule.tier is not None:
            wanted = tiers.index(rule.tier)
            return Ruled(wanted, 0, name) if wanted >= floor else Ruled(floor, 0, by)
        if rule.at_least is not None and tiers.index(rule.at_least) > floor:
            floor, by = tiers.index(rule.at_least), name
    return Ruled(None, floor, by)


def _holds(when: WhenSettings, signals: Signals, principal: Principal, plan: str | None) -> bool:
    return _fits_size(when, signals) and _fits_kind(when, signals) and _fits_caller(when, principal, plan)


def _fits_size(when: WhenSettings, signals: Signals) -> bool:
    return (
        (when.chars_from is None or signals.chars >= when.chars_from)
        and (when.chars_to is None or signals.chars <= when.chars_to)
        and (when.tokens_from is None or signals.tokens >= when.tokens_from)
        and (when.turns_from is None or signals.turns >= when.turns_from)
    )


def _fits_kind(when: WhenSettings, signals: Signals) -> bool:
    return (
        (not when.languages or signals.language in when.languages)
        and (not when.modalities or not signals.modalities.isdisjoint(when.modalities))
        and when.tools in (None, signals.has_tools)
        and when.schema in (None, signals.wants_schema)
        and when.code in (None, signals.is_code)
        and when.maths in (None, signals.is_maths)
    )


def _fits_caller(when: WhenSettings, principal: Principal, plan: str | None) -> bool:
    return (
        (not when.plans or plan in when.plans)
        and (not when.tenants or principal.tenant in when.tenants)
        and (not when.groups or not set(principal.groups).isdisjoint(when.groups))
        and (not when.priorities or principal.priority in when.priorities)
    )
