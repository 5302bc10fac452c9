"""Who waits for whom: a flood is hardly felt by others, and every place comes back."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.admission.targets.gates import WELL, fixed, task, worker
from tests.admission.targets.scenes import gate, run

from penstock.admission.targets.permit import Permit
from penstock.config.targets import PRIORITIES, Priority
from penstock.core.errors import CapacityError, CircuitOpen
from penstock.core.outcome import CANCELLED, CLIENT_FAULT, FAILED, TIMED_OUT, Outcome, Succeeded, Throttled
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock


def interactive_p95_s(*, with_flood: bool) -> tuple[float, int]:
    """The 95th percentile of an interactive tenant's waits and answers together, and how many of its calls failed."""

    async def scene() -> tuple[float, int]:
        clock = FakeClock()
        at = gate(clock, fixed(20))
        flood = [task(worker(at, clock, "batch", "batch", seed=number)) for number in range(100 if with_flood else 0)]
        arrivals, services = rng_for("arrivals"), rng_for("services")
        took: list[float] = []
        failed = 0

        async def call(service_s: float) -> None:
            nonlocal failed
            began_s = clock.monotonic()
            try:
                permit = await at.enter(tenant="acme", deadline_s=began_s + 30.0, priority="interactive")
            except CapacityError:
                failed += 1
                return
            await clock.sleep(service_s)
            permit.close(Succeeded(service_s, service_s))
            took.append(clock.monotonic() - began_s)

        calls: list[asyncio.Task[None]] = []
        await clock.run_for(20.0)
        for _ in range(1_500):
            await clock.run_for(arrivals.expovariate(6.0))
            calls.append(asyncio.get_running_loop().create_task(call(services.lognormvariate(-0.125, 0.5))))
        await clock.run_for(30.0)
        await asyncio.gather(*calls)
        for each in flood:
            each.cancel()
        await clock.settle()
        assert at.waiting == 0
        took.sort()
        return took[int(0.95 * len(took))], failed

    return asyncio.run(scene())


def test_a_batch_tenant_at_fifty_times_its_share_is_hardly_felt_by_an_interactive_one() -> None:
    alone_s, failed_alone = interactive_p95_s(with_flood=False)
    flooded_s, failed_flooded = interactive_p95_s(with_flood=True)
    assert failed_alone == failed_flooded == 0
    assert flooded_s < 1.1 * alone_s


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "enter", "enter", "close", "close", "cancel", "advance", "cancel and close"]),
        st.integers(0, 5),
        st.sampled_from(PRIORITIES),
        st.sampled_from([WELL, FAILED, TIMED_OUT, CANCELLED, CLIENT_FAULT, Throttled(None), Throttled(3.0)]),
    ),
    max_size=120,
)


@given(STEPS, st.integers(1, 4))
@settings(deadline=None, max_examples=150)
def test_whatever_happens_every_place_comes_back(steps: list[tuple[str, int, Priority, Outcome]], places: int) -> None:
    async def scene(clock: FakeClock) -> None:
        at = gate(clock, fixed(places, max_waiting=5))
        waiting: list[asyncio.Task[Permit]] = []
        held: list[Permit] = []

        def collect() -> None:
            for each in [each for each in waiting if each.done()]:
                waiting.remove(each)
                if each.cancelled():
                    continue
                error = each.exception()
                if error is None:
                    held.append(each.result())
                else:
                    assert isinstance(error, (CapacityError, CircuitOpen))

        for what, which, priority, outcome in steps:
            if what == "enter":
                deadline_s = clock.monotonic() + 5.0
                waiting.append(task(at.enter(tenant=str(which), deadline_s=deadline_s, priority=priority)))
            elif what == "close" and held:
                held.pop(which % len(held)).close(outcome)
            elif what == "cancel" and waiting:
                waiting[which % len(waiting)].cancel()
            elif what == "cancel and close" and waiting and held:
                chosen = waiting[which % len(waiting)]
                if which % 2:
                    chosen.cancel()
                held.pop().close(outcome)
                chosen.cancel()
            elif what == "advance":
                clock.advance(which / 2)
            if which % 3:
                await clock.settle()
                collect()
                assert at.in_flight == len(held) <= places
        await clock.settle()
        collect()
        assert at.in_flight == len(held) <= places
        while held or waiting:
            for permit in held:
                permit.close(WELL)
            held.clear()
            await clock.run_for(1.0)
            collect()
        assert (at.in_flight, at.waiting, clock.pending) == (0, 0, 0)

    run(scene)
