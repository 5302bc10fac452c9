"""What guards did, counted for Prometheus out of the facts of settled exchanges.

Guards, rules and reasons are our own words, or names from the configuration; their number is bounded all the same.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from penstock.core.facts import AnyFact, GuardFailed, GuardJudged, PersonalDataMasked, PersonalDataRestored
from penstock.core.record import Settled

_MOST_SERIES: Final = 1_000
_OTHER: Final = "other"
_COUNTED: Final = frozenset({GuardJudged, GuardFailed, PersonalDataMasked, PersonalDataRestored})
_Labels: TypeAlias = tuple[str, ...]


class GuardCounts:
    """Called on the event loop alone, once an exchange."""

    __slots__ = ("_failed", "_judged", "_late", "_masked", "_restored", "_seconds", "_withheld")

    def __init__(self) -> None:
        self._judged: dict[_Labels, float] = {}
        self._seconds: dict[_Labels, float] = {}
        self._late: dict[_Labels, float] = {}
        self._failed: dict[_Labels, float] = {}
        self._masked: dict[_Labels, float] = {}
        self._restored = 0
        self._withheld = 0

    def observe(self, record: Settled) -> None:
        """Count what is the guards' of a settled exchange."""
        for fact in record.facts:
            if type(fact) in _COUNTED:
                self._count(fact)

    def families(self) -> Iterator[Metric]:
        """What Prometheus sees."""
        by = ("guard", "direction", "mode", "action")
        yield _family("penstock_guard_judgements", "Requests and answers that a guard judged.", by, self._judged)
        yield _family("penstock_guard_seconds", "Time that a guard took.", ("guard", "direction"), self._seconds)
        yield _family("penstock_guard_late", "Findings after a part was seen.", ("guard",), self._late)
        by = ("guard", "direction", "reason", "passed")
        yield _family("penstock_guard_failures", "Times that a guard could not judge.", by, self._failed)
        yield _family("penstock_personal_data_masked", "Values that left as tokens.", ("kind",), self._masked)
        shown = {("restored",): float(self._restored), ("withheld",): float(self._withheld)}
        yield _family("penstock_personal_data_tokens", "Tokens for which a value was known.", ("what",), shown)

    def _count(self, fact: AnyFact) -> None:
        match fact:
            case GuardJudged():
                _add(self._judged, (fact.guard, fact.direction, fact.mode, fact.action), 1)
                _add(self._seconds, (fact.guard, fact.direction), fact.latency_s)
                if fact.is_after_release:
                    _add(self._late, (fact.guard,), 1)
            case GuardFailed():
                passed = "yes" if fact.is_let_through else "no"
                _add(self._failed, (fact.guard, fact.direction, fact.reason, passed), 1)
            case PersonalDataMasked():
                for kind, count in fact.kinds.items():
                    _add(self._masked, (kind,), count)
            case PersonalDataRestored():
                self._restored += fact.values
                self._withheld += fact.withheld
            case _:
                pass


def _add(counts: dict[_Labels, float], labels: _Labels, value: float) -> None:
    if labels not in counts and len(counts) >= _MOST_SERIES:
        labels = (_OTHER,) * len(labels)
    counts[labels] = counts.get(labels, 0.0) + value


def _family(name: str, meaning: str, by: _Labels, counts: Mapping[_Labels, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=by)
    for labels, value in counts.items():
        family.add_metric(labels, value)
    return family
