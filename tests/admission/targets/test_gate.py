"""The gate as `flow.attempt` sees it: every place comes back, nobody waits in vain, and no tenant hurts another."""

import pytest
from tests.admission.targets.gates import WELL, fixed, task, worker
from tests.admission.targets.scenes import gate, run

from penstock.admission.targets.breaker import BreakerChange
from penstock.admission.targets.choice import choose
from penstock.admission.targets.gate import TargetGate
from penstock.admission.targets.permit import Permit
from penstock.core.errors import CircuitOpen, Overloaded, QueueTimeout
from penstock.core.outcome import CANCELLED, FAILED, TIMED_OUT, Succeeded, Throttled
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock


async def warm(at: TargetGate, clock: FakeClock, *, hold_s: float = 1.0, times: int = 60) -> None:
    """Let the gate learn that calls take `hold_s`."""
    for _ in range(times):
        permit = await at.enter(tenant="warm", deadline_s=clock.monotonic() + 60.0)
        clock.advance(hold_s)
        permit.close(Succeeded(hold_s, hold_s))


def test_with_room_it_returns_without_letting_anyone_else_run() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock)
        entering = at.enter(tenant="acme", deadline_s=0.0)
        with pytest.raises(StopIteration) as done:
            entering.send(None)
        permit: Permit = done.value.value
        assert (at.in_flight, permit.waited_s) == (1, 0.0)
        permit.close(WELL)
        assert at.in_flight == 0

    run(scene)


def test_a_second_close_frees_only_its_own_place() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock)
        first, second = [await at.enter(tenant="acme", deadline_s=1e9) for _ in range(2)]
        first.close(WELL)
        first.close(FAILED)
        assert at.in_flight == 1
        second.close(CANCELLED)

    run(scene)


def test_places_are_handed_on_in_turn() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(1))
        held = await at.enter(tenant="acme", deadline_s=1e9)
        waiting = [task(at.enter(tenant="acme", deadline_s=1e9)) for _ in range(3)]
        await clock.settle()
        assert (at.in_flight, at.waiting) == (1, 3)
        for number, each in enumerate(waiting):
            clock.advance(1.0)
            held.close(WELL)
            await clock.settle()
            assert [one.done() for one in waiting] == [number >= index for index in range(3)]
            held = each.result()
            assert held.waited_s == number + 1.0
        held.close(WELL)
        assert (at.in_flight, at.waiting, clock.pending) == (0, 0, 0)

    run(scene)


def test_a_wait_that_cannot_fit_the_deadline_is_refused_at_once() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(2))
        await warm(at, clock)
        held = [await at.enter(tenant="acme", deadline_s=1e9) for _ in range(2)]
        line = [task(at.enter(tenant="acme", deadline_s=clock.monotonic() + 100.0)) for _ in range(20)]
        await clock.settle()
        began_s = clock.monotonic()
        with pytest.raises(QueueTimeout) as caught:
            await at.enter(tenant="acme", deadline_s=began_s + 8.0)
        assert clock.monotonic() == began_s
        assert caught.value.retry_after_s is not None
        assert 1.0 <= caught.value.retry_after_s <= 4.0, "about ten seconds of work for two places, less the eight"
        in_time = task(at.enter(tenant="acme", deadline_s=began_s + 15.0))
        await clock.settle()
        assert not in_time.done()
        assert at.waiting == 21
        for each in (*line, in_time):
            each.cancel()
        await clock.settle()
        assert (at.waiting, at.in_flight, clock.pending) == (0, 2, 0)
        for permit in held:
            permit.close(WELL)

    run(scene)


def test_who_has_too_little_time_left_is_not_sent_in_vain() -> None:
    """A call that waits gives up its turn while there is still time to try elsewhere, not at its very end."""

    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(1))
        await warm(at, clock, times=800)
        held = await at.enter(tenant="acme", deadline_s=1e9)
        began_s = clock.monotonic()
        late = task(at.enter(tenant="acme", deadline_s=began_s + 10.0))
        await clock.run_for(6.9)
        assert not late.done()
        await clock.run_for(0.2)
        assert isinstance(late.exception(), QueueTimeout)
        assert (at.waiting, at.in_flight, clock.pending) == (0, 1, 0)
        held.close(WELL)

    run(scene)


def test_another_tenant_is_not_refused_for_the_backlog_of_one() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(2))
        await warm(at, clock)
        for _ in range(2):
            await at.enter(tenant="loud", deadline_s=1e9)
        line = [task(at.enter(tenant="loud", deadline_s=1e9)) for _ in range(100)]
        await clock.settle()
        quiet = task(at.enter(tenant="quiet", deadline_s=clock.monotonic() + 4.0))
        await clock.settle()
        assert not quiet.done()
        with pytest.raises(QueueTimeout):
            await at.enter(tenant="loud", deadline_s=clock.monotonic() + 4.0)
        for each in (*line, quiet):
            each.cancel()
        await clock.settle()

    run(scene)


def test_a_prediction_is_about_as_long_as_the_wait() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(4))
        await warm(at, clock)
        workers = [task(worker(at, clock, "acme", "standard", seed=number)) for number in range(40)]
        await clock.run_for(5.0)
        predicted_s = at.expected_wait_s(tenant="acme")
        mine = task(at.enter(tenant="acme", deadline_s=1e9))
        await clock.run_for(60.0)
        assert abs(mine.result().waited_s - predicted_s) <= 0.25 * predicted_s
        for each in workers:
            each.cancel()
        await clock.settle()

    run(scene)


def test_a_full_line_refuses_with_a_time_to_come_back() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(1, max_waiting=4))
        await at.enter(tenant="acme", deadline_s=1e9)
        line = [task(at.enter(tenant=str(number), deadline_s=1e9)) for number in range(4)]
        await clock.settle()
        with pytest.raises(Overloaded) as caught:
            await at.enter(tenant="one more", deadline_s=1e9)
        assert (caught.value.retry_after_s or 0.0) >= 1.0
        batch = task(at.enter(tenant="one more", deadline_s=1e9, priority="batch"))
        await clock.settle()
        assert not batch.done(), "each class has its own line"
        for each in (*line, batch):
            each.cancel()
        await clock.settle()

    run(scene)


def test_who_is_cancelled_in_the_moment_of_being_let_in_gives_the_place_on() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(1))
        held = await at.enter(tenant="acme", deadline_s=1e9)
        first, second = [task(at.enter(tenant="acme", deadline_s=1e9)) for _ in range(2)]
        await clock.settle()
        held.close(WELL)
        first.cancel()
        await clock.settle()
        assert first.cancelled()
        assert second.done()
        second.result().close(WELL)
        assert (at.in_flight, at.waiting, clock.pending) == (0, 0, 0)

    run(scene)


def test_who_is_cancelled_just_before_its_turn_does_not_take_it() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(1))
        held = await at.enter(tenant="acme", deadline_s=1e9)
        first, second = [task(at.enter(tenant="acme", deadline_s=1e9)) for _ in range(2)]
        await clock.settle()
        first.cancel()
        held.close(WELL)
        await clock.settle()
        assert second.done()
        second.result().close(WELL)
        assert (at.in_flight, at.waiting, clock.pending) == (0, 0, 0)

    run(scene)


def test_a_target_that_goes_down_sends_its_line_elsewhere_at_once() -> None:
    async def scene(clock: FakeClock) -> None:
        changes: list[tuple[str, BreakerChange]] = []
        at = TargetGate(
            "t",
            fixed(8),
            clock,
            rng_for("choice"),
            on_breaker_change=lambda name, change: changes.append((name, change)),
        )
        held = [await at.enter(tenant="acme", deadline_s=1e9) for _ in range(8)]
        line = [task(at.enter(tenant="acme", deadline_s=1e9)) for _ in range(9)]
        await clock.settle()
        for permit in held:
            permit.close(FAILED)
        await clock.settle()
        assert [type(each.exception()) for each in line] == [type(None)] * 7 + [CircuitOpen] * 2
        for each in line[:7]:
            each.result().close(WELL)
        with pytest.raises(CircuitOpen) as caught:
            await at.enter(tenant="acme", deadline_s=1e9)
        assert 4.0 <= (caught.value.retry_after_s or 0.0) <= 6.0
        assert [(name, change.after) for name, change in changes] == [("t", "open")]
        assert not at.admits
        clock.advance(6.1)
        probe = await at.enter(tenant="acme", deadline_s=1e9)
        with pytest.raises(CircuitOpen):
            await at.enter(tenant="acme", deadline_s=1e9)
        probe.close(WELL)
        (await at.enter(tenant="acme", deadline_s=1e9)).close(WELL)
        assert at.breaker.state == "closed"

    run(scene)


def test_throttled_calls_lower_the_limit_only_where_the_provider_does_not_tell_its_limits() -> None:
    async def scene(clock: FakeClock) -> None:
        silent, telling = gate(clock), gate(clock)
        told = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "90"}
        for at in (silent, telling) * 12:
            permit = await at.enter(tenant="acme", deadline_s=1e9)
            if at is telling:
                permit.observe(told)
            permit.close(Throttled(0.0))
        assert silent.limit < 32
        assert telling.limit == 32

    run(scene)


def test_timeouts_lower_the_limit() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock)
        for number in range(60):
            (await at.enter(tenant="acme", deadline_s=1e9)).close(WELL if number % 5 > 1 else TIMED_OUT)
        assert at.limit < 32

    run(scene)


def test_the_choice_goes_to_the_less_loaded_of_two_and_never_to_one_that_is_down() -> None:
    async def scene(clock: FakeClock) -> None:
        quick, slow, down = (gate(clock) for _ in range(3))
        for at, latency_s in ((quick, 0.1), (slow, 1.0)):
            (await at.enter(tenant="acme", deadline_s=1e9)).close(Succeeded(latency_s, latency_s))
        for _ in range(8):
            (await down.enter(tenant="acme", deadline_s=1e9)).close(FAILED)
        rng = rng_for("choice")
        up = [place for place, each in enumerate((quick, slow, down)) if each.admits]
        assert up == [0, 1]
        assert {choose(up, [quick.load_s, slow.load_s, down.load_s], rng) for _ in range(50)} == {0}
        assert choose([], [], rng) is None
        held = [await quick.enter(tenant="acme", deadline_s=1e9) for _ in range(20)]
        assert choose(up, [quick.load_s, slow.load_s], rng) == 1
        for permit in held:
            permit.close(WELL)

    run(scene)


def test_the_hedge_delay_is_the_learned_quantile() -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock)
        assert at.hedge_after_s(0.95) is None
        for number in range(100):
            permit = await at.enter(tenant="acme", deadline_s=1e9)
            permit.first_event(10.0 if number % 10 == 0 else 1.0)
            permit.close(WELL)
        assert 0.9 < (at.hedge_after_s(0.85) or 0.0) < 1.1
        assert 9.0 < (at.hedge_after_s(0.95) or 0.0) < 11.0

    run(scene)
