"""Calls stay within what the provider announces, however it counts, and use nearly all of it."""

import asyncio

import pytest
from tests.admission.targets.scenes import FixedWindow, LimitedCalls, Provider, SlidingWindow, TokenBucket, gate, run

from penstock.admission.targets.announced import ProviderLimits, Quota
from penstock.admission.targets.pacer import Pacer, Sent
from penstock.config.targets import PacingSettings
from penstock.core.outcome import Succeeded, Throttled
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock


def demand(kind: type[Provider], *, latency_s: float, gates: int = 1, share: float = 1.0) -> LimitedCalls:
    """Five minutes of three times what is announced, 100 calls a minute."""

    async def scene() -> LimitedCalls:
        clock = FakeClock()
        calls = LimitedCalls(clock, kind(clock, 100), latency_s=latency_s, deadline_s=30.0)
        targets = [gate(clock, seed=number) for number in range(gates)]
        for each in targets:
            each.set_share(share)
        await calls.arrive(targets, rate=5.0, seconds=300.0)
        assert clock.pending == 0
        return calls

    return asyncio.run(scene())


@pytest.mark.parametrize("kind", [TokenBucket, FixedWindow, SlidingWindow])
@pytest.mark.parametrize("latency_s", [0.5, 5.0])
def test_at_three_times_the_limit_few_calls_are_throttled_and_the_limit_is_used(
    kind: type[Provider], latency_s: float
) -> None:
    calls = demand(kind, latency_s=latency_s)
    assert calls.throttled <= 0.01 * (calls.good + calls.throttled)
    assert calls.good + calls.in_hand >= 0.95 * 500


@pytest.mark.parametrize("kind", [TokenBucket, FixedWindow, SlidingWindow])
def test_three_processes_that_know_their_share_stay_within_the_limit_together(kind: type[Provider]) -> None:
    calls = demand(kind, latency_s=1.0, gates=3, share=1 / 3)
    assert calls.throttled <= 0.01 * (calls.good + calls.throttled)
    assert calls.good >= 0.95 * 500


def test_a_process_gives_way_to_others_that_it_learns_of_from_the_headers_alone() -> None:
    calls = demand(TokenBucket, latency_s=1.0, gates=3)
    assert calls.throttled <= 0.02 * (calls.good + calls.throttled)
    assert calls.good >= 0.95 * 500


def test_without_any_announcement_nothing_waits() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock)
        permits = [await at.enter(tenant="acme", deadline_s=clock.monotonic()) for _ in range(32)]
        assert [permit.waited_s for permit in permits] == [0.0] * 32

    run(scene)


def pacer_told() -> Pacer:
    pacer = Pacer(PacingSettings(), rng_for("pacer"))
    told = Quota(unit="tokens", limit=60_000.0, remaining=1_000.0, reset_s=59.0, period_s=60.0)
    pacer.observe(ProviderLimits(quotas=(told,)), mark=pacer.sent, sent_s=0.0, now_s=0.0)
    return pacer


def test_tokens_are_reserved_by_estimate_and_given_back_by_the_next_headers() -> None:
    pacer = pacer_told()
    need = Sent(1, 400, 100)
    assert pacer.wait_s(need, Sent(), 0.0) == 0.0
    pacer.send(need, 0.0)
    mark = pacer.sent.copy()
    wait_s = pacer.wait_s(need, Sent(), 0.0)
    assert 0.0 < wait_s < 1.0, "a thousand tokens a second come back"
    told = Quota(unit="tokens", limit=60_000.0, remaining=30_000.0, reset_s=30.0, period_s=60.0)
    pacer.observe(ProviderLimits(quotas=(told,)), mark=mark, sent_s=0.0, now_s=0.1)
    assert pacer.wait_s(need, Sent(), 0.1) == 0.0


def test_a_call_larger_than_the_whole_limit_is_not_held_for_ever() -> None:
    assert pacer_told().wait_s(Sent(1, 10**9, 0), Sent(), 0.0) < 120.0


def test_a_throttled_call_holds_the_others_for_as_long_as_the_provider_asks() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock)
        first = await at.enter(tenant="acme", deadline_s=clock.monotonic() + 60.0)
        first.close(Throttled(7.0))
        began_s = clock.monotonic()
        second = asyncio.get_running_loop().create_task(at.enter(tenant="acme", deadline_s=began_s + 60.0))
        await clock.run_for(6.9)
        assert not second.done()
        await clock.run_for(0.2)
        permit = second.result()
        assert permit.waited_s == pytest.approx(7.0)  # type: ignore[reportUnknownMemberType]  # pytest's own gap
        permit.close(Succeeded(0.1, 0.1))

    run(scene)


def test_pauses_without_a_named_wait_double_once_for_each_new_refusal() -> None:
    pacer = Pacer(PacingSettings(), rng_for("pauses"))
    for _ in range(30):
        pacer.throttled(None, sent_s=0.0, now_s=1.0)
    assert pacer.wait_s(Sent(1), Sent(), 1.0) <= 1.2, "thirty calls of one burst are one refusal"
    pacer.throttled(None, sent_s=2.0, now_s=3.0)
    assert 1.6 <= pacer.wait_s(Sent(1), Sent(), 3.0) <= 2.4
