"""Prometheus' alerting rules, made of `thresholds` and the catalogue's expressions."""

from collections.abc import Iterator
from typing import Final

from penstock.watch.dashboards.panel import Json, expression
from penstock.watch.dashboards.thresholds import (
    FIGURES,
    METRICS,
    OBJECTIVE,
    OfFigure,
    OfMetric,
    Severity,
    prometheus_time,
)
from penstock.watch.rules.ready import BURNS, BURNS_AT_LEAST

_PREFIX: Final = "Penstock"


def groups() -> Json:
    """A whole file of rules."""
    return {
        "groups": [
            {"name": "penstock-figures", "rules": [_of_figure(each) for each in FIGURES]},
            {"name": "penstock-objectives", "rules": [_burn(*each) for each in BURNS]},
            {"name": "penstock-state", "rules": [_of_metric(each) for each in METRICS]},
        ]
    }


def expressions() -> Iterator[str]:
    """Of every rule."""
    return (rule["expr"] for group in groups()["groups"] for rule in group["rules"])


def _of_figure(rule: OfFigure) -> Json:
    said = f"{expression(rule.figure, window=rule.window)} > {rule.above:g}"
    if rule.at_least:
        said += f" and {expression('exchanges', window=rule.window)} >= {rule.at_least}"
    return _written(rule.name, said, rule.lasts, rule.severity, rule.says)


def _of_metric(rule: OfMetric) -> Json:
    return _written(rule.name, rule.expression, rule.lasts, rule.severity, rule.says)


def _burn(word: str, window_s: float, times: float, severity: Severity) -> Json:
    """Both windows must burn: the long one says that it matters, its last twelfth that it still goes on."""
    long, short = prometheus_time(window_s), prometheus_time(window_s / 12)
    most = f"{times * (1 - OBJECTIVE):.6g}"
    said = " and ".join(f"{expression('fault_rate', window=each)} > {most}" for each in (long, short))
    said += f" and {expression('exchanges', window=long)} >= {BURNS_AT_LEAST}"
    says = (
        f"Faults use up the error budget of {OBJECTIVE:.1%} availability {times:g} times as fast as it lasts for"
        " 30 days: {{ $value | humanizePercentage }} of the exchanges failed in " + long + "."
    )
    return _written(f"FaultBudgetBurns{word.capitalize()}", said, "0s", severity, says)


def _written(name: str, said: str, lasts: str, severity: Severity, says: str) -> Json:
    return {
        "alert": _PREFIX + name,
        "expr": said,
        "for": lasts,
        "labels": {"severity": severity},
        "annotations": {"summary": says},
    }
