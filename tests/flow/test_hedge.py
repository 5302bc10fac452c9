"""A second call beside one that is late: the first answer is taken, the other call ends at once and is paid for."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.flow.scene import Scene

from penstock.config.targets import HedgeSettings
from penstock.core.errors import BudgetExhausted
from penstock.core.exchange import Exchange
from penstock.core.facts import AttemptStarted, AttemptSucceeded, ExtraCallBilled, Hedged
from penstock.core.outcome import Succeeded
from penstock.core.ports import Target
from penstock.core.record import Settled

PROMPT_TOKENS, SAID_TOKENS = 6, 9
USUAL, SLOW, QUICK = "sim:first=100ms", "sim:first=20s", "sim:first=10ms"
GENEROUS = HedgeSettings(max_calls=1.0, max_spend=1.0)


async def learn(scene: Scene, name: str, *, latency_s: float = 0.1, times: int = 30) -> None:
    """Let the target's gate know how long it usually takes, and the route what it usually spends."""
    for _ in range(times):
        permit = await scene.gates.enter(scene.exchange, scene.target(name))
        permit.first_event(latency_s)
        permit.close(Succeeded(latency_s, latency_s))
        scene.gates.begin(scene.route).budget.spent(1_000_000)


def facts(record: Settled, kind: type) -> Sequence[object]:
    return [fact for fact in record.facts if type(fact) is kind]


def started(record: Settled) -> list[str]:
    return [fact.target for fact in record.facts if isinstance(fact, AttemptStarted)]


def lost(record: Settled) -> list[tuple[str, str, int]]:
    return [(f.target, f.why, f.input_tokens) for f in record.facts if isinstance(f, ExtraCallBilled)]


@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_late_call_is_overtaken_by_one_at_another_target(*, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(targets=[SLOW, QUICK], is_hedged=True, is_streamed=is_streamed, hedging=GENEROUS)
        await learn(scene, SLOW)
        await scene.begin()
        await scene.clock.run_for(1.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert started(record) == [f"sim/{SLOW}", f"sim/{QUICK}"]
        assert record.target == f"sim/{QUICK}"
        assert record.duration_s < 0.2
        assert [fact.attempt for fact in record.facts if isinstance(fact, AttemptSucceeded)] == [2]
        assert lost(record) == [(f"sim/{SLOW}", "hedge", PROMPT_TOKENS)]
        assert record.input_tokens == SAID_TOKENS + PROMPT_TOKENS
        assert record.cost_accuracy == "estimated"
        assert (record.cost_nanousd or 0) > record.input_tokens

    asyncio.run(main())


def test_a_call_that_is_not_late_has_nothing_beside_it() -> None:
    async def main() -> None:
        scene = Scene(targets=[USUAL, QUICK], is_hedged=True, hedging=GENEROUS)
        await learn(scene, USUAL, latency_s=0.5)
        await scene.begin()
        await scene.clock.run_for(1.0)
        record = await scene.end()
        assert (record.attempts, facts(record, Hedged), lost(record)) == (1, [], [])

    asyncio.run(main())


def test_the_first_call_may_still_win_and_then_the_second_is_the_one_that_is_paid_beside_it() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:first=300ms", SLOW], is_hedged=True, hedging=GENEROUS)
        await learn(scene, "sim:first=300ms")
        await scene.begin()
        await scene.clock.run_for(1.0)
        record = await scene.end()
        assert record.target == "sim/sim:first=300ms"
        assert [fact.attempt for fact in record.facts if isinstance(fact, AttemptSucceeded)] == [1]
        assert lost(record) == [(f"sim/{SLOW}", "hedge", PROMPT_TOKENS)]

    asyncio.run(main())


def test_with_one_target_the_second_call_goes_there_too() -> None:
    async def main() -> None:
        scene = Scene(model="sim:first=oneof(20s/10ms)", is_hedged=True, hedging=GENEROUS)
        await learn(scene, scene.model)
        for _ in range(20):
            another = Scene(model=scene.model, beside=scene, is_hedged=True)
            await another.begin()
            await scene.clock.run_for(21.0)
            record = await another.end()
            if facts(record, Hedged):
                assert started(record) == [f"sim/{scene.model}"] * 2
                return
        pytest.fail("twenty draws and none was late")

    asyncio.run(main())


def test_where_nothing_is_known_of_the_target_nothing_is_late() -> None:
    async def main() -> None:
        scene = Scene(targets=[SLOW, QUICK], is_hedged=True, hedging=GENEROUS)
        await scene.begin()
        await scene.clock.run_for(30.0)
        assert (await scene.end()).attempts == 1

    asyncio.run(main())


def test_beyond_its_part_of_the_spend_there_is_no_second_call() -> None:
    async def main() -> None:
        scene = Scene(targets=[SLOW, QUICK], is_hedged=True, hedging=HedgeSettings(max_spend=0.0))
        await learn(scene, SLOW)
        await scene.begin()
        await scene.clock.run_for(30.0)
        record = await scene.end()
        assert (record.attempts, facts(record, Hedged)) == (1, [])

    asyncio.run(main())


@pytest.mark.parametrize("late", [SLOW, "sim:first=300ms,fault=status@503"])
def test_a_second_call_that_fails_leaves_the_first_one_its_chance(late: str) -> None:
    async def main() -> None:
        scene = Scene(targets=[late, "sim:fault=status@503"], is_hedged=True, hedging=GENEROUS)
        await learn(scene, late)
        await scene.begin()
        await scene.clock.run_for(30.0)
        record = await scene.end()
        assert record.attempts == 2
        if late == SLOW:
            assert (record.outcome, record.target) == ("completed", f"sim/{SLOW}")
        else:
            assert record.outcome_code == "upstream_unavailable"

    asyncio.run(main())


@pytest.mark.parametrize("how", ["client", "shutdown", "deadline"])
def test_stopped_in_the_middle_of_the_race_nothing_stays_open_and_both_calls_are_paid_for(how: str) -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:first=100s", "sim:first=90s"], is_hedged=True, hedging=GENEROUS)
        await learn(scene, "sim:first=100s")
        await scene.begin()
        await scene.clock.run_for(1.0)
        if how == "client":
            scene.handle.client_left()
        elif how == "shutdown":
            scene.handle.shutdown()
        else:
            await scene.clock.run_for(60.0)
        record = await scene.end()
        assert record.attempts == 2
        assert [tokens for _, _, tokens in lost(record)] == [PROMPT_TOKENS] * 2
        assert record.input_tokens == 2 * PROMPT_TOKENS

    asyncio.run(main())


def test_two_answers_in_the_same_moment_are_one_answer() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:echo", "sim"], is_hedged=True, hedging=GENEROUS)
        await learn(scene, "sim:echo")
        scene.provider.hold_open()
        await scene.begin()
        await scene.clock.run_for(1.0)
        scene.provider.release()
        record = await scene.end()
        assert record.target == "sim/sim:echo"
        assert len(facts(record, AttemptSucceeded)) == 1
        assert [target for target, _, _ in lost(record)] == ["sim/sim"]

    asyncio.run(main())


def said(record: Settled) -> list[tuple[str, str, int, int]]:
    billed = [fact for fact in record.facts if isinstance(fact, ExtraCallBilled)]
    return [(f.target, f.why, f.input_tokens, f.output_tokens) for f in billed]


def test_an_answer_in_one_piece_is_fetched_as_a_stream_so_that_the_call_that_loses_costs_its_prompt() -> None:
    async def main() -> None:
        scene = Scene(targets=[SLOW, QUICK], is_hedged=True, is_streamed=False, streams_whole=True, hedging=GENEROUS)
        await learn(scene, SLOW)
        await scene.begin()
        await scene.clock.run_for(1.0)
        record = await scene.end()
        assert {source.request.stream for source in scene.provider.sources} == {True}
        assert not record.is_streamed
        assert said(record) == [(f"sim/{SLOW}", "hedge", PROMPT_TOKENS, 0)]
        assert record.outcome == "completed"
        assert record.output_tokens > 0
        assert len(scene.sink.text().split()) == record.output_tokens
        assert record.first_event_s == record.duration_s, "its client has seen nothing of it before its end"

    asyncio.run(main())


def test_one_that_breaks_off_on_its_way_is_a_failed_call_and_another_follows() -> None:
    async def main() -> None:
        broken = "sim:first=10ms,gap=10ms,fault=cut@3"
        scene = Scene(targets=[broken, QUICK], is_hedged=True, is_streamed=False, streams_whole=True, max_attempts=2)
        await scene.begin()
        await scene.clock.run_for(1.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert started(record) == [f"sim/{broken}", f"sim/{QUICK}"]
        assert [fact.attempt for fact in record.facts if isinstance(fact, AttemptSucceeded)] == [2]
        [(target, why, prompt, output)] = said(record)
        assert (target, why, prompt) == (f"sim/{broken}", "broken_off", PROMPT_TOKENS)
        assert 0 < output < record.output_tokens, "what it had said is paid for, and no more"

    asyncio.run(main())


@pytest.mark.parametrize("how", ["client", "shutdown", "deadline"])
def test_stopped_while_the_pieces_come_what_had_come_is_paid_for_and_nothing_stays_open(how: str) -> None:
    async def main() -> None:
        scene = Scene(model="sim:first=10ms,gap=20s", is_hedged=True, is_streamed=False, streams_whole=True)
        await scene.begin()
        await scene.clock.run_for(50.0)
        if how == "client":
            scene.handle.client_left()
        elif how == "shutdown":
            scene.handle.shutdown()
        else:
            await scene.clock.run_for(15.0)
        record = await scene.end()
        [(_, why, prompt, output)] = said(record)
        assert (why, prompt) == ("broken_off", PROMPT_TOKENS)
        assert 0 < output < 9
        assert (record.input_tokens, record.output_tokens) == (PROMPT_TOKENS, output)
        assert (record.cost_nanousd, record.cost_accuracy) == (PROMPT_TOKENS + output, "estimated")

    asyncio.run(main())


def test_a_second_call_that_is_not_allowed_is_not_made() -> None:
    class Refuses:
        async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None:
            assert is_extra
            raise BudgetExhausted("no")

    async def main() -> None:
        scene = Scene(targets=[SLOW, QUICK], is_hedged=True, hedging=GENEROUS, allowance=Refuses())
        await learn(scene, SLOW)
        await scene.begin()
        await scene.clock.run_for(30.0)
        record = await scene.end()
        assert (record.outcome, record.attempts) == ("completed", 1)

    asyncio.run(main())


def test_the_slow_ones_that_lost_still_count_as_slow() -> None:
    """Were they forgotten, the quantile would fall with every hedge, and in the end everything would be late."""

    async def main() -> None:
        scene = Scene(targets=[SLOW, QUICK], is_hedged=True, hedging=GENEROUS)
        await learn(scene, SLOW, times=100)
        for _ in range(60):
            another = Scene(targets=[SLOW, QUICK], beside=scene, is_hedged=True)
            await another.begin()
            await scene.clock.run_for(0.3)
            await another.end()
        after_s = scene.gates.hedge_after_s(scene.target(SLOW))
        assert after_s is not None
        assert after_s >= 0.1

    asyncio.run(main())
