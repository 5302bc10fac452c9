"""Limits whose store is away: what is still let in, and who is not concerned."""

import asyncio

import pytest
from tests.admission.limits.admitting import FIVE_A_MINUTE, admitted, run
from tests.admission.limits.scene import Scene
from tests.admission.limits.unsteady import UnsteadyStore

from penstock.admission.limits.limit import Limit
from penstock.core.errors import Overloaded
from penstock.core.facts import LimitStoreLost
from penstock.testing.clock import FakeClock


def test_without_a_store_what_is_leased_is_used_up_and_then_all_is_closed() -> None:
    async def play() -> None:
        clock = FakeClock()
        store = UnsteadyStore(clock)
        scene = Scene((Limit(name="l", unit="requests", amount=1000, per="day"),), clock=clock, store=store)
        scene.supply.start()
        await admitted(scene, 20)
        clock.advance(0.1)
        leased = scene.supply.book.counters[0].held - 20
        assert leased > 0
        store.is_away = True
        clock.advance(0.5)
        leased = scene.supply.book.counters[0].held - 20
        clock.advance(5)
        health = scene.supply.health()
        assert health.is_store_lost
        assert health.lost_s > 2
        for _ in range(leased):
            exchange = await scene.enter()
            assert any(isinstance(fact, LimitStoreLost) and fact.is_admitted for fact in exchange.facts)
        with pytest.raises(Overloaded, match="cannot be checked"):
            await scene.enter()
        store.is_away = False
        clock.advance(1)
        assert not scene.supply.health().is_store_lost
        await scene.enter()

    run(play())


def test_without_a_store_a_limit_that_closes_refuses_at_once() -> None:
    async def play() -> None:
        clock = FakeClock()
        store = UnsteadyStore(clock)
        limit = Limit(name="l", unit="requests", amount=1000, per="day", on_store_loss="closed")
        scene = Scene((limit,), clock=clock, store=store)
        scene.supply.start()
        await admitted(scene, 20)
        clock.advance(0.1)
        store.is_away = True
        clock.advance(5)
        exchange = scene.exchange()
        with pytest.raises(Overloaded):
            await scene.enter(exchange)
        assert any(isinstance(fact, LimitStoreLost) and not fact.is_admitted for fact in exchange.facts)

    run(play())


def test_a_store_that_was_never_there_lets_nobody_in() -> None:
    async def play() -> None:
        clock = FakeClock()
        store = UnsteadyStore(clock)
        store.is_away = True
        scene = Scene((FIVE_A_MINUTE,), clock=clock, store=store)
        scene.supply.start()
        task = asyncio.get_running_loop().create_task(scene.stage.enter(scene.exchange()))
        await clock.run_for(3)
        with pytest.raises(Overloaded):
            await task

    run(play())


def test_a_store_that_was_never_there_stands_in_nobodys_way_whom_no_limit_concerns() -> None:
    async def play() -> None:
        clock = FakeClock()
        store = UnsteadyStore(clock)
        store.is_away = True
        limit = Limit(name="l", unit="requests", amount=1, per="day", where=(("tenant", "acme"),))
        scene = Scene((limit,), clock=clock, store=store)
        scene.supply.start()
        clock.advance(5)
        scene.settle(await scene.enter(scene.exchange(tenant="other")))
        with pytest.raises(Overloaded):
            await scene.enter(scene.exchange(tenant="acme"))

    run(play())
