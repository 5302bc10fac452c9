"""Each kind of rule on figures as they may come: what holds, what does not, and what nobody can tell."""

from typing import Any

import pytest

from penstock.config.alerts import ObjectiveSettings, RuleSettings
from penstock.watch.figures.sums import Sums
from penstock.watch.objectives.objective import Count, Objective, count, standing
from penstock.watch.rules import judge
from penstock.watch.rules.judge import Measure


def settings(**changes: Any) -> RuleSettings:
    return RuleSettings(**changes)


@pytest.mark.parametrize(
    ("rule", "measure", "verdict"),
    [
        ({"above": 0.1}, Measure(0.1, 10), "calm"),
        ({"above": 0.1}, Measure(0.11, 10), "holds"),
        ({"above": 0.1, "min_exchanges": 11}, Measure(0.5, 10), "unknown"),
        ({"below": 5.0}, Measure(0.0, 0), "holds"),
        ({"below": 5.0, "above": 50.0}, Measure(60.0, 60), "holds"),
        ({"below": 5.0, "above": 50.0}, Measure(20.0, 20), "calm"),
        ({"above": 0.0}, Measure(None, 0), "unknown"),
    ],
)
def test_a_threshold(rule: dict[str, Any], measure: Measure, verdict: str) -> None:
    assert judge.threshold(settings(**rule), measure).verdict == verdict


@pytest.mark.parametrize(
    ("rule", "now", "before", "is_total", "verdict"),
    [
        ({"rise_percent": 100.0}, (2.0, 50), (1.0, 50), False, "holds"),
        ({"rise_percent": 100.0}, (1.9, 50), (1.0, 50), False, "calm"),
        ({"rise_percent": 100.0}, (9.0, 5), (1.0, 50), False, "unknown-or-calm"),
        ({"rise_percent": 100.0}, (9.0, 50), (1.0, 5), False, "unknown"),
        ({"rise_percent": 100.0}, (9.0, 50), (0.0, 50), False, "unknown"),
        ({"fall_percent": 50.0}, (0.0, 0), (40.0, 40), True, "holds"),
        ({"fall_percent": 50.0}, (0.0, 5), (0.4, 40), False, "unknown-or-calm"),
        ({"fall_percent": 50.0}, (0.2, 40), (0.4, 40), False, "holds"),
        ({"fall_percent": 50.0}, (None, 0), (0.4, 40), False, "unknown"),
    ],
)
def test_a_change(
    rule: dict[str, Any],
    now: tuple[float | None, int],
    before: tuple[float | None, int],
    *,
    is_total: bool,
    verdict: str,
) -> None:
    found = judge.change(
        settings(kind="change", min_exchanges=10, **rule), Measure(*now), Measure(*before), is_total=is_total
    )
    assert found.verdict in verdict.split("-or-")


def test_an_absence_needs_something_in_every_window_before() -> None:
    rule = settings(kind="absence", min_exchanges=20)
    some, few, none = Measure(30.0, 30), Measure(10.0, 10), Measure(0.0, 0)
    assert judge.absence(rule, none, (some, some)).verdict == "holds"
    assert judge.absence(rule, none, (some, few)).verdict == "unknown"
    assert judge.absence(rule, Measure(1.0, 1), (some,)).verdict == "calm"
    assert judge.absence(rule, none, ()).verdict == "unknown"


def test_an_objectives_budget_and_when_it_is_used_up() -> None:
    objective = Objective("up", ObjectiveSettings(kind="availability", target=0.99, window_days=10))
    found = standing(objective, Count(10_000, 50), {"1d": Count(1000, 20)})
    assert found.reached == pytest.approx(0.995)
    assert (found.consumed, found.remaining) == (pytest.approx(0.5), pytest.approx(0.5))
    assert found.burn["1d"] == pytest.approx(2.0)
    assert found.exhausted_in_s == pytest.approx(2.5 * 86_400)  # half a budget of ten days, twice as fast
    assert standing(objective, Count(10_000, 50), {"1d": Count(1000, 10)}).exhausted_in_s is None
    assert standing(objective, Count(10_000, 101), {"1d": Count(1000, 0)}).exhausted_in_s == 0.0
    assert standing(objective, Count(0, 0), {"1d": Count(0, 0)}).remaining is None


def test_what_counts_for_latency() -> None:
    def of(outcome: str, amount: int, bucket_s: int) -> Sums:
        return Sums(exchanges=amount, outcomes={outcome: amount}, firsts={bucket_s: amount})

    quick, slow = 1_200, 1_700  # buckets of a tenth of a second and of twenty
    sums = [of("completed", 7, quick), of("completed", 2, slow), of("deadline", 3, quick), of("rejected", 50, quick)]
    blocked = Sums(exchanges=4, outcomes={"blocked": 4})  # which a guard answered before any event
    settings_ = ObjectiveSettings(kind="latency", target=0.9, within_s=1.0, of="first_event")
    assert count(Objective("quick", settings_), [*sums, blocked]) == Count(12, 5)
