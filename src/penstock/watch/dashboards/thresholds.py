"""When people should be told: the one table that Prometheus' rules are made of."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfFigure:
    """A figure of the catalogue, looked back at over `window`, is above `above` for `lasts`.

    Where fewer than `at_least` exchanges were settled in the window, nobody is told: one failure at night is no rate.
    """

    name: str
    figure: str
    window: str
    above: float
    lasts: str
    severity: Severity
    says: str
    at_least: int = 0
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMetric:
    """Something that no exchange tells: an expression that has values where it is so, for `lasts`."""

    name: str
    expression: str
    lasts: str
    severity: Severity
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """An objective's error budget is used up `times` as fast as would last its period, both lately and for longer.

    After chapter 5 of Google's Site Reliability Workbook: the long window says that it matters, the short one that it
    goes on.
    """

    name: str
    times: float
    long: str
    short: str
    lasts: str
    severity: Severity


OBJECTIVE: Final = 0.999
"""Of the exchanges that count, those without a fault, over 30 days."""
BURNS_AT_LEAST: Final = 50
"""Exchanges in the long window; of fewer, one or two faults would burn as a fire does."""
BURNS: Final = (
    Burn(name="FaultBudgetBurnsFast", times=14.4, long="1h", short="5m", lasts="2m", severity="critical"),
    Burn(name="FaultBudgetBurns", times=6.0, long="6h", short="30m", lasts="15m", severity="warning"),
    Burn(name="FaultBudgetBurnsSlowly", times=1.0, long="3d", short="6h", lasts="1h", severity="warning"),
)
FIGURES: Final = (
    OfFigure(
        name="FaultRateHigh",
        figure="fault_rate",
        window="10m",
        above=0.1,
        lasts="2m",
        severity="critical",
        at_least=20,
        says="{{ $value | humanizePercentage }} of the exchanges of ten minutes failed by our fault or a provider's.",
    ),
    OfFigure(
        name="SlowAnswers",
        figure="duration_p95_s",
        window="15m",
        above=30.0,
        lasts="10m",
        severity="warning",
        at_least=20,
        says="One exchange in twenty takes longer than {{ $value | humanizeDuration }}.",
    ),
    OfFigure(
        name="SlowFirstEvents",
        figure="first_event_p95_s",
        window="15m",
        above=10.0,
        lasts="10m",
        severity="warning",
        at_least=20,
        says="One answer in twenty begins after more than {{ $value | humanizeDuration }}.",
    ),
    OfFigure(
        name="CallsFail",
        figure="failed_attempt_rate",
        window="10m",
        above=0.25,
        lasts="2m",
        severity="warning",
        at_least=20,
        says="{{ $value | humanizePercentage }} of the calls of providers gave no answer.",
    ),
    OfFigure(
        name="CostsUnknown",
        figure="unknown_costs",
        window="1h",
        above=0.0,
        lasts="0m",
        severity="warning",
        by=("target",),
        says="Nobody knows what exchanges with {{ $labels.target }} cost: give it a price.",
    ),
)
METRICS: Final = (
    OfMetric(
        name="TargetDown",
        expression="min by (job, target) (penstock_target_up) == 0",
        lasts="2m",
        severity="warning",
        says="{{ $labels.target }} is not called: it counts as down.",
    ),
    OfMetric(
        name="NoTargetUp",
        expression="max by (job) (penstock_target_up) == 0",
        lasts="1m",
        severity="critical",
        says="Every target counts as down.",
    ),
    OfMetric(
        name="LedgerBehind",
        expression="max by (job, instance) (penstock_journal_oldest_unshipped_seconds) > 300",
        lasts="2m",
        severity="critical",
        says="Records of {{ $labels.instance }} have waited {{ $value | humanizeDuration }} for the database.",
    ),
    OfMetric(
        name="LinesPutAside",
        expression="max by (job, instance) (penstock_journal_rejected_files) > 0",
        lasts="0m",
        severity="warning",
        says="Lines of the journal of {{ $labels.instance }} could not be read and lie in journal/rejected.",
    ),
    OfMetric(
        name="LimitStoreLost",
        expression="min by (job, instance) (penstock_limit_store_up) == 0",
        lasts="1m",
        severity="critical",
        says="{{ $labels.instance }} cannot reach the store of limits and budgets.",
    ),
    OfMetric(
        name="GuardsLetThrough",
        expression='sum by (job, guard) (increase(penstock_guard_failures_total{passed="yes"}[15m])) > 0',
        lasts="0m",
        severity="critical",
        says="The guard {{ $labels.guard }} could not judge, and texts went through unjudged.",
    ),
    OfMetric(
        name="AlertsGivenUp",
        expression='max by (job, webhook) (penstock_alert_deliveries{state="given_up"}) > 0',
        lasts="0m",
        severity="warning",
        says="The webhook {{ $labels.webhook }} was not told of alerts, and is not tried any more.",
    ),
    OfMetric(
        name="NoDataPlane",
        expression="absent(penstock_in_flight)",
        lasts="2m",
        severity="critical",
        says="No data plane is scraped.",
    ),
)
