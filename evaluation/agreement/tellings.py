"""The same numbers, told by the raw rows, by the admin API and by the metrics: nothing is shared between them."""

from collections.abc import Callable, Iterator
from typing import Any, Final, LiteralString, TypeAlias

import psycopg
from prometheus_client.parser import text_string_to_metric_families

Numbers: TypeAlias = dict[str, int]
"""By name; `… of NAME` are those of one outcome, assistant, tenant or target."""
_NANO: Final = 1_000_000_000
_PLAIN: LiteralString = """
    SELECT count(*), sum(attempts), sum(input_tokens), sum(output_tokens), sum(input_tokens + output_tokens),
        coalesce(sum(cost_nanousd), 0), count(*) FILTER (WHERE cost_nanousd IS NULL),
        count(*) FILTER (WHERE usage_accuracy = 'estimated')
    FROM ledger
"""
_PLAIN_NAMES: Final = (
    "exchanges",
    "attempts",
    "input_tokens",
    "output_tokens",
    "tokens",
    "cost_nanousd",
    "unknown_costs",
    "estimated",
)
_FACTS: LiteralString = """
    SELECT count(*) FILTER (WHERE fact ->> 'fact' = 'attempt_failed'),
        count(*) FILTER (WHERE fact ->> 'fact' = 'cache_hit'),
        count(*) FILTER (WHERE fact ->> 'fact' = 'cache_missed'),
        coalesce(sum((fact ->> 'saved_nanousd')::bigint) FILTER (WHERE fact ->> 'fact' = 'cache_hit'), 0)
    FROM ledger CROSS JOIN LATERAL jsonb_array_elements(facts) AS fact
"""
_FACT_NAMES: Final = ("failed_attempts", "cache_hits", "cache_misses", "saved_cache_nanousd")
_BY: Final[dict[str, LiteralString]] = {
    "outcome": "SELECT outcome, count(*), coalesce(sum(cost_nanousd), 0) FROM ledger GROUP BY 1 ORDER BY 1",
    "assistant": "SELECT model, count(*), coalesce(sum(cost_nanousd), 0) FROM ledger GROUP BY 1 ORDER BY 1",
    "tenant": "SELECT tenant, count(*), coalesce(sum(cost_nanousd), 0) FROM ledger GROUP BY 1 ORDER BY 1",
    "target": (
        "SELECT coalesce(target, ''), count(*), coalesce(sum(cost_nanousd), 0) FROM ledger GROUP BY 1 ORDER BY 1"
    ),
}
_TIMES: LiteralString = """
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_s),
        percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_s),
        percentile_disc(0.95) WITHIN GROUP (ORDER BY first_event_s)
    FROM ledger
"""
_TIME_NAMES: Final = ("duration_p50_s", "duration_p95_s", "first_event_p95_s")


def of_rows(connection: psycopg.Connection) -> Numbers:
    """From each row as it was written, without any sum that is kept."""
    found: Numbers = {}
    for query, names in ((_PLAIN, _PLAIN_NAMES), (_FACTS, _FACT_NAMES)):
        row = connection.execute(query.encode()).fetchone()
        if row is not None:
            found |= {name: int(value) for name, value in zip(names, row, strict=True)}
    for query in _BY.values():
        for name, count, cost in connection.execute(query):
            found[f"exchanges of {name or 'no target'}"] = count
            found[f"cost_nanousd of {name or 'no target'}"] = int(cost)
    return found


def percentiles(connection: psycopg.Connection) -> dict[str, float]:
    row = connection.execute(_TIMES).fetchone()
    return dict(zip(_TIME_NAMES, row, strict=True)) if row is not None else {}


def of_api(figures: Callable[..., list[dict[str, Any]]]) -> Numbers:
    """`figures` asks `/figures` with a query, and gives its lines."""
    names = [*_PLAIN_NAMES, *_FACT_NAMES]
    (line,) = figures(figure=names)
    found: Numbers = dict(line["values"])
    for dimension in _BY:
        for line in figures(figure=["exchanges", "cost_nanousd"], by=dimension):
            group = line["group"][dimension] or "no target"
            found |= {f"{name} of {group}": value for name, value in line["values"].items()}
    return found


def of_metrics(text: str) -> Numbers:
    """Counters of a data plane that has counted since all of it began.  Money of metrics is in dollars."""
    found: Numbers = dict.fromkeys([*_PLAIN_NAMES, *_FACT_NAMES], 0)
    dollars: dict[str, float] = {}
    for name, labels, value in _samples(text):
        match name:
            case "penstock_exchanges_total":
                found["exchanges"] += int(value)
                _add(found, f"exchanges of {labels['outcome']}", value)
            case "penstock_tokens_total":
                if labels["kind"] in ("input", "output"):
                    found[f"{labels['kind']}_tokens"] += int(value)
                    found["tokens"] += int(value)
            case "penstock_cost_usd_total":
                target = "no target" if labels["target"] == "none" else labels["target"]
                for each in ("cost_nanousd", f"cost_nanousd of {target}"):
                    dollars[each] = dollars.get(each, 0.0) + value
            case "penstock_cache_saved_usd_total":
                dollars["saved_cache_nanousd"] = dollars.get("saved_cache_nanousd", 0.0) + value
            case _:
                if name in _COUNTERS:
                    found[_COUNTERS[name]] += int(value)
    return found | {name: round(value * _NANO) for name, value in dollars.items()}


_COUNTERS: Final = {
    "penstock_attempts_total": "attempts",
    "penstock_attempt_failures_total": "failed_attempts",
    "penstock_cost_unknown_total": "unknown_costs",
    "penstock_usage_estimated_total": "estimated",
    "penstock_cache_hits_total": "cache_hits",
    "penstock_cache_misses_total": "cache_misses",
}


def _samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _add(found: Numbers, name: str, value: float) -> None:
    found[name] = found.get(name, 0) + int(value)
