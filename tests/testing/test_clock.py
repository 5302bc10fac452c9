import asyncio

import pytest

from penstock.testing import FakeClock


def test_timers_fire_at_their_own_time_and_in_order() -> None:
    clock = FakeClock(monotonic_s=0.0)
    fired: list[tuple[str, float]] = []

    def note(name: str) -> None:
        fired.append((name, clock.monotonic()))

    clock.call_at(2.0, lambda: note("second"))
    clock.call_at(1.0, lambda: note("first"))
    clock.call_at(2.0, lambda: note("third"))
    clock.call_at(9.0, lambda: note("never"))
    clock.advance(3.0)
    assert fired == [("first", 1.0), ("second", 2.0), ("third", 2.0)]
    assert clock.monotonic() == 3.0
    assert clock.pending == 1


def test_a_cancelled_timer_never_fires() -> None:
    clock = FakeClock()
    fired: list[int] = []
    timer = clock.call_at(clock.monotonic() + 1, lambda: fired.append(1))
    timer.cancel()
    timer.cancel()
    clock.advance(5)
    assert not fired
    assert clock.pending == 0


def test_a_timer_set_by_a_timer_fires_within_the_same_advance() -> None:
    clock = FakeClock(monotonic_s=0.0)
    fired: list[float] = []

    def set_another() -> None:
        clock.call_at(1.5, lambda: fired.append(clock.monotonic()))

    clock.call_at(1.0, set_another)
    clock.advance(2.0)
    assert fired == [1.5]


def test_both_times_move_together_and_never_back() -> None:
    clock = FakeClock(monotonic_s=5.0, now_s=100.0)
    clock.advance(2.5)
    assert (clock.monotonic(), clock.now()) == (7.5, 102.5)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-1)


def test_a_chain_of_sleeps_elapses_in_run_for() -> None:
    async def scenario() -> list[float]:
        clock = FakeClock(monotonic_s=0.0)
        woken: list[float] = []

        async def sleeper() -> None:
            for _ in range(3):
                await clock.sleep(1.0)
                woken.append(clock.monotonic())

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sleeper())
            await clock.run_for(10.0)
        return woken

    assert asyncio.run(scenario()) == [1.0, 2.0, 3.0]


def test_advance_wakes_a_sleeper_once_the_caller_yields() -> None:
    async def scenario() -> bool:
        clock = FakeClock()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(clock.sleep(2.0))
            await clock.settle()
            clock.advance(1.0)
            await clock.settle()
            assert not task.done()
            clock.advance(1.0)
            await clock.settle()
            return task.done()

    assert asyncio.run(scenario())


def test_a_cancelled_sleep_leaves_no_timer() -> None:
    async def scenario() -> int:
        clock = FakeClock()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(clock.sleep(2.0))
            await clock.settle()
            task.cancel()
        return clock.pending

    assert asyncio.run(scenario()) == 0


def test_a_sleep_of_nothing_returns_without_an_advance() -> None:
    async def scenario() -> None:
        await asyncio.wait_for(FakeClock().sleep(0), timeout=5)

    asyncio.run(scenario())
