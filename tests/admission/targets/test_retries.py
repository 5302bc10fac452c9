"""Extra load stays within its part of all load, at every moment."""

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.admission.targets.retries import RetryBudget
from penstock.config.targets import RetrySettings
from penstock.testing.clock import FakeClock


def test_a_provider_that_fails_everything_causes_a_tenth_more_calls_and_no_more() -> None:
    budget = RetryBudget(RetrySettings(), FakeClock())
    extra = 0
    for _ in range(20_000):
        budget.request()
        extra += budget.try_retry() + budget.try_retry()
    assert 1_990 <= extra <= 2_000


def test_a_quiet_route_may_still_retry_now_and_then() -> None:
    clock = FakeClock()
    budget = RetryBudget(RetrySettings(), clock)
    budget.request()
    assert [budget.try_retry() for _ in range(4)] == [True, True, True, False]
    clock.advance(60.0)
    assert budget.try_retry()


def test_hedges_stay_within_their_part_of_the_spend() -> None:
    budget = RetryBudget(RetrySettings(ratio=1.0), FakeClock())
    hedged = 0
    for _ in range(1_000):
        budget.request()
        budget.spent(100)
        if budget.try_hedge(80):
            hedged += 80
    assert 4_900 <= hedged <= 5_000


def test_what_a_hedge_did_not_cost_is_there_for_the_next_one() -> None:
    budget = RetryBudget(RetrySettings(), FakeClock())
    budget.request()
    budget.spent(2_000)
    assert budget.try_hedge(100)
    assert not budget.try_hedge(10)
    budget.hedged(estimated_nanousd=100, cost_nanousd=20)
    assert budget.try_hedge(80)


def test_hedges_of_unknown_cost_are_counted_instead() -> None:
    budget = RetryBudget(RetrySettings(ratio=1.0), FakeClock())
    taken = 0
    for _ in range(1_000):
        budget.request()
        taken += budget.try_hedge(None)
    assert 49 <= taken <= 50


@given(st.lists(st.sampled_from(["request", "retry", "hedge", "wait"]), max_size=300))
@settings(deadline=None, max_examples=100)
def test_retries_and_hedges_together_never_pass_the_tenth(steps: list[str]) -> None:
    clock = FakeClock()
    budget = RetryBudget(RetrySettings(half_life_s=1e9), clock)
    requests = extra = 0
    for step in steps:
        match step:
            case "request":
                budget.request()
                budget.spent(1_000_000)
                requests += 1
            case "retry":
                extra += budget.try_retry()
            case "hedge":
                extra += budget.try_hedge(1)
            case _:
                clock.advance(1.0)
        assert extra <= max(3, 0.1 * requests + 1e-6)
