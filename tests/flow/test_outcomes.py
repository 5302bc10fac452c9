"""Every way an exchange can end, under both policies, unary and streamed.

What `Scene.end` checks holds for each: one record, one close of every source, every lease settled once, one close of
the sink, no timer left behind.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.flow.scene import DEADLINE_S, DRAIN_S, BlockAfter, Scene

from penstock.core.errors import LedgerUnavailable, PenstockError
from penstock.core.exchange import GonePolicy

K = 3
Play = Callable[[Scene], Awaitable[None]]

policies = pytest.mark.parametrize("policy", ["abort", "drain"])
modes = pytest.mark.parametrize("is_streamed", [False, True], ids=["unary", "stream"])


async def _leave_before_first_byte(scene: Scene) -> None:
    scene.provider.hold_open()
    await scene.begin()
    scene.handle.client_left()


async def _leave_at_k(scene: Scene) -> None:
    scene.provider.hold_at(K)
    await scene.begin()
    scene.handle.client_left()


async def _double_cancel(scene: Scene) -> None:
    scene.provider.hold_at(K)
    await scene.begin()
    scene.handle.deadline()
    scene.handle.shutdown()
    scene.handle.client_left()


async def _deadline(scene: Scene) -> None:
    scene.provider.hold_at(K)
    await scene.begin()
    await scene.clock.run_for(DEADLINE_S)


async def _shutdown(scene: Scene) -> None:
    scene.provider.hold_at(K)
    await scene.begin()
    drained = asyncio.get_running_loop().create_task(scene.engine.drain(5.0))
    await scene.clock.run_for(5.0)
    assert await drained == 1


@policies
@modes
def test_completed(*, policy: GonePolicy, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(policy=policy, is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "completed"
        assert record.usage_accuracy == "exact"
        assert record.output_tokens > 0
        assert record.cost_nanousd == record.input_tokens + record.output_tokens
        assert scene.sink.text()

    asyncio.run(main())


@policies
@modes
def test_blocked_by_a_guard(*, policy: GonePolicy, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(policy=policy, is_streamed=is_streamed, guards=[BlockAfter(K)])
        record = await scene.play()
        assert record.outcome == "blocked"
        assert record.outcome_code == "policy_blocked"
        assert record.usage_accuracy == "estimated"
        assert record.output_tokens > 0, "what the provider produced is billed, blocked or not"
        assert len(scene.sink.events) == K

    asyncio.run(main())


@modes
@pytest.mark.parametrize("leave", [_leave_before_first_byte, _leave_at_k])
def test_a_client_that_leaves_under_abort_closes_upstream_at_once(*, leave: Play, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(policy="abort", is_streamed=is_streamed)
        await leave(scene)
        await scene.clock.settle()
        assert scene.sink.closes == 1, "no time has to pass"
        record = await scene.end()
        assert record.outcome == "client_gone"
        assert record.usage_accuracy == "estimated"
        assert record.input_tokens == 6
        assert (record.output_tokens > 0) == (leave is _leave_at_k)

    asyncio.run(main())


@modes
@pytest.mark.parametrize("leave", [_leave_before_first_byte, _leave_at_k])
def test_a_client_that_leaves_under_drain_is_billed_exactly(*, leave: Play, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(policy="drain", is_streamed=is_streamed)
        await leave(scene)
        await scene.clock.settle()
        seen = len(scene.sink.events)
        scene.provider.release()
        record = await scene.end()
        assert record.outcome == "client_gone"
        assert record.usage_accuracy == "exact"
        assert len(scene.sink.events) == seen, "nothing is written to a client that left"

    asyncio.run(main())


@modes
@pytest.mark.parametrize("leave", [_leave_before_first_byte, _leave_at_k])
def test_draining_is_bounded(*, leave: Play, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(policy="drain", is_streamed=is_streamed)
        await leave(scene)
        await scene.clock.run_for(DRAIN_S)
        record = await scene.end()
        assert record.outcome == "client_gone"
        assert record.usage_accuracy == "estimated"

    asyncio.run(main())


@policies
@modes
def test_upstream_cut_at_k(*, policy: GonePolicy, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(model=f"sim:fault=cut@{K}", policy=policy, is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "upstream_failed"
        assert record.outcome_code == "upstream_protocol_error"
        # A unary answer that is cut has brought no event at all: what it cost, nobody can say.
        assert record.usage_accuracy == ("estimated" if is_streamed else "unknown")
        assert (record.cost_nanousd is None) == (not is_streamed)

    asyncio.run(main())


@policies
@modes
@pytest.mark.parametrize(
    ("play", "outcome"),
    [(_deadline, "deadline"), (_shutdown, "shutdown"), (_double_cancel, "deadline")],
)
def test_stopped_from_outside(*, play: Play, outcome: str, policy: GonePolicy, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(policy=policy, is_streamed=is_streamed)
        await play(scene)
        record = await scene.end()
        assert record.outcome == outcome
        assert isinstance(scene.sink.error, PenstockError)
        assert record.usage_accuracy == "estimated"

    asyncio.run(main())


@modes
def test_the_first_reason_to_stop_wins(*, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(is_streamed=is_streamed)
        scene.provider.hold_at(K)
        await scene.begin()
        scene.handle.client_left()
        scene.handle.shutdown()
        record = await scene.end()
        assert record.outcome == "client_gone"

    asyncio.run(main())


@policies
def test_a_stop_in_the_moment_of_completion_does_not_tear_the_last_bytes(*, policy: GonePolicy) -> None:
    """The cancellation is asked for while the task is already on its way to the end: it must not strike later."""

    async def main() -> None:
        scene = Scene(policy=policy)
        last = len(await _events_of_a_whole_answer())
        scene.provider.hold_at(last)
        await scene.begin()
        scene.provider.release()
        scene.handle.deadline()
        record = await scene.end()
        assert record.outcome in {"completed", "deadline"}

    asyncio.run(main())


async def _events_of_a_whole_answer() -> list[object]:
    scene = Scene()
    await scene.play()
    return list(scene.sink.events)


@policies
def test_a_failed_write_is_a_client_that_left(*, policy: GonePolicy) -> None:
    async def main() -> None:
        scene = Scene(policy=policy)
        scene.sink = type(scene.sink)(gone_at=K)
        record = await scene.play()
        assert record.outcome == "client_gone"
        assert record.usage_accuracy == ("exact" if policy == "drain" else "estimated")

    asyncio.run(main())


def test_an_answer_that_cannot_be_written_is_not_a_completed_one() -> None:
    async def main() -> None:
        scene = Scene(is_streamed=False)
        scene.sink.fail_complete_with = ValueError("no such shape")
        await scene.begin()
        fault = scene.faults.seen.pop()
        record = await scene.end()
        assert isinstance(fault, ValueError)
        assert record.outcome == "failed"
        assert record.outcome_code == "internal_error"
        assert record.usage_accuracy == "exact", "the provider is paid all the same"

    asyncio.run(main())


def test_what_the_journal_refuses_is_not_answered() -> None:
    async def main() -> None:
        scene = Scene()
        scene.ledger.fail_with = LedgerUnavailable("the disk is full")
        await scene.begin()
        assert scene.sink.closes == 1
        assert scene.sink.end == "failed"
        assert isinstance(scene.sink.error, LedgerUnavailable)
        assert [lease.settled for lease in scene.lease_stage.leases] == [1, 1]
        assert scene.provider.opened == scene.provider.closed

    asyncio.run(main())


@modes
@pytest.mark.parametrize("outcome", ["deadline", "shutdown"])
def test_stopped_before_the_first_byte_is_an_estimate_and_not_free(*, outcome: str, is_streamed: bool) -> None:
    """The provider has the prompt and may bill it: nobody said that it cost nothing."""

    async def main() -> None:
        scene = Scene(is_streamed=is_streamed)
        scene.provider.hold_open()
        await scene.begin()
        if outcome == "deadline":
            scene.handle.deadline()
        else:
            scene.handle.shutdown()
        record = await scene.end()
        assert record.outcome == outcome
        assert record.usage_accuracy == "estimated"
        assert record.input_tokens == 6
        assert record.cost_nanousd == 6

    asyncio.run(main())
