"""What stands before the targets, as an exchange meets it: passing over, falling back, waiting, and giving up."""

import asyncio
from dataclasses import replace

import pytest
from tests.flow.scene import DEADLINE_S, Scene

from penstock.config.targets import BreakerSettings, ConcurrencySettings, GateSettings, RetrySettings
from penstock.core.errors import (
    CircuitOpen,
    ContextTooLong,
    Overloaded,
    PenstockError,
    QueueTimeout,
    UnsupportedField,
    UpstreamAuthFailed,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from penstock.core.exchange import Priority
from penstock.core.facts import AttemptStarted, Queued, RetryDenied, TargetPassedOver
from penstock.core.outcome import CANCELLED, FAILED, Throttled
from penstock.core.ports import FailureCause
from penstock.flow.causes import cause_of

PROMPT_TOKENS = 6
DOWN, UP = "sim:fault=status@503", "sim"


def asked(scene: Scene) -> list[str]:
    return [fact.target for fact in scene.exchange.facts if isinstance(fact, AttemptStarted)]


def passed_over(scene: Scene) -> list[tuple[str, str]]:
    return [(fact.target, fact.code) for fact in scene.exchange.facts if isinstance(fact, TargetPassedOver)]


async def break_(scene: Scene, name: str) -> None:
    """Let the target fail until it counts as down."""
    for _ in range(BreakerSettings().consecutive):
        (await scene.gates.enter(scene.exchange, scene.target(name))).close(FAILED)
    assert not scene.gates.is_up(scene.target(name))


def test_a_target_that_counts_as_down_is_passed_over_without_a_call() -> None:
    async def main() -> None:
        scene = Scene(targets=[DOWN, UP], max_attempts=2)
        await break_(scene, DOWN)
        record = await scene.play()
        assert record.outcome == "completed"
        assert (record.attempts, asked(scene)) == (1, ["sim/sim"])
        assert passed_over(scene) == [(f"sim/{DOWN}", "circuit_open")]

    asyncio.run(main())


def test_with_every_target_down_the_caller_hears_so_at_once_and_nothing_is_billed() -> None:
    async def main() -> None:
        scene = Scene(targets=[DOWN, UP], max_attempts=3)
        for name in (DOWN, UP):
            await break_(scene, name)
        record = await scene.play()
        assert (record.outcome, record.outcome_code) == ("upstream_failed", "circuit_open")
        assert (record.attempts, record.cost_nanousd, record.cost_accuracy) == (0, 0, "exact")
        assert scene.sink.error is not None
        assert scene.sink.error.status == 503
        assert scene.sink.error.retry_after_s is not None
        assert record.duration_s == 0.0

    asyncio.run(main())


def test_a_failing_target_comes_to_count_as_down_through_exchanges_alone() -> None:
    async def main() -> None:
        scene = Scene(model=DOWN, max_attempts=BreakerSettings().consecutive + 1)
        await scene.begin()
        await scene.clock.run_for(DEADLINE_S)
        record = await scene.end()
        assert record.attempts == BreakerSettings().consecutive
        assert (record.cost_nanousd, record.cost_accuracy) == (0, "exact"), "a 503 is billed by nobody"
        assert passed_over(scene) == [(f"sim/{DOWN}", "circuit_open")]

    asyncio.run(main())


def test_what_was_broken_off_before_the_breaker_opened_is_still_paid_for() -> None:
    """A breaker's refusal sends nothing, so it must not hide what the call before it may have used."""

    async def main() -> None:
        settings = GateSettings(breaker=BreakerSettings(consecutive=1))
        scene = Scene(model="sim:fault=reset@0", max_attempts=2, gate_settings=settings)
        await scene.begin()
        await scene.clock.run_for(DEADLINE_S)
        record = await scene.end()
        assert record.attempts == 1
        assert (record.cost_nanousd, record.cost_accuracy) == (PROMPT_TOKENS, "estimated")

    asyncio.run(main())


@pytest.mark.parametrize(("cause", "model"), [("down", DOWN), ("limited", "sim:fault=status@429")])
def test_a_fallback_is_asked_for_its_cause_and_for_no_other(cause: FailureCause, model: str) -> None:
    async def main() -> None:
        causes: tuple[FailureCause, ...] = ("down", "limited", "slow", "context_too_long")
        for named in causes:
            scene = Scene(model=model, max_attempts=1, fallbacks=[(named, UP)])
            await scene.begin()
            await scene.clock.run_for(DEADLINE_S)
            record = await scene.end()
            assert (record.outcome == "completed") == (named == cause), (named, record.outcome_code)
            assert asked(scene)[1:] == (["sim/sim"] if named == cause else [])

    asyncio.run(main())


def test_with_the_others_down_the_same_target_is_asked_again_after_a_pause_and_not_at_once() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=flaky@1,retry_after=200ms", DOWN], max_attempts=2)
        await break_(scene, DOWN)
        await scene.begin()
        assert len(asked(scene)) == 1
        await scene.clock.run_for(1.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert len(set(asked(scene))) == 1
        assert record.attempts == 2

    asyncio.run(main())


def test_what_only_another_target_could_do_is_not_asked_of_the_same_again() -> None:
    async def main() -> None:
        scene = Scene(targets=["sim:fault=status@401", DOWN], max_attempts=3)
        await break_(scene, DOWN)
        record = await scene.play()
        assert record.outcome_code == "upstream_auth_failed"
        assert record.attempts == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("model", "is_spent", "end"),
    [
        ("sim:limit=100/60s,announced", False, "completed"),
        ("sim:limit=1/60s,announced", True, "upstream_failed"),
        ("sim:limit=100/60s", False, "completed"),
    ],
)
def test_what_the_provider_announces_reaches_its_gate_from_answers_and_from_refusals(
    model: str, *, is_spent: bool, end: str
) -> None:
    async def main() -> None:
        scene = Scene(model=model)
        if is_spent:
            (await scene.provider.open(scene.exchange.request, model, timeout_s=1.0)).close()
        assert (await scene.play()).outcome == end
        [gate] = scene.gates
        assert gate.is_paced is ("announced" in model)

    asyncio.run(main())


@pytest.mark.parametrize(("priority", "wins"), [("interactive", True), ("batch", False)])
def test_the_line_knows_the_class_of_whoever_asks(priority: Priority, wins: bool) -> None:  # noqa: FBT001 - a case
    async def main() -> None:
        one_at_a_time = GateSettings(concurrency=ConcurrencySettings(initial=1, least=1, most=1))
        first = Scene(gate_settings=one_at_a_time)
        first.exchange.principal = replace(first.exchange.principal, priority="standard")
        held = await first.gates.enter(first.exchange, first.target(UP))
        second = Scene(beside=first)
        second.exchange.principal = replace(second.exchange.principal, priority=priority)
        await first.begin()
        await second.begin()
        first.provider.hold_at(0)
        held.close(CANCELLED)
        await first.clock.settle()
        assert bool(asked(second)) is wins
        assert bool(asked(first)) is not wins
        first.provider.release()
        await first.end()
        await second.end()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (UpstreamThrottled("busy"), "limited"),
        (QueueTimeout("no turn"), "limited"),
        (Overloaded("too many"), "limited"),
        (UpstreamTimeout("slow", phase="first_event"), "slow"),
        (ContextTooLong("too long"), "context_too_long"),
        (UpstreamUnavailable("gone"), "down"),
        (UpstreamAuthFailed("key"), "down"),
        (CircuitOpen("down"), "down"),
        (UpstreamRefused("no", upstream_status=400), None),
        (UnsupportedField("no", field="n"), None),
    ],
)
def test_every_failure_has_its_cause(error: PenstockError, cause: FailureCause | None) -> None:
    assert cause_of(error) == cause


def test_a_refusal_of_the_request_itself_has_no_fallback() -> None:
    async def main() -> None:
        scene = Scene(model="sim:fault=status@400", fallbacks=[("down", UP), ("limited", UP), ("slow", UP)])
        record = await scene.play()
        assert record.outcome_code == "upstream_refused"
        assert record.attempts == 1

    asyncio.run(main())


def test_further_calls_end_where_their_budget_does() -> None:
    async def main() -> None:
        scene = Scene(
            targets=[DOWN, "sim:fault=status@500"],
            max_attempts=10,
            retry_settings=RetrySettings(floor=3),
            fallbacks=[("down", UP)],
        )
        calls = scene.gates.begin(scene.route)
        for _ in range(2):
            assert calls.may_retry()
        record = await scene.play()
        assert record.outcome == "upstream_failed"
        assert record.attempts == 2, "one call, and one more out of the budget"
        assert [fact for fact in scene.exchange.facts if isinstance(fact, RetryDenied)]

    asyncio.run(main())


def test_a_call_waits_its_turn_and_the_journal_says_how_long() -> None:
    async def main() -> None:
        scene = Scene(gate_settings=GateSettings(concurrency=ConcurrencySettings(initial=1, least=1, most=1)))
        other = await scene.gates.enter(scene.exchange, scene.target(UP))
        await scene.begin()
        await scene.clock.run_for(2.0)
        assert asked(scene) == []
        other.close(CANCELLED)
        await scene.clock.run_for(5.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert [(fact.target, fact.waited_s) for fact in record.facts if isinstance(fact, Queued)] == [("sim/sim", 2.0)]

    asyncio.run(main())


@pytest.mark.parametrize("how", ["client", "shutdown", "deadline"])
def test_a_call_that_is_given_up_while_it_waits_leaves_its_place_to_others(how: str) -> None:
    async def main() -> None:
        scene = Scene(gate_settings=GateSettings(concurrency=ConcurrencySettings(initial=1, least=1, most=1)))
        other = await scene.gates.enter(scene.exchange, scene.target(UP))
        await scene.begin()
        if how == "client":
            scene.handle.client_left()
        elif how == "shutdown":
            scene.handle.shutdown()
        else:
            await scene.clock.run_for(DEADLINE_S + 1.0)
        await scene.clock.settle()
        other.close(CANCELLED)
        record = await scene.end()
        assert record.attempts == 0
        assert record.cost_nanousd == 0
        (await scene.gates.enter(scene.exchange, scene.target(UP))).close(CANCELLED)

    asyncio.run(main())


def test_an_error_that_was_passed_over_is_a_penstock_error_of_the_gate() -> None:
    async def main() -> None:
        scene = Scene()
        await break_(scene, UP)
        with pytest.raises(PenstockError, match="not being called"):
            await scene.gates.enter(scene.exchange, scene.target(UP))

    asyncio.run(main())


@pytest.mark.parametrize("is_balanced", [True, False])
def test_a_target_that_asks_for_patience_is_not_waited_for_while_another_is_free(*, is_balanced: bool) -> None:
    async def main() -> None:
        scene = Scene(targets=[UP, "sim:echo"], is_balanced=is_balanced)
        (await scene.gates.enter(scene.exchange, scene.target(UP))).close(Throttled(20.0))
        record = await scene.play()
        assert (record.outcome, record.duration_s) == ("completed", 0.0)
        assert asked(scene) == ["sim/sim:echo"]
        assert set(passed_over(scene)) <= {("sim/sim", "queue_timeout")}

    asyncio.run(main())


def test_with_no_other_target_up_a_paused_one_is_waited_for() -> None:
    async def main() -> None:
        scene = Scene(targets=[DOWN, UP])
        await break_(scene, DOWN)
        (await scene.gates.enter(scene.exchange, scene.target(UP))).close(Throttled(20.0))
        await scene.begin()
        await scene.clock.run_for(30.0)
        record = await scene.end()
        assert record.outcome == "completed"
        assert [fact.waited_s for fact in record.facts if isinstance(fact, Queued)] == [20.0]

    asyncio.run(main())


def test_with_all_paused_the_first_in_order_is_waited_for() -> None:
    async def main() -> None:
        scene = Scene(targets=[UP, "sim:echo"])
        for name in (UP, "sim:echo"):
            (await scene.gates.enter(scene.exchange, scene.target(name))).close(Throttled(20.0))
        await scene.begin()
        await scene.clock.run_for(30.0)
        record = await scene.end()
        assert asked(scene) == ["sim/sim"]
        assert [fact.waited_s for fact in record.facts if isinstance(fact, Queued)] == [20.0]
        assert passed_over(scene) == []

    asyncio.run(main())


def test_a_short_wait_is_worth_it_even_where_another_is_free() -> None:
    async def main() -> None:
        scene = Scene(targets=[UP, "sim:echo"])
        (await scene.gates.enter(scene.exchange, scene.target(UP))).close(Throttled(0.5))
        await scene.begin()
        await scene.clock.run_for(5.0)
        await scene.end()
        assert asked(scene) == ["sim/sim"]

    asyncio.run(main())
