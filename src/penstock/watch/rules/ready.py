"""The rules that come with Penstock.  docs/alerts.md tells of each; one of the same name in the file takes its place.

Each has a minimum of exchanges or a thing that must not happen at all, so that an installation with little to do, or
with nothing, is quiet.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from penstock.config.alerts import RuleSettings
from penstock.watch.alerts.alert import Severity
from penstock.watch.objectives.objective import Objective

_MINUTE_S = 60.0
_HOUR_S = 3600.0

READY_MADE: Final[Mapping[str, RuleSettings]] = MappingProxyType(
    {
        "faults": RuleSettings(
            figure="fault_rate",
            by=("assistant",),
            window_s=10 * _MINUTE_S,
            above=0.1,
            min_exchanges=20,
            for_s=2 * _MINUTE_S,
            severity="critical",
        ),
        "slow": RuleSettings(
            kind="change",
            figure="duration_p95_s",
            by=("assistant",),
            window_s=_HOUR_S,
            against="week",
            rise_percent=100.0,
            min_exchanges=100,
            for_s=10 * _MINUTE_S,
        ),
        "cost-rise": RuleSettings(
            kind="change",
            figure="cost_nanousd",
            by=("tenant",),
            window_s=_HOUR_S,
            against="week",
            rise_percent=300.0,
            min_exchanges=100,
            for_s=10 * _MINUTE_S,
        ),
        "cache-collapse": RuleSettings(
            kind="change",
            figure="cache_hit_rate",
            by=("assistant",),
            window_s=_HOUR_S,
            against="day",
            fall_percent=60.0,
            min_exchanges=200,
            for_s=10 * _MINUTE_S,
        ),
        "unknown-prices": RuleSettings(
            tally="price_unknown", by=("assistant",), window_s=_HOUR_S, above=0.0, resolve_after_s=_HOUR_S
        ),
        "guards-let-through": RuleSettings(
            tally="let_through:", by=("assistant",), window_s=10 * _MINUTE_S, above=0.0, severity="critical"
        ),
        "no-traffic": RuleSettings(
            kind="absence",
            figure="exchanges",
            by=("assistant",),
            window_s=30 * _MINUTE_S,
            against="always",
            min_exchanges=20,
        ),
        "provider-failures": RuleSettings(
            figure="failed_attempt_rate",
            by=("target",),
            window_s=10 * _MINUTE_S,
            above=0.25,
            min_exchanges=20,
            for_s=2 * _MINUTE_S,
        ),
        "provider-keys": RuleSettings(
            tally="attempt_failed:upstream_auth_failed",
            by=("assistant",),
            window_s=10 * _MINUTE_S,
            above=0.0,
            severity="critical",
        ),
        "journal-backlog": RuleSettings(gauge="journal_age_s", above=300.0, for_s=2 * _MINUTE_S, severity="critical"),
        "alerts-given-up": RuleSettings(gauge="alerts_given_up", above=0.0),
    }
)
BURNS: Final[tuple[tuple[str, float, float, Severity], ...]] = (
    ("fast", _HOUR_S, 14.4, "critical"),
    ("slow", 6 * _HOUR_S, 6.0, "warning"),
)
"""Two percent of a month's budget in an hour, five in six: The Site Reliability Workbook, chapter 5."""
BURNS_AT_LEAST: Final = 50
"""Exchanges in the long window; of fewer, one or two faults would burn as a fire does."""


def burn_rules(objectives: Iterable[Objective]) -> dict[str, RuleSettings]:
    """Two for each objective."""
    return {
        f"objective-{objective.name}-{word}": RuleSettings(
            kind="burn_rate",
            objective=objective.name,
            window_s=window_s,
            above=above,
            min_exchanges=BURNS_AT_LEAST,
            severity=severity,
        )
        for objective in objectives
        for word, window_s, above, severity in BURNS
    }
