"""Which target is asked next, after what pause, and what the caller hears in the end."""

import asyncio

import pytest
from tests.flow.scene import DEADLINE_S, Scene

from penstock.core.errors import (
    AllAttemptsFailed,
    BudgetExhausted,
    CircuitOpen,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.exchange import Exchange
from penstock.core.facts import AttemptFailed, AttemptStarted, AttemptSucceeded, ExtraCallBilled, FellBack
from penstock.core.outcome import FAILED, Succeeded
from penstock.core.ports import FailureCause, Fallback, Target
from penstock.providers.http_client import connect_error

PROMPT_TOKENS = 6


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


def test_of_equal_targets_the_less_loaded_is_asked_first() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:first=1s", "sim:first=10ms"], is_balanced=True)
        for name, latency_s in (("sim:first=1s", 1.0), ("sim:first=10ms", 0.01)):
            permit = await scene.gates.enter(scene.exchange, scene.target(name))
            permit.first_event(latency_s)
            permit.close(Succeeded(latency_s, latency_s))
        await scene.begin()
        await scene.clock.run_for(2.0)
        record = await scene.end()
        assert record.target == "sim/sim:first=10ms"

    asyncio.run(main())


def test_of_equal_targets_one_that_is_down_is_not_asked_first() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=status@503", "sim"], is_balanced=True)
        for _ in range(8):
            (await scene.gates.enter(scene.exchange, scene.target("sim:fault=status@503"))).close(FAILED)
        record = await scene.play()
        assert (record.target, record.attempts) == ("sim/sim", 1)

    asyncio.run(main())


def test_an_answer_takes_with_it_what_the_calls_before_it_may_have_cost() -> None:
    """A call that broke off before its answer may be billed, a refused one is not."""

    async def main() -> None:
        for fault, paid in (("reset@0", True), ("status@503", False)):
            scene = Scene(targets=[f"sim:fault={fault}", "sim"], max_attempts=2)
            record = await scene.play()
            alone = await Scene().play()
            assert record.outcome == "completed"
            assert (record.cost_nanousd or 0) - (alone.cost_nanousd or 0) == (PROMPT_TOKENS if paid else 0)
            assert record.cost_accuracy == ("estimated" if paid else "exact")

    asyncio.run(main())


def test_a_filtered_answer_goes_to_whoever_is_named_for_it_and_is_paid_for() -> None:
    async def main() -> None:
        scene = Scene(model="sim:fault=content_filter@0", fallbacks=[("content_refused", "sim")])
        record = await scene.play()
        assert (record.outcome, record.target) == ("completed", "sim/sim")
        assert [fact.code for fact in record.facts if isinstance(fact, AttemptFailed)] == ["content_refused"]
        assert len([fact for fact in record.facts if isinstance(fact, ExtraCallBilled)]) == 1
        unwatched = await Scene(model="sim:fault=content_filter@0", fallbacks=[("down", "sim")]).play()
        assert (unwatched.outcome, unwatched.attempts) == ("completed", 1)

    asyncio.run(main())


def test_the_steps_down_end_at_a_text_that_was_written_for_it() -> None:
    async def main() -> None:
        steps: list[Fallback | tuple[FailureCause, str]] = [
            Fallback(frozenset({"limited"}), answer="never this"),
            ("down", "sim:fault=throttle"),
            Fallback(frozenset({"down"}), answer="nor this"),
            Fallback(frozenset({"limited"}), answer="We are busy. Please come back."),
        ]
        scene = Scene(model="sim:fault=status@503", fallbacks=steps)
        await scene.begin()
        await scene.clock.run_for(30.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert scene.sink.text() == "We are busy. Please come back."
        assert scene.exchange.is_canned
        assert [(fact.cause, fact.targets) for fact in record.facts if isinstance(fact, FellBack)] == [
            ("down", ("sim/sim:fault=throttle",)),
            ("limited", ()),
        ]
        assert record.cost_nanousd == 0

    asyncio.run(main())


def test_further_calls_are_allowed_one_by_one_and_a_refused_one_is_not_made() -> None:
    asked: list[tuple[str, bool]] = []

    class Once:
        async def reserve_call(self, exchange: Exchange, target: Target, *, is_extra: bool) -> None:
            asked.append((target.name, is_extra))
            if len(asked) > 1:
                raise BudgetExhausted("no more")

    async def main() -> None:
        scene = Scene(targets=["sim:fault=reset@0", "sim:fault=status@503", "sim"], max_attempts=3, allowance=Once())
        record = await scene.play()
        assert asked[:2] == [("sim/sim:fault=status@503", True), ("sim/sim", True)]
        assert record.attempts == 2
        assert record.outcome == "upstream_failed"

    asyncio.run(main())


def test_a_call_that_never_reached_its_provider_may_not_be_billed() -> None:
    refused = connect_error(ConnectionRefusedError("nobody listens"))
    assert not refused.may_be_billed
    assert not UpstreamTimeout("no connection", phase="connect").may_be_billed
    assert UpstreamTimeout("no answer", phase="first_event").may_be_billed
    assert not CircuitOpen("down").may_be_billed
    assert UpstreamUnavailable("the connection was cut").may_be_billed
    assert not UpstreamUnavailable("503", upstream_status=503).may_be_billed
