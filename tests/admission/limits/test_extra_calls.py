"""Calls beside or after the first: reserved once more, and settled together with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.admission.limits.scene import Scene

from penstock.admission.limits.limit import Budget, Limit
from penstock.core.errors import BudgetExhausted, RateLimited
from penstock.core.exchange import Exchange, ExtraCall
from penstock.core.facts import AttemptStarted
from penstock.core.ports import Target
from penstock.core.usage import UNKNOWN_COST, UNKNOWN_USAGE, Cost, NanoUsd, Usage
from penstock.testing.scripted import ScriptedProvider

ONE, TWO = (Target(f"p/{name}", ScriptedProvider(), name) for name in ("one", "two"))
REQUESTS = Limit(name="requests", unit="requests", amount=1000, per="month")
TOKENS = Limit(name="tokens", unit="tokens", amount=1000, per="month")
PLACES = Limit(name="places", unit="concurrency", amount=1)
SPEND = Budget(name="spend", per="month", scope=("tenant",), hard_nanousd=1000)
AT_TARGET = (
    Limit(name="target-requests", unit="requests", amount=1000, per="month", scope=("target",)),
    Limit(name="target-tokens", unit="tokens", amount=1000, per="month", scope=("target",)),
    Limit(name="target-places", unit="concurrency", amount=2, scope=("target",)),
)


def run(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scene)


def started(*rules: Limit | Budget) -> Scene:
    scene = Scene(rules)
    scene.supply.start()
    return scene


def spent(scene: Scene) -> dict[tuple[str, str | None], int]:
    return {
        (each.rule.name, each.scoped[-1] if each.scoped else None): each.spent for each in scene.supply.book.counters
    }


def called(exchange: Exchange, *targets: Target) -> None:
    """As the engine notes it."""
    exchange.attempts = len(targets)
    exchange.target = targets[-1]
    for number, target in enumerate(targets):
        exchange.facts.append(AttemptStarted(at_s=0.0, attempt=number + 1, target=target.name))


def ended(exchange: Exchange, *used: tuple[Target, int]) -> None:
    """The last of `used` answered; a nano-dollar a token."""
    *extras, (_, answer) = used
    exchange.extra_calls = [
        ExtraCall(target, "hedge", Usage(output_tokens=tokens), Cost(NanoUsd(tokens), "exact"))
        for target, tokens in extras
    ]
    total = answer + sum(tokens for _, tokens in extras)
    exchange.usage, exchange.cost = Usage(output_tokens=total), Cost(NanoUsd(total), "exact")
    exchange.end = "completed"
    called(exchange, *(target for target, _ in used))
    while exchange.leases:
        exchange.leases.pop().settle(exchange)


def test_an_extra_call_reserves_tokens_and_money_again_and_no_request_or_place() -> None:
    async def play() -> None:
        scene = started(REQUESTS, TOKENS, PLACES, SPEND)
        exchange = await scene.enter(scene.exchange(max_tokens=100))
        await scene.stage.reserve_call(exchange, TWO, is_extra=False)
        assert set(spent(scene).values()) == {1, 100}
        await scene.stage.reserve_call(exchange, TWO, is_extra=True)
        await scene.stage.reserve_call(exchange, ONE, is_extra=True)
        names = {name: amount for (name, _), amount in spent(scene).items()}
        assert names == {"requests": 1, "tokens": 300, "places": 1, "spend": 300}
        ended(exchange, (ONE, 7), (TWO, 40), (ONE, 20))
        names = {name: amount for (name, _), amount in spent(scene).items()}
        assert names == {"requests": 1, "tokens": 67, "places": 0, "spend": 67}

    run(play())


def test_what_all_calls_used_may_be_more_than_was_reserved_and_is_a_debt() -> None:
    async def play() -> None:
        scene = started(SPEND)
        exchange = await scene.enter(scene.exchange(max_tokens=100))
        await scene.stage.reserve_call(exchange, TWO, is_extra=True)
        ended(exchange, (TWO, 400), (ONE, 500))
        assert list(spent(scene).values()) == [900]

    run(play())


def test_an_extra_call_that_there_is_no_room_for_leaves_nothing_reserved() -> None:
    async def play() -> None:
        scene = started(SPEND, TOKENS, Limit(name="t", unit="requests", amount=1, per="month", scope=("target",)))
        others = await scene.enter(scene.exchange(max_tokens=50, targets=("p/two",)))
        exchange = await scene.enter(scene.exchange(max_tokens=100, targets=("p/one",)))
        before = spent(scene)
        with pytest.raises(RateLimited, match="`t`"):
            await scene.stage.reserve_call(exchange, TWO, is_extra=True)
        assert spent(scene) == before
        big = await scene.enter(scene.exchange(max_tokens=600, targets=("p/three",)))
        before = spent(scene)
        with pytest.raises((BudgetExhausted, RateLimited)):
            await scene.stage.reserve_call(big, TWO, is_extra=True)
        assert spent(scene) == before
        for each in (others, exchange, big):
            ended(each, (ONE, 0))

    run(play())


def test_what_nobody_knows_of_an_extra_call_stays_reserved() -> None:
    async def play() -> None:
        scene = started(TOKENS, SPEND)
        exchange = await scene.enter(scene.exchange(max_tokens=100))
        await scene.stage.reserve_call(exchange, TWO, is_extra=True)
        exchange.extra_calls = [ExtraCall(TWO, "broken_off", UNKNOWN_USAGE, UNKNOWN_COST)]
        exchange.usage = Usage(output_tokens=10).plus(UNKNOWN_USAGE)
        exchange.end = "completed"
        called(exchange, TWO, ONE)
        while exchange.leases:
            exchange.leases.pop().settle(exchange)
        assert set(spent(scene).values()) == {200}

    run(play())


def test_each_target_is_charged_for_its_own_calls() -> None:
    async def play() -> None:
        scene = started(TOKENS, *AT_TARGET)
        exchange = await scene.enter(scene.exchange(max_tokens=100, targets=("p/one",)))
        await scene.stage.reserve_call(exchange, TWO, is_extra=True)
        await scene.stage.reserve_call(exchange, TWO, is_extra=True)
        assert spent(scene)["target-places", "p/two"] == 1, "one after the other"
        assert spent(scene)["target-requests", "p/two"] == 2
        ended(exchange, (ONE, 30), (TWO, 5), (TWO, 60))
        assert spent(scene) == {
            ("tokens", None): 95,
            ("target-requests", "p/one"): 1,
            ("target-tokens", "p/one"): 30,
            ("target-places", "p/one"): 0,
            ("target-requests", "p/two"): 2,
            ("target-tokens", "p/two"): 65,
            ("target-places", "p/two"): 0,
        }

    run(play())


def test_a_target_that_was_not_called_in_the_end_is_not_charged() -> None:
    async def play() -> None:
        scene = started(*AT_TARGET)
        exchange = await scene.enter(scene.exchange(max_tokens=100, targets=("p/one",)))
        await scene.stage.reserve_call(exchange, TWO, is_extra=False)
        ended(exchange, (TWO, 60))
        assert spent(scene)["target-requests", "p/one"] == 0
        assert spent(scene)["target-tokens", "p/one"] == 0
        assert spent(scene)["target-requests", "p/two"] == 1

    run(play())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.integers(0, 300), st.booleans()), min_size=1, max_size=5))
def test_whatever_calls_there_were_what_they_used_is_what_is_booked(calls: list[tuple[Target, int, bool]]) -> None:
    async def play() -> None:
        scene = started(
            Budget(name="spend", per="month", scope=("tenant",), hard_nanousd=10**6),
            Limit(name="target-tokens", unit="tokens", amount=10**6, per="month", scope=("target",)),
        )
        exchange = await scene.enter(scene.exchange(max_tokens=100, targets=(calls[0][0].name,)))
        for target, _, is_extra in calls[1:]:
            await scene.stage.reserve_call(exchange, target, is_extra=is_extra)
        ended(exchange, *((target, tokens) for target, tokens, _ in calls))
        booked = spent(scene)
        assert booked["spend", "acme"] == sum(tokens for _, tokens, _ in calls)
        for target in (ONE, TWO):
            own = sum(tokens for called, tokens, _ in calls if called is target)
            assert booked.get(("target-tokens", target.name), 0) == own

    run(play())
