"""What was saved, counted for Prometheus by model and tenant: by the caches with their hits and misses, and otherwise.

Callers choose neither: tenants are those of the installation, and only models of the configuration are cached.  Their
number is bounded all the same, and the rest is `other`.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from penstock.core.facts import AnyFact, CacheBypassed, CacheHit, CacheMissed, CacheStored, Saved
from penstock.core.record import Settled

_MOST_PAIRS = 500
_OTHER = ("other", "other")
_NANO = 1e9
_COUNTED: Final = frozenset({CacheHit, CacheMissed, CacheBypassed, CacheStored, Saved})

_Labels: TypeAlias = tuple[str, ...]


class SavingsCounts:
    """One for each process, used by one thread."""

    __slots__ = (
        "_bypassed",
        "_gained_nanousd",
        "_hits",
        "_lost_nanousd",
        "_misses",
        "_other_nanousd",
        "_other_tokens",
        "_pairs",
        "_saved_nanousd",
        "_saved_tokens",
        "_stored",
    )

    def __init__(self) -> None:
        self._pairs: set[tuple[str, str]] = set()
        self._hits: dict[_Labels, float] = {}
        self._misses: dict[_Labels, float] = {}
        self._bypassed: dict[_Labels, float] = {}
        self._stored: dict[_Labels, float] = {}
        self._saved_nanousd: dict[_Labels, float] = {}
        self._saved_tokens: dict[_Labels, float] = {}
        self._other_nanousd: dict[_Labels, float] = {}
        self._other_tokens: dict[_Labels, float] = {}
        self._gained_nanousd: dict[_Labels, float] = {}
        self._lost_nanousd: dict[_Labels, float] = {}

    def observe(self, record: Settled) -> None:
        """Count what a settled exchange saved and its caches did; well under a microsecond where that is nothing."""
        for fact in record.facts:
            if type(fact) in _COUNTED:  # one look, since most facts of most exchanges are none of them
                self._count(record, fact)

    def families(self) -> Iterator[Metric]:
        """What Prometheus sees."""
        by = ("model", "tenant")
        yield _family("penstock_cache_hits", "Exchanges that were answered from the cache.", (*by, "kind"), self._hits)
        yield _family("penstock_cache_misses", "Exchanges for which nothing was kept.", by, self._misses)
        yield _family(
            "penstock_cache_bypassed",
            "Exchanges that the cache was not asked for, or answers that it may not keep.",
            (*by, "reason"),
            self._bypassed,
        )
        yield _family("penstock_cache_stored", "Answers that were kept.", by, self._stored)
        dollars = {pair: amount / _NANO for pair, amount in self._saved_nanousd.items()}
        yield _family("penstock_cache_saved_usd", "What hits would have cost, where it is known.", by, dollars)
        yield _family(
            "penstock_cache_saved_tokens", "Tokens that hits would have used.", (*by, "direction"), self._saved_tokens
        )

        yield _gauge(
            "penstock_saved_usd",
            "What shorter prompts, weaker tiers and prompts kept by providers saved, where prices are known.",
            (*by, "by"),
            {labels: amount / _NANO for labels, amount in self._other_nanousd.items()},
        )
        # What may go down and begins at nought with each process cannot be added up over time: two that only grow can.
        for name, text, amounts in (
            ("penstock_gained_usd", "As saved, but what was saved alone.", self._gained_nanousd),
            ("penstock_lost_usd", "What keeping prompts cost more than it saved, by exchange.", self._lost_nanousd),
        ):
            yield _family(name, text, (*by, "by"), {labels: amount / _NANO for labels, amount in amounts.items()})
        yield _family(
            "penstock_saved_tokens", "Tokens that were not sent, or read for less.", (*by, "by"), self._other_tokens
        )

    def _count(self, record: Settled, fact: AnyFact) -> None:
        match fact:
            case CacheHit():
                self._hit(record, fact)
            case Saved():
                self._saved(record, fact)
            case CacheMissed():
                _add(self._misses, self._pair(record), 1)
            case CacheStored():
                _add(self._stored, self._pair(record), 1)
            case CacheBypassed(reason=reason):  # one of our own words
                _add(self._bypassed, (*self._pair(record), reason), 1)
            case _:
                pass

    def _saved(self, record: Settled, fact: Saved) -> None:
        labels = (*self._pair(record), fact.by)
        amount = fact.nanousd or 0
        _add(self._other_nanousd, labels, amount)
        _add(self._gained_nanousd, labels, max(amount, 0))
        _add(self._lost_nanousd, labels, max(-amount, 0))
        _add(self._other_tokens, labels, fact.tokens)

    def _hit(self, record: Settled, fact: CacheHit) -> None:
        pair = self._pair(record)
        _add(self._hits, (*pair, fact.kind), 1)
        _add(self._saved_tokens, (*pair, "input"), fact.saved_input_tokens)
        _add(self._saved_tokens, (*pair, "output"), fact.saved_output_tokens)
        _add(self._saved_nanousd, pair, fact.saved_nanousd or 0)

    def _pair(self, record: Settled) -> tuple[str, str]:
        pair = (record.model, record.tenant)
        if pair not in self._pairs:
            if len(self._pairs) >= _MOST_PAIRS:
                return _OTHER
            self._pairs.add(pair)
        return pair


def _add(counts: dict[_Labels, float], labels: _Labels, amount: float) -> None:
    counts[labels] = counts.get(labels, 0) + amount


def _family(name: str, text: str, labels: _Labels, values: Mapping[_Labels, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _gauge(name: str, text: str, labels: _Labels, values: Mapping[_Labels, float]) -> GaugeMetricFamily:
    """For what may go down: a prompt that a provider kept and nobody came back for."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
