"""Extra load stays within its part of all load, at every moment."""

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.admission.targets.retries import RetryBudget
from penstock.config.targets import HedgeSettings, RetrySettings
from penstock.testing.clock import FakeClock


def test_a_provider_that_fails_everything_causes_a_tenth_more_calls_and_no_more() -> None:
    budget = RetryBudget(RetrySettings(), HedgeSettings(), FakeClock())
    extra = 0
    for _ in range(20_000):
        budget.request()
        extra += budget.try_retry() + budget.try_retry()
    assert 1_990 <= extra <= 2_000


def test_a_quiet_route_may_still_retry_now_and_then() -> None:
    clock = FakeClock()
    budget = RetryBudget(RetrySettings(), HedgeSettings(), clock)
    budget.request()
    assert [budget.try_retry() for _ in range(21)] == [True] * 20 + [False]
    clock.advance(60.0)
    assert budget.try_retry()


def test_what_lost_against_another_call_costs_no_more_than_its_part() -> None:
    budget = RetryBudget(RetrySettings(), HedgeSettings(max_calls=1.0), FakeClock())
    lost = 0
    for _ in range(1_000):
        budget.request()
        if budget.try_hedge():
            lost += 80
            budget.hedged(80)
        budget.spent(100)
    assert 4_800 <= lost <= 5_000


def test_hedges_under_way_are_expected_to_cost_what_those_before_them_did() -> None:
    budget = RetryBudget(RetrySettings(), HedgeSettings(max_calls=1.0), FakeClock())
    for _ in range(100):
        budget.request()
        budget.spent(100)
    granted = [budget.try_hedge() for _ in range(10)]
    assert sum(granted) == 5, "the first are expected to cost a whole answer each: 500 is a twentieth of what was spent"
    for _ in range(5):
        budget.hedged(10)
    assert sum(budget.try_hedge() for _ in range(60)) == 45, "these are known to cost a tenth of it"


def test_a_hedge_of_unknown_cost_is_taken_for_one_like_those_before_it() -> None:
    budget = RetryBudget(RetrySettings(), HedgeSettings(max_calls=1.0), FakeClock())
    for _ in range(20):
        budget.request()
        budget.spent(100)
    assert budget.try_hedge()
    budget.hedged(None)
    assert not budget.try_hedge()


def test_hedges_that_cost_nothing_are_bounded_by_their_number() -> None:
    budget = RetryBudget(RetrySettings(), HedgeSettings(max_calls=0.1), FakeClock())
    taken = 0
    for _ in range(1_000):
        budget.request()
        if budget.try_hedge():
            taken += 1
            budget.hedged(0)
    assert 99 <= taken <= 100


@given(st.lists(st.sampled_from(["request", "retry", "hedge", "wait"]), max_size=300))
@settings(deadline=None, max_examples=100)
def test_neither_retries_nor_hedges_ever_pass_their_part(steps: list[str]) -> None:
    clock = FakeClock()
    budget = RetryBudget(RetrySettings(half_life_s=1e9), HedgeSettings(max_calls=0.2), clock)
    requests = retries = hedges = 0
    for step in steps:
        match step:
            case "request":
                budget.request()
                budget.spent(1_000_000)
                requests += 1
            case "retry":
                retries += budget.try_retry()
            case "hedge":
                if budget.try_hedge():
                    hedges += 1
                    budget.hedged(100_000)
            case _:
                clock.advance(1.0)
        assert retries <= max(20, 0.1 * requests + 1e-6)
        assert hedges <= 0.2 * requests + 1e-6
        assert hedges * 100_000 <= 0.05 * requests * 1_000_000 + 1e-6
