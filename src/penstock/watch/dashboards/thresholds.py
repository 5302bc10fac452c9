"""What Prometheus is to tell people of.

Where a rule comes with Penstock (`rules.ready`), its window, its bound, its severity and how long it must hold are
taken from there, so that both tell of the same; Prometheus judges an installation as a whole where its metrics do not
tell assistants apart.  What only Prometheus tells stands here: that a process is away, and bounds that need no past.
"""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from penstock.config.alerts import RuleSettings
from penstock.watch.rules.ready import READY_MADE

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OfMetric:
    """Something that no exchange tells: an expression that has values where it is so, for `lasts`."""

    name: str
    expression: str
    lasts: str
    severity: Severity
    says: str


OBJECTIVE: Final = 0.999
"""Of the exchanges that count, those without a fault, over 30 days: where no objective of one's own is in the file."""


def prometheus_time(seconds: float) -> str:
    """In the largest unit that it is a whole number of."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"


def _figure(name: str, rule: RuleSettings, says: str) -> OfFigure:
    if rule.figure is None or rule.above is None:
        raise ValueError(f"what {name} is made of has no figure, or no bound")
    return OfFigure(
        name=name,
        figure=rule.figure,
        window=prometheus_time(rule.window_s),
        above=rule.above,
        lasts=prometheus_time(rule.for_s),
        severity=rule.severity,
        says=says,
        at_least=rule.min_exchanges,
    )


def _metric(name: str, rule: RuleSettings, expression: str, says: str) -> OfMetric:
    """`expression` with the rule's `{window}`, above its bound."""
    said = expression.replace("{window}", prometheus_time(rule.window_s))
    return OfMetric(
        name=name,
        expression=f"{said} > {rule.above:g}",
        lasts=prometheus_time(rule.for_s),
        severity=rule.severity,
        says=says,
    )


FIGURES: Final = (
    _figure(
        "FaultRateHigh",
        READY_MADE["faults"],
        "{{ $value | humanizePercentage }} of the exchanges failed by our fault or a provider's.",
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
    _figure(
        "CallsFail",
        READY_MADE["provider-failures"],
        "{{ $value | humanizePercentage }} of the calls of providers gave no answer.",
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
    _metric(
        "CostsUnknown",
        READY_MADE["unknown-prices"],
        "sum by (job, target) (increase(penstock_cost_unknown_total[{window}]))",
        "Nobody knows what exchanges with {{ $labels.target }} cost: give it a price.",
    ),
    _metric(
        "LedgerBehind",
        READY_MADE["journal-backlog"],
        "max by (job, instance) (penstock_journal_oldest_unshipped_seconds)",
        "Records of {{ $labels.instance }} have waited {{ $value | humanizeDuration }} for the database.",
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
    _metric(
        "GuardsLetThrough",
        READY_MADE["guards-let-through"],
        'sum by (job, guard) (increase(penstock_guard_failures_total{passed="yes"}[{window}]))',
        "The guard {{ $labels.guard }} could not judge, and texts went through unjudged.",
    ),
    _metric(
        "AlertsGivenUp",
        READY_MADE["alerts-given-up"],
        'max by (job, webhook) (penstock_alert_deliveries{state="given_up"})',
        "The webhook {{ $labels.webhook }} was not told of alerts, and is not tried any more.",
    ),
    OfMetric(
        name="NoDataPlane",
        expression="absent(penstock_in_flight)",
        lasts="2m",
        severity="critical",
        says="No data plane is scraped.",
    ),
)
