"""When the scripted provider answers: its latency passes on the clock that it was given, and at its gate."""

import asyncio

import pytest
from tests.testing.asking import ask

from penstock.core.errors import UpstreamTimeout
from penstock.testing import FakeClock, ScriptedProvider


def test_latency_passes_on_the_fake_clock_alone() -> None:
    async def scenario() -> list[tuple[float, int]]:
        clock = FakeClock(monotonic_s=0)
        provider = ScriptedProvider(clock=clock)
        seen: list[tuple[float, int]] = []

        async def reader() -> None:
            source = await provider.open(ask(), "sim:first=2s,gap=500ms,tokens=2", timeout_s=5)
            while (batch := await source.read()) is not None:
                seen.append((clock.monotonic(), len(batch)))
            source.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(reader())
            await clock.run_for(10)
        return seen

    assert asyncio.run(scenario()) == [(2.0, 1), (2.5, 1), (3.0, 1), (3.5, 1), (4.0, 1)]


def test_a_unary_answer_comes_when_all_of_it_has_been_made() -> None:
    async def scenario() -> float:
        clock = FakeClock(monotonic_s=0)
        provider = ScriptedProvider(clock=clock)
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(
                provider.open(ask(stream=False), "sim:first=2s,gap=500ms,tokens=2", timeout_s=5)
            )
            opening.add_done_callback(lambda _: came.append(clock.monotonic()))
            came: list[float] = []
            await clock.run_for(10)
        opening.result().close()
        return came[0]

    assert asyncio.run(scenario()) == 4.0


def test_a_head_that_takes_too_long_is_a_timeout_at_the_time_that_was_given() -> None:
    async def scenario() -> float:
        clock = FakeClock(monotonic_s=0)
        provider = ScriptedProvider(clock=clock)

        async def late() -> float:
            with pytest.raises(UpstreamTimeout) as caught:
                await provider.open(ask(), "sim:first=9s", timeout_s=3)
            assert caught.value.phase == "first_event"
            return clock.monotonic()

        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(late())
            await clock.run_for(20)
        return waiting.result()

    assert asyncio.run(scenario()) == 3.0


def test_answers_wait_at_the_gate_and_a_cancelled_read_may_be_closed() -> None:
    async def scenario() -> None:
        provider = ScriptedProvider(clock=FakeClock())
        provider.hold_at(3)
        source = await provider.open(ask(), "sim:tokens=9", timeout_s=1)
        batch = await source.read()
        assert batch is not None
        assert len(batch) == 3
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(source.read())
            await provider.wait_held()
            reading.cancel()
        provider.release()
        rest = await source.read()
        assert rest is not None
        assert len(rest) == 9
        source.close()
        assert (provider.opened, provider.closed, source.closes) == (1, 1, 1)

    asyncio.run(scenario())


def test_a_held_open_is_let_go_or_times_out() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        provider = ScriptedProvider(clock=clock)
        provider.hold_open()
        async with asyncio.TaskGroup() as tasks:
            late = tasks.create_task(_timeout(provider))
            early = tasks.create_task(provider.open(ask(), "sim", timeout_s=60))
            await provider.wait_held(2)
            await clock.run_for(5)
            assert late.done()
            assert not early.done()
            provider.release()
            (await early).close()
        assert (provider.calls, provider.opened, provider.failed, provider.closed) == (2, 1, 1, 1)
        assert clock.pending == 0

    asyncio.run(scenario())


async def _timeout(provider: ScriptedProvider) -> None:
    with pytest.raises(UpstreamTimeout):
        await provider.open(ask(), "sim", timeout_s=5)


def test_events_come_one_by_one_where_that_is_asked_for() -> None:
    async def scenario() -> list[int]:
        provider = ScriptedProvider(clock=FakeClock(), events_per_read=1)
        source = await provider.open(ask(), "sim:tokens=3", timeout_s=1)
        sizes: list[int] = []
        while (batch := await source.read()) is not None:
            sizes.append(len(batch))
        source.close()
        return sizes

    assert asyncio.run(scenario()) == [1] * 6
