"""Which exchanges are sent."""

import pytest

from penstock.core.ids import ExchangeIds
from penstock.testing.clock import FakeClock
from penstock.watch.traces.reading import Head
from penstock.watch.traces.sampling import Sampling, Why, trace_id


def exchange(low: int) -> str:
    """An exchange whose trace id ends in these 56 bits."""
    return f"ex_019ab3c4d5e6012345{low:014x}"


@pytest.mark.parametrize(
    ("outcome", "duration_s", "why"),
    [
        ("completed", 0.5, None),
        ("client_gone", 0.5, None),
        ("completed", 9.999, None),
        ("completed", 10.0, "slow"),
        ("client_gone", 600.0, "slow"),
        ("upstream_failed", 0.1, "error"),
        ("deadline", 0.1, "error"),
        ("shutdown", 0.1, "error"),
        ("failed", 0.1, "error"),
        ("an_end_of_the_future", 0.1, "error"),
        ("rejected", 0.1, "refused"),
        ("blocked", 0.1, "blocked"),
        ("held", 0.1, "held"),
    ],
)
def test_what_somebody_will_look_for_is_sent_whatever_the_share(
    outcome: str, duration_s: float, why: Why | None
) -> None:
    head = Head(exchange((1 << 56) - 1), duration_s, outcome)
    assert Sampling(0.0, 10.0).why(head) == why
    assert Sampling(1.0, 10.0).why(Head(exchange(0), duration_s, outcome)) == (why or "sampled")


def test_the_share_is_decided_by_the_last_56_bits_of_the_trace_id_as_opentelemetry_has_it() -> None:
    quarter = Sampling(0.25, 10.0)
    threshold = 3 << 54
    assert not quarter.is_in_share(trace_id(exchange(threshold - 1)))
    assert quarter.is_in_share(trace_id(exchange(threshold)))


def test_a_larger_share_holds_every_smaller_one_and_is_about_as_large_as_it_says() -> None:
    ids = ExchangeIds(FakeClock())
    traces = [trace_id(ids.new()) for _ in range(4000)]
    before: set[bytes] = set()
    for share in (0.05, 0.2, 0.6, 1.0):
        kept = {each for each in traces if Sampling(share, 10.0).is_in_share(each)}
        assert before <= kept
        assert abs(len(kept) - share * len(traces)) <= 6 * (len(traces) * share * (1 - share)) ** 0.5
        before = kept


def test_an_id_of_another_form_has_a_trace_id_all_the_same() -> None:
    odd = ["ex_7", "", "ex_" + "0" * 32, "ex_" + "z" * 32, "0123456789abcdef" * 2]
    found = [trace_id(each) for each in odd]
    assert len(set(found)) == len(odd)
    assert all(len(each) == 16 and any(each) for each in found)
