"""Evaluates as much of PromQL as our expressions use, over texts that `/metrics` gave at known times.

The syntax is told by `promql_parser`, the Rust port of Prometheus' own parser; what the functions mean is written here
after Prometheus' documentation and `extrapolatedRate` of its source.  It is no Prometheus: staleness, lookback and
offsets are left out, which no expression of ours needs at the times that are asked about.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import promql_parser as promql
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
ADDED = {"job": "penstock", "instance": "one"}
"""What Prometheus adds to each sample when it scrapes."""


@dataclass
class Scraped:
    """By name and labels: the samples in order of time."""

    series: dict[tuple[str, Labels], list[tuple[float, float]]] = field(
        default_factory=dict[tuple[str, Labels], list[tuple[float, float]]]
    )

    def add(self, at: float, text: str) -> None:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, frozenset((sample.labels | ADDED).items()))
                self.series.setdefault(key, []).append((at, sample.value))

    def labels_of(self, name: str) -> set[str]:
        return {label for (found, labels) in self.series if found == name for label, _ in labels}


def parsed(expression: str) -> Any:
    return promql.parse(expression)


def nodes(tree: Any) -> Iterator[Any]:
    yield tree
    for name in ("lhs", "rhs", "expr", "vector_selector", "args"):
        below: Any = getattr(tree, name, None)
        found = cast("list[Any]", below if isinstance(below, list) else [below])
        for each in found:
            if each is not None:
                yield from nodes(each)


def matchers(selector: Any) -> list[tuple[str, str, str]]:
    """Label, operator, value."""
    return [(each.name, str(each.op), each.value) for each in selector.matchers.matchers]


def evaluate(tree: Any, scraped: Scraped, at: float) -> Vector | float:
    match type(tree).__name__:
        case "NumberLiteral":
            return tree.val
        case "ParenExpr":
            return evaluate(tree.expr, scraped, at)
        case "VectorSelector":
            return {labels: samples[-1][1] for _, labels, samples in _chosen(tree, scraped, 0.0, at)}
        case "AggregateExpr":
            return _aggregate(tree, _vector(tree.expr, scraped, at))
        case "Call":
            return _called(tree, scraped, at)
        case "BinaryExpr":
            return _binary(str(tree.op), evaluate(tree.lhs, scraped, at), evaluate(tree.rhs, scraped, at))
        case other:
            raise AssertionError(f"no expression of ours had {other} so far")


def _vector(tree: Any, scraped: Scraped, at: float) -> Vector:
    found = evaluate(tree, scraped, at)
    assert isinstance(found, dict)
    return found


def _chosen(
    selector: Any, scraped: Scraped, since: float, at: float
) -> Iterator[tuple[str, Labels, list[tuple[float, float]]]]:
    for (name, labels), samples in scraped.series.items():
        if name != selector.name:
            continue
        values = dict(labels)
        if all(_matches(values.get(label, ""), op, value) for label, op, value in matchers(selector)):
            inside = [sample for sample in samples if since <= sample[0] <= at]
            if inside:
                yield name, labels, inside


def _matches(value: str, op: str, wanted: str) -> bool:
    match op:
        case "MatchOp.Equal":
            return value == wanted
        case "MatchOp.NotEqual":
            return value != wanted
        case "MatchOp.Re":
            return re.fullmatch(wanted, value) is not None
        case "MatchOp.NotRe":
            return re.fullmatch(wanted, value) is None
        case _:
            raise AssertionError(f"no expression of ours had {op} so far")


def _called(call: Any, scraped: Scraped, at: float) -> Vector:
    match call.func.name:
        case "increase" | "rate" as name:
            (of,) = call.args
            length = of.range.total_seconds()
            divisor = length if name == "rate" else 1.0
            found = {
                labels: _increase(samples, at - length, at)
                for _, labels, samples in _chosen(of.vector_selector, scraped, at - length, at)
            }
            return {labels: value / divisor for labels, value in found.items() if value is not None}
        case "histogram_quantile":
            share, of = call.args
            return _quantiles(share.val, _vector(of, scraped, at))
        case "absent":
            return {} if _vector(call.args[0], scraped, at) else {frozenset(): 1.0}
        case "sort_desc":
            return _vector(call.args[0], scraped, at)
        case other:
            raise AssertionError(f"no expression of ours had {other} so far")


def _increase(samples: Sequence[tuple[float, float]], since: float, until: float) -> float | None:
    """After Prometheus' `extrapolatedRate` for counters."""
    if len(samples) < 2:
        return None
    grown = samples[-1][1] - samples[0][1]
    grown += sum(before for (_, before), (_, after) in pairwise(samples) if after < before)
    covered = samples[-1][0] - samples[0][0]
    gap = covered / (len(samples) - 1)
    at_start, at_end = samples[0][0] - since, until - samples[-1][0]
    if at_start >= gap * 1.1:
        at_start = gap / 2
    if grown > 0 and samples[0][1] >= 0:
        at_start = min(at_start, covered * samples[0][1] / grown)
    if at_end >= gap * 1.1:
        at_end = gap / 2
    return grown * (covered + at_start + at_end) / covered


_COMBINING: dict[str, Callable[[list[float]], float]] = {
    "sum": lambda values: sum(values, 0.0),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}


def _aggregate(tree: Any, vector: Vector) -> Vector:
    assert str(tree.modifier.type).endswith("By"), tree.modifier.type
    by = set(tree.modifier.labels)
    groups: dict[Labels, list[float]] = {}
    for labels, value in vector.items():
        groups.setdefault(frozenset(each for each in labels if each[0] in by), []).append(value)
    combine: Callable[[list[float]], float] = _COMBINING[str(tree.op)]
    return {labels: combine(values) for labels, values in groups.items()}


def _quantiles(share: float, vector: Vector) -> Vector:
    buckets: dict[Labels, list[tuple[float, float]]] = {}
    for labels, value in vector.items():
        rest = frozenset(each for each in labels if each[0] != "le")
        buckets.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    return {labels: _quantile(share, sorted(each)) for labels, each in buckets.items()}


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    total = buckets[-1][1]
    if total == 0:
        return math.nan
    rank = share * total
    place = next(place for place, (_, seen) in enumerate(buckets) if seen >= rank)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    above, seen = buckets[place]
    below, before = buckets[place - 1] if place else (0.0, 0.0)
    return below + (above - below) * (rank - before) / (seen - before)


_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_COMPARING = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "==": operator.eq}


def _binary(op: str, left: Vector | float, right: Vector | float) -> Vector:
    if op in {"and", "or"}:
        assert isinstance(left, dict)
        assert isinstance(right, dict)
        if op == "and":
            return {labels: value for labels, value in left.items() if labels in right}
        return {**right, **left}
    if not isinstance(left, dict):
        assert isinstance(right, dict)
        return _paired(op, [(labels, left, value, value) for labels, value in right.items()])
    if not isinstance(right, dict):
        return _paired(op, [(labels, value, right, value) for labels, value in left.items()])
    return _paired(op, [(labels, value, right[labels], value) for labels, value in left.items() if labels in right])


def _paired(op: str, pairs: list[tuple[Labels, float, float, float]]) -> Vector:
    if op in _COMPARING:
        return {labels: shown for labels, one, other, shown in pairs if _COMPARING[op](one, other)}
    return {labels: _calculated(op, one, other) for labels, one, other, _ in pairs}


def _calculated(op: str, one: float, other: float) -> float:
    if op == "/":
        return one / other if other else math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one)
    return _ARITHMETIC[op](one, other)
