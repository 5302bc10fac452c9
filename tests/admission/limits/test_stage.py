"""What a caller meets: admitted or refused, what it is told, what its answer costs in the end."""

import asyncio

import pytest
from tests.admission.limits.admitting import FIVE_A_MINUTE, admitted, run
from tests.admission.limits.scene import Scene
from tests.admission.limits.unsteady import UnsteadyStore

from penstock.admission.limits.limit import Budget, Limit, Override
from penstock.core.errors import BudgetExhausted, ConfigError, RateLimited
from penstock.core.facts import BudgetCapped, LimitRefused, LimitShadowed
from penstock.core.ports import Target
from penstock.testing.clock import FakeClock
from penstock.testing.scripted import ScriptedProvider

MINUTE = 60


def test_so_many_requests_a_minute_and_then_no_more_until_the_next() -> None:
    async def play() -> None:
        scene = Scene((FIVE_A_MINUTE,))
        scene.supply.start()
        assert len(await admitted(scene, 20)) == 5
        with pytest.raises(RateLimited) as refused:
            await scene.enter()
        assert refused.value.retry_after_s == pytest.approx(MINUTE - scene.clock.now() % MINUTE)
        assert "`rpm` (tenant acme) allows 5 requests a minute" in refused.value.public
        scene.clock.advance(refused.value.retry_after_s or 0)
        assert len(await admitted(scene, 20)) == 5

    run(play())


def test_each_combination_of_values_has_a_counter_of_its_own() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="u", unit="requests", amount=2, per="hour", scope=("user", "assistant")),))
        scene.supply.start()
        for fields in ({"user": "ann"}, {"user": "bob"}, {"user": "ann", "model": "other"}, {"user": None}):
            assert len(await admitted(scene, 5, **fields)) == 2
        assert len(await admitted(scene, 5, user="ann", tenant="elsewhere")) == 2, "a user belongs to a tenant"

    run(play())


def test_a_selector_leaves_everybody_else_alone() -> None:
    async def play() -> None:
        scene = Scene(
            (Limit(name="trial", unit="requests", amount=1, per="day", scope=("tenant",), where=(("tenant", "t"),)),)
        )
        scene.supply.start()
        assert len(await admitted(scene, 3, tenant="t")) == 1
        assert len(await admitted(scene, 3, tenant="acme")) == 3

    run(play())


def test_all_limits_or_none_are_taken() -> None:
    async def play() -> None:
        wide = Limit(name="wide", unit="requests", amount=100, per="minute")
        scene = Scene((wide, FIVE_A_MINUTE))
        scene.supply.start()
        await admitted(scene, 20)
        spent = {each.rule.name: each.spent for each in scene.supply.book.counters}
        assert spent == {"wide": 5, "rpm": 5}

    run(play())


def test_tokens_are_reserved_by_estimate_and_settled_by_use() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="tpm", unit="tokens", amount=1000, per="minute"),))
        scene.supply.start()
        first = await scene.enter(scene.exchange(max_tokens=900))
        with pytest.raises(RateLimited):
            await scene.enter(scene.exchange(max_tokens=101))
        scene.settle(first, into=5, out=15)
        scene.clock.advance(0.3)
        second = await scene.enter(scene.exchange(max_tokens=980))
        scene.settle(second, into=0, out=1500)
        scene.clock.advance(0.3)
        with pytest.raises(RateLimited):
            await scene.enter(scene.exchange(max_tokens=1))

    run(play())


def test_what_is_not_known_to_be_used_is_not_given_back() -> None:
    async def play() -> None:
        for limit in (
            Budget(name="b", per="day", scope=("tenant",), hard_nanousd=1000),
            Limit(name="t", unit="tokens", amount=1000, per="day"),
        ):
            scene = Scene((limit,))
            scene.supply.start()
            exchange = await scene.enter(scene.exchange(max_tokens=600))
            scene.settle(exchange, is_known=False)
            scene.clock.advance(5)
            with pytest.raises(BudgetExhausted if isinstance(limit, Budget) else RateLimited):
                await scene.enter(scene.exchange(max_tokens=401))
            await scene.enter(scene.exchange(max_tokens=400))

    run(play())


def test_what_was_refused_further_on_costs_nothing() -> None:
    async def play() -> None:
        scene = Scene((FIVE_A_MINUTE,))
        scene.supply.start()
        for _ in range(20):
            scene.settle(await scene.enter(), end="rejected", attempts=0)
        for _ in range(5):
            scene.settle(await scene.enter(), attempts=0)  # answered by a stage: that counts
        with pytest.raises(RateLimited):
            await scene.enter()

    run(play())


def test_concurrency_is_given_back_at_the_end() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="c", unit="concurrency", amount=3, scope=("tenant",)),))
        scene.supply.start()
        running = await admitted(scene, 10)
        assert len(running) == 3
        scene.settle(running[0])
        scene.clock.advance(0.3)
        assert len(await admitted(scene, 10)) == 1

    run(play())


def test_a_request_larger_than_the_limit_is_told_that_it_never_can() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="tpm", unit="tokens", amount=1000, per="minute"),))
        scene.supply.start()
        with pytest.raises(RateLimited, match="can never succeed") as refused:
            await scene.enter(scene.exchange(max_tokens=1001))
        assert (refused.value.retry_after_s, refused.value.retry) == (None, "never")

    run(play())


def test_five_hundred_at_once_against_a_budget_worth_a_hundred() -> None:
    async def play() -> None:
        scene = Scene((Budget(name="b", per="month", scope=("tenant",), hard_nanousd=100 * 10),))
        scene.supply.start()
        let_in = await admitted(scene, 500, max_tokens=10)
        assert len(let_in) == 100
        for each in let_in:
            scene.settle(each, out=10)
        scene.clock.advance(5)
        assert await admitted(scene, 500, max_tokens=10) == []

    run(play())


def test_each_threshold_is_noticed_once_a_period() -> None:
    async def play() -> None:
        scene = Scene((Budget(name="b", per="hour", scope=("tenant",), hard_nanousd=1000, soft_nanousd=600),))
        scene.supply.start()
        for _ in range(10):
            scene.settle(await scene.enter(scene.exchange(max_tokens=100)), out=100)
            scene.clock.advance(1)
        scene.clock.advance(5)
        assert [each.percent for each in scene.notices] == [50, None, 75, 90, 100]
        assert [each.used_nanousd for each in scene.notices] == [500, 600, 800, 900, 1000]
        assert len({each.id for each in scene.notices}) == 5
        scene.clock.advance(3600)
        scene.settle(await scene.enter(scene.exchange(max_tokens=500)), out=500)
        scene.clock.advance(5)
        assert [each.percent for each in scene.notices][5:] == [50]

    run(play())


def test_a_budget_that_is_only_soft_refuses_nobody() -> None:
    async def play() -> None:
        scene = Scene((Budget(name="b", per="day", scope=("tenant",), soft_nanousd=100),))
        scene.supply.start()
        for each in await admitted(scene, 50):
            scene.settle(each, out=10)
        scene.clock.advance(3)
        assert [each.percent for each in scene.notices] == [50, 75, 90, 100, None]

    run(play())


def test_a_budget_may_go_on_in_another_form_and_still_counts_it() -> None:
    async def play() -> None:
        scene = Scene((Budget(name="b", per="day", scope=("tenant",), hard_nanousd=100, on_exhausted="cheaper_tier"),))
        scene.supply.start()
        first = await scene.enter(scene.exchange(max_tokens=95))
        assert first.budget_action is None
        scene.settle(first, out=95)
        second = await scene.enter(scene.exchange(max_tokens=10))
        assert second.budget_action == "cheaper_tier"
        assert [fact for fact in second.facts if isinstance(fact, BudgetCapped)]
        scene.settle(second, out=7)
        scene.clock.advance(2)
        assert [(each.used, each.spent) for each in scene.supply.book.counters] == [(102, 102)]

    run(play())


def test_an_override_holds_until_it_expires() -> None:
    async def play() -> None:
        clock = FakeClock()
        override = Override(raise_nanousd=900, expires_at=clock.now() + 600, where=(("tenant", "acme"),))
        scene = Scene(
            (Budget(name="b", per="day", scope=("tenant",), hard_nanousd=100, overrides=(override,)),), clock=clock
        )
        scene.supply.start()
        assert len(await admitted(scene, 50, max_tokens=10, tenant="other")) == 10
        assert len(await admitted(scene, 50, max_tokens=10)) == 50
        clock.advance(601)
        assert len(await admitted(scene, 1, max_tokens=10)) == 0

    run(play())


def test_an_unknown_price_is_refused_under_a_hard_budget_and_only_there() -> None:
    async def play() -> None:
        scene = Scene((Budget(name="b", per="day", scope=("tenant",), hard_nanousd=10**9),))
        scene.supply.start()
        with pytest.raises(BudgetExhausted, match="price of `mystery` is not known"):
            await scene.enter(scene.exchange(model="mystery"))
        soft = Scene((Budget(name="b", per="day", scope=("tenant",), soft_nanousd=10**9),))
        soft.supply.start()
        await soft.enter(soft.exchange(model="mystery"))

    run(play())


def test_shadow_refuses_nobody_and_says_whom_it_would_have() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="s", unit="requests", amount=5, per="minute", mode="shadow"),))
        scene.supply.start()
        let_in = [await scene.enter() for _ in range(12)]
        would = [any(isinstance(fact, LimitShadowed) for fact in each.facts) for each in let_in]
        assert would == [False] * 5 + [True] * 7

    run(play())


def test_limits_on_a_target_hold_for_each_attempt() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="t", unit="requests", amount=2, per="minute", scope=("target",)),))
        scene.supply.start()
        first, second = await admitted(scene, 5, targets=("p/one", "p/two"))
        third = scene.exchange(targets=("p/two",))
        await scene.stage.enter(third)
        two = Target("p/two", ScriptedProvider(), "two")
        await scene.stage.reserve_call(first, two, is_extra=False)
        await scene.stage.reserve_call(first, two, is_extra=False)
        with pytest.raises(RateLimited):
            await scene.stage.reserve_call(second, two, is_extra=False)

    run(play())


def test_the_answer_says_what_is_left() -> None:
    async def play() -> None:
        scene = Scene((FIVE_A_MINUTE, Limit(name="tpm", unit="tokens", amount=1000, per="hour")))
        scene.supply.start()
        exchange = await scene.enter(scene.exchange(max_tokens=100))
        assert dict(scene.stage.headers(exchange)) == {
            "x-ratelimit-limit-requests": "5",
            "x-ratelimit-remaining-requests": "4",
            "x-ratelimit-reset-requests": "1m0s",
            "x-ratelimit-limit-tokens": "1000",
            "x-ratelimit-remaining-tokens": "900",
            "x-ratelimit-reset-tokens": "1h0m0s",
        }

    run(play())


def test_a_replaced_set_keeps_the_counters_of_what_stays() -> None:
    async def play() -> None:
        scene = Scene((FIVE_A_MINUTE,))
        scene.supply.start()
        assert len(await admitted(scene, 3)) == 3
        scene.stage.replace((Limit(name="rpm", unit="requests", amount=8, per="minute", scope=("tenant",)),))
        assert len(await admitted(scene, 20)) == 5
        scene.stage.replace((FIVE_A_MINUTE, Limit(name="new", unit="requests", amount=2, per="minute")))
        assert len(await admitted(scene, 20)) == 0
        with pytest.raises(ConfigError, match="two limits"):
            scene.stage.replace((FIVE_A_MINUTE, FIVE_A_MINUTE))

    run(play())


@pytest.mark.parametrize("is_served_first", [False, True])
def test_a_waiting_request_that_is_cancelled_leaves_nothing_reserved(*, is_served_first: bool) -> None:
    async def play() -> None:
        clock = FakeClock()
        store = UnsteadyStore(clock)
        scene = Scene((FIVE_A_MINUTE,), clock=clock, store=store)
        scene.supply.start()
        store.is_away = True
        task = asyncio.get_running_loop().create_task(scene.stage.enter(scene.exchange()))
        await clock.settle()
        if is_served_first:
            store.is_away = False
            clock.advance(0.2)  # the reservation is made, and its task has not run yet
            assert scene.supply.book.counters[0].spent == 1
        task.cancel()
        await clock.settle()
        store.is_away = False
        clock.advance(1)
        assert scene.supply.health().waiting == 0
        assert len(await admitted(scene, 20)) == 5

    run(play())


def test_a_refusal_is_a_fact_with_its_limit() -> None:
    async def play() -> None:
        scene = Scene((Limit(name="none", unit="requests", amount=0, per="day"),))
        scene.supply.start()
        exchange = scene.exchange()
        with pytest.raises(RateLimited):
            await scene.enter(exchange)
        assert [(f.limit, f.unit) for f in exchange.facts if isinstance(f, LimitRefused)] == [("none", "requests")]

    run(play())
