"""Which target is asked next, after what pause, and what the caller hears in the end."""

import asyncio

import pytest
from tests.flow.scene import DEADLINE_S, Scene

from penstock.core.errors import AllAttemptsFailed
from penstock.core.facts import AttemptFailed, AttemptStarted, AttemptSucceeded


def _targets(scene: Scene) -> list[str]:
    return [fact.target for fact in scene.exchange.facts if isinstance(fact, AttemptStarted)]


def test_a_second_target_is_asked_at_once() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=status@503", "sim"], max_attempts=3)
        record = await scene.play()
        assert record.outcome == "completed"
        assert _targets(scene) == ["sim/sim:fault=status@503", "sim/sim"]
        assert record.target == "sim/sim", "what the ledger names is what answered"
        assert record.duration_s == 0.0
        failed = [fact for fact in scene.exchange.facts if isinstance(fact, AttemptFailed)]
        assert [(fact.code, fact.upstream_status) for fact in failed] == [("upstream_unavailable", 503)]

    asyncio.run(main())


def test_the_same_target_is_asked_again_after_what_it_asked_for() -> None:
    async def main() -> None:
        scene = Scene(model="sim:fault=flaky,retry_after=2s", max_attempts=2)
        await scene.begin()
        await scene.clock.run_for(1.9)
        assert len(_targets(scene)) == 1
        await scene.clock.run_for(0.1)
        record = await scene.end()
        assert record.outcome == "completed"
        assert record.attempts == 2

    asyncio.run(main())


def test_a_provider_that_asks_for_more_patience_than_we_have_is_not_asked_again() -> None:
    async def main() -> None:
        scene = Scene(model="sim:fault=flaky,retry_after=30s", max_attempts=3)
        record = await scene.play()
        assert record.outcome_code == "upstream_throttled"
        assert record.attempts == 1
        assert scene.sink.error is not None
        assert scene.sink.error.retry_after_s == 30.0, "the caller is told how long to wait"

    asyncio.run(main())


def test_a_refusal_is_never_repeated() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=status@400", "sim"], max_attempts=3)
        record = await scene.play()
        assert record.outcome_code == "upstream_refused"
        assert record.attempts == 1

    asyncio.run(main())


@pytest.mark.parametrize("is_streamed", [False, True])
def test_when_all_fail_the_caller_hears_of_the_last_and_the_journal_of_each(*, is_streamed: bool) -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=status@500", "sim:fault=status@503"], max_attempts=2, is_streamed=is_streamed)
        record = await scene.play()
        assert record.outcome == "upstream_failed"
        assert record.outcome_code == "all_attempts_failed"
        error = scene.sink.error
        assert isinstance(error, AllAttemptsFailed)
        assert [each.code for each in error.errors] == ["upstream_unavailable", "upstream_unavailable"]
        assert record.cost_nanousd == 0, "an answer with an error status is billed by nobody"

    asyncio.run(main())


def test_after_the_first_event_there_is_no_retry() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=cut@3", "sim"], max_attempts=3)
        record = await scene.play()
        assert record.outcome == "upstream_failed"
        assert record.attempts == 1
        assert any(isinstance(fact, AttemptSucceeded) for fact in scene.exchange.facts)

    asyncio.run(main())


def test_a_cut_before_the_first_event_is_tried_elsewhere() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=cut@1", "sim"], max_attempts=3)
        record = await scene.play()
        assert record.outcome == "completed"
        assert record.attempts == 2

    asyncio.run(main())


def test_no_pause_outlasts_the_deadline() -> None:
    async def main() -> None:
        scene = Scene(model="sim:fault=throttle,retry_after=2s", max_attempts=1000)
        await scene.begin()
        await scene.clock.run_for(DEADLINE_S)
        record = await scene.end()
        assert record.outcome == "upstream_failed"
        assert record.duration_s < DEADLINE_S

    asyncio.run(main())
