"""Who sees personal data again, by what the configuration says of callers."""

from collections.abc import Sequence

from penstock.config.guards import RestoreSettings
from penstock.core.exchange import Exchange


class Restoring:
    """One model's rules; None is everybody.  Called with each kind that an exchange has tokens of."""

    def __init__(self, rules: Sequence[RestoreSettings] | None) -> None:
        self._rules = rules

    def __call__(self, exchange: Exchange, kind: str) -> bool:
        """Whether one of the rules names this caller, its purpose and the kind."""
        return self._rules is None or any(_holds(rule, exchange, kind) for rule in self._rules)


def _holds(rule: RestoreSettings, exchange: Exchange, kind: str) -> bool:
    who = exchange.principal
    return (
        (not rule.roles or not set(rule.roles).isdisjoint((*who.roles, *who.groups)))
        and (not rule.purposes or exchange.wishes.purpose in rule.purposes)
        and (not rule.kinds or kind in rule.kinds)
    )
