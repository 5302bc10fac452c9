"""Prometheus' alerting rules, made of the table of thresholds and the catalogue's expressions."""

from collections.abc import Iterator
from typing import Final

from penstock.watch.dashboards.panel import Json, expression
from penstock.watch.dashboards.thresholds import (
    BURNS,
    BURNS_AT_LEAST,
    FIGURES,
    METRICS,
    OBJECTIVE,
    Burn,
    OfFigure,
    OfMetric,
    Severity,
)

_PREFIX: Final = "Penstock"


def groups() -> Json:
    """A whole file of rules."""
    return {
        "groups": [
            {"name": "penstock-figures", "rules": [_of_figure(each) for each in FIGURES]},
            {"name": "penstock-objectives", "rules": [_burn(each) for each in BURNS]},
            {"name": "penstock-state", "rules": [_of_metric(each) for each in METRICS]},
        ]
    }


def expressions() -> Iterator[str]:
    """Of every rule."""
    return (rule["expr"] for group in groups()["groups"] for rule in group["rules"])


def _of_figure(rule: OfFigure) -> Json:
    said = f"{expression(rule.figure, window=rule.window, by=rule.by)} > {rule.above:g}"
    if rule.at_least:
        said += f" and {expression('exchanges', window=rule.window)} >= {rule.at_least}"
    return _written(rule.name, said, rule.lasts, rule.severity, rule.says)


def _of_metric(rule: OfMetric) -> Json:
    return _written(rule.name, rule.expression, rule.lasts, rule.severity, rule.says)


def _burn(rule: Burn) -> Json:
    most = f"{rule.times * (1 - OBJECTIVE):.6g}"
    said = " and ".join(f"{expression('fault_rate', window=each)} > {most}" for each in (rule.long, rule.short))
    said += f" and {expression('exchanges', window=rule.long)} >= {BURNS_AT_LEAST}"
    says = (
        f"Faults use up the error budget of {OBJECTIVE:.1%} availability {rule.times:g} times as fast as it lasts for"
        " 30 days: {{ $value | humanizePercentage }} of the exchanges failed in " + rule.long + "."
    )
    return _written(rule.name, said, rule.lasts, rule.severity, says)


def _written(name: str, said: str, lasts: str, severity: Severity, says: str) -> Json:
    return {
        "alert": _PREFIX + name,
        "expr": said,
        "for": lasts,
        "labels": {"severity": severity},
        "annotations": {"summary": says},
    }
