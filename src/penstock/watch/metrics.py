"""What Prometheus is told: counters of settled exchanges, added up cheaply and written out when asked.

`observe` runs once for every exchange on the request path, so it does no more than add to plain numbers of one series;
the families that Prometheus sees are put together in `render`.  Labels take values from closed sets and the names of
configured targets, never what a caller sent; where names pass through to a provider, the number of targets told apart
is bounded and the rest is `other`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from penstock.core.facts import AttemptFailed
from penstock.core.record import Settled
from penstock.watch.backlog import Backlog
from penstock.watch.guard_counts import GuardCounts
from penstock.watch.savings import SavingsCounts

_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
_BUCKET_NAMES = (*(f"{bound:g}" for bound in _BUCKETS_S), "+Inf")
_MAX_TARGETS = 500
_NO_TARGET = "none"
_OTHER = "other"
_NANO = 1e9

Labels: TypeAlias = tuple[str, ...]
LabelledGauge: TypeAlias = tuple[str, str, Labels, Mapping[Labels, float]]
"""Name, meaning, names of the labels, values by labels."""


class _Histogram:
    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, value_s: float) -> None:
        self.counts[bisect_left(_BUCKETS_S, value_s)] += 1
        self.sum_s += value_s

    def include(self, other: "_Histogram") -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum_s += other.sum_s

    def cumulative(self) -> list[tuple[str, float]]:
        total = 0
        buckets: list[tuple[str, float]] = []
        for name, count in zip(_BUCKET_NAMES, self.counts, strict=True):
            total += count
            buckets.append((name, total))
        return buckets


class _Series:
    """All that is counted of the exchanges that share dialect, operation, outcome, code and target."""

    __slots__ = (
        "attempts",
        "cache_read_tokens",
        "cache_write_tokens",
        "cost_nanousd",
        "duration",
        "estimated",
        "first_event",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "unknown_costs",
    )

    def __init__(self) -> None:
        self.attempts = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cache_read_tokens = 0
        self.cache_write_tokens = 0
        self.reasoning_tokens = 0
        self.cost_nanousd = 0
        self.unknown_costs = 0
        self.estimated = 0
        self.duration = _Histogram()
        self.first_event = _Histogram()


class Metrics:
    """One for each process, used by one thread."""

    def __init__(self) -> None:
        self._series: dict[Labels, _Series] = {}
        self._targets: set[str] = set()
        self._failures: dict[Labels, int] = {}
        self._refusals: dict[Labels, int] = {}
        self._savings = SavingsCounts()
        self._guards = GuardCounts()
        self._in_flight = 0
        self._backlog: Backlog | None = None
        self._credentials_refused: Mapping[str, int] = {}
        self._gauges: Sequence[tuple[str, str, float]] = ()
        self._targets_up: Mapping[str, bool] = {}
        self._tiers: Mapping[tuple[str, str, str], int] = {}
        self._labelled: Sequence[LabelledGauge] = ()
        self._registry = CollectorRegistry()
        self._registry.register(_Families(self._families))
        ProcessCollector(registry=self._registry)

    def observe(self, record: Settled) -> None:
        """Count a settled exchange; a microsecond or two."""
        key = (record.dialect, record.operation, record.outcome, record.outcome_code or "", record.target or _NO_TARGET)
        series = self._series.get(key)
        if series is None:
            series = self._new_series(key)
        series.attempts += record.attempts
        series.input_tokens += record.input_tokens
        series.output_tokens += record.output_tokens
        series.cache_read_tokens += record.cache_read_tokens
        series.cache_write_tokens += record.cache_write_tokens
        series.reasoning_tokens += record.reasoning_tokens
        if record.cost_nanousd is None:
            series.unknown_costs += 1
        else:
            series.cost_nanousd += record.cost_nanousd
        if record.usage_accuracy == "estimated":
            series.estimated += 1
        series.duration.add(record.duration_s)
        if record.first_event_s is not None:
            series.first_event.add(record.first_event_s)
        if record.attempts > 1 or record.outcome != "completed":
            self._observe_failures(record)
        self._savings.observe(record)
        self._guards.observe(record)

    def refused(self, code: str) -> None:
        """Count a request that was refused before it became an exchange (a bad key, a bad body)."""
        self._refusals[(code,)] = self._refusals.get((code,), 0) + 1

    def render(
        self,
        *,
        in_flight: int,
        backlog: Backlog | None = None,
        credentials_refused: Mapping[str, int] | None = None,
        gauges: Sequence[tuple[str, str, float]] = (),
        targets_up: Mapping[str, bool] | None = None,
        tiers: Mapping[tuple[str, str, str], int] | None = None,
        labelled: Sequence[LabelledGauge] = (),
    ) -> bytes:
        """Everything in Prometheus' text format.

        `backlog` is the local journal's, where somebody has measured it; `credentials_refused` counts by reason, which
        callers are not told; `gauges` are other parts' own figures, as name, meaning and value; `targets_up` says of
        each target whether its breaker lets calls through; `labelled` are gauges with labels, their number bounded by
        whoever gives them.
        """
        self._gauges = gauges
        self._in_flight = in_flight
        self._backlog = backlog
        self._credentials_refused = credentials_refused or {}
        self._targets_up = targets_up or {}
        self._tiers = tiers or {}
        self._labelled = labelled
        return generate_latest(self._registry)

    def _new_series(self, key: Labels) -> _Series:
        bounded = (*key[:-1], self._bounded_target(key[-1]))
        series = self._series.get(bounded)
        if series is None:
            series = self._series[bounded] = _Series()
        return series

    def _bounded_target(self, target: str) -> str:
        if target not in self._targets:
            if len(self._targets) >= _MAX_TARGETS:
                return _OTHER
            self._targets.add(target)
        return target

    def _observe_failures(self, record: Settled) -> None:
        for fact in record.facts:
            if isinstance(fact, AttemptFailed):
                key = (self._bounded_target(fact.target), fact.code)
                self._failures[key] = self._failures.get(key, 0) + 1

    def _families(self) -> Iterator[Metric]:
        yield self._counter(
            "penstock_exchanges",
            "Settled exchanges; code is empty where there was no error.",
            ("dialect", "operation", "outcome", "code"),
            ((key[:4], sum(series.duration.counts)) for key, series in self._series.items()),
        )
        yield self._counter(
            "penstock_tokens",
            "Tokens, as the provider said or as we counted. Input includes cached ones, output reasoning.",
            ("target", "kind"),
            _tokens(self._series),
        )
        by_target: tuple[tuple[str, str, Callable[[_Series], float]], ...] = (
            ("penstock_attempts", "Calls of providers.", lambda series: series.attempts),
            ("penstock_cost_usd", "What answers cost, where it is known.", lambda series: series.cost_nanousd / _NANO),
            ("penstock_cost_unknown", "Exchanges whose cost nobody knows.", lambda series: series.unknown_costs),
            ("penstock_usage_estimated", "Exchanges whose tokens we had to count.", lambda series: series.estimated),
        )
        for name, text, value in by_target:
            values = (((key[4],), value(series)) for key, series in self._series.items())
            yield self._counter(name, text, ("target",), values)
        yield self._counter(
            "penstock_attempt_failures", "Calls of providers that failed.", ("target", "code"), self._failures.items()
        )
        yield self._counter(
            "penstock_refused", "Requests refused before they became an exchange.", ("code",), self._refusals.items()
        )
        yield from self._savings.families()
        yield from self._guards.families()
        refused = tuple(self._credentials_refused.items())
        yield self._counter(
            "penstock_credentials_refused",
            "Keys and tokens that were not accepted, by what was wrong with them.",
            ("reason",),
            (((reason,), count) for reason, count in refused),
        )
        yield self._counter(
            "penstock_tier_requests",
            "Requests by the tier chosen for them.",
            ("model", "tier", "by"),
            self._tiers.items(),
        )
        yield self._histogram("penstock_exchange_duration_seconds", "First byte in to settlement.", "duration")
        yield self._histogram(
            "penstock_first_event_seconds", "First byte in to the answer's first event.", "first_event"
        )
        up = GaugeMetricFamily("penstock_target_up", "0 while the target counts as down.", labels=("target",))
        for target, is_up in self._targets_up.items():
            if self._bounded_target(target) == target:
                up.add_metric((target,), float(is_up))
        yield up
        yield GaugeMetricFamily("penstock_in_flight", "Exchanges that are running.", value=self._in_flight)
        for name, text, value in self._gauges:
            yield GaugeMetricFamily(name, text, value=value)
        for name, text, labels, values in self._labelled:
            family = GaugeMetricFamily(name, text, labels=labels)
            for key, value in values.items():
                family.add_metric(key, value)
            yield family
        if self._backlog is not None:
            yield from _backlog_gauges(self._backlog)

    @staticmethod
    def _counter(name: str, text: str, labels: Labels, values: Iterable[tuple[Labels, float]]) -> CounterMetricFamily:
        totals: dict[Labels, float] = {}
        for key, value in values:
            totals[key] = totals.get(key, 0) + value
        family = CounterMetricFamily(name, text, labels=labels)
        for key, total in totals.items():
            family.add_metric(key, total)
        return family

    def _histogram(self, name: str, text: str, attribute: str) -> HistogramMetricFamily:
        merged: dict[Labels, _Histogram] = {}
        for key, series in self._series.items():
            histogram: _Histogram = getattr(series, attribute)
            merged.setdefault((key[1], key[4]), _Histogram()).include(histogram)
        family = HistogramMetricFamily(name, text, labels=("operation", "target"))
        for key, histogram in merged.items():
            family.add_metric(key, histogram.cumulative(), histogram.sum_s)
        return family


class _Families(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        """Nothing yet: names are checked once there are values."""
        return ()

    def collect(self) -> Iterable[Metric]:
        return self._families()


def _tokens(all_series: dict[Labels, _Series]) -> Iterator[tuple[Labels, float]]:
    for key, series in all_series.items():
        target = key[4]
        yield (target, "input"), series.input_tokens
        yield (target, "output"), series.output_tokens
        yield (target, "cache_read"), series.cache_read_tokens
        yield (target, "cache_write"), series.cache_write_tokens
        yield (target, "reasoning"), series.reasoning_tokens


def _backlog_gauges(backlog: Backlog) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "penstock_journal_backlog_records", "Records not yet in the database.", value=backlog.records
    )
    yield GaugeMetricFamily("penstock_journal_backlog_bytes", "Their size in the local journal.", value=backlog.bytes)
    yield GaugeMetricFamily(
        "penstock_journal_oldest_unshipped_seconds",
        "Since the oldest of them was settled.",
        value=backlog.oldest_unshipped_s,
    )
    yield GaugeMetricFamily(
        "penstock_journal_rejected_files", "Lines put aside in journal/rejected.", value=backlog.rejected_files
    )
