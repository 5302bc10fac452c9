"""How often the store is asked: beside the requests, and not for each of them."""

import asyncio
from collections.abc import Sequence

from tests.admission.limits.scene import Scene

from penstock.admission.limits.limit import Limit
from penstock.admission.limits.memory_store import MemoryStore
from penstock.admission.limits.slices import Ask, Replies
from penstock.core.exchange import Exchange
from penstock.testing.clock import FakeClock

BEAT_S = 0.05
PLACES = Limit(name="at-once", unit="concurrency", amount=10_000, scope=("tenant",))
REQUESTS = Limit(name="rpm", unit="requests", amount=10_000_000, per="minute", scope=("tenant",))


class CountingStore(MemoryStore):
    """Counts how often it was asked for something, batches that only ask the time left out."""

    asked = 0

    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        self.asked += bool(asks)
        return super().exchange(lease, batch, asks)


def counted(*limits: Limit) -> tuple[Scene, CountingStore]:
    clock = FakeClock()
    store = CountingStore(clock)
    scene = Scene(limits, clock=clock, store=store)
    scene.supply.start()
    return scene, store


async def entered(scene: Scene, count: int) -> list[Exchange]:
    return [await scene.enter() for _ in range(count)]


def test_bursts_of_requests_do_not_ask_the_store_for_places_each_time() -> None:
    async def play() -> None:
        scene, store = counted(PLACES, REQUESTS)

        async def bursts(count: int) -> None:
            for _ in range(count):
                for exchange in await entered(scene, 64):
                    scene.settle(exchange)
                scene.clock.advance(BEAT_S / 2)

        await bursts(40)
        store.asked = 0
        await bursts(40)
        # A second, with a look at the counters each twentieth of it; giving back between bursts would make it hundreds.
        assert store.asked <= 1 / BEAT_S

    asyncio.run(play())


def test_a_few_requests_at_once_find_places_after_a_time_of_single_ones() -> None:
    async def play() -> None:
        scene, store = counted(PLACES)
        for _ in range(100):
            scene.settle(await scene.enter())
            scene.clock.advance(BEAT_S)
        store.asked = 0
        together = await entered(scene, 8)
        assert store.asked == 0
        for exchange in together:
            scene.settle(exchange)

    asyncio.run(play())


def test_few_places_are_not_hoarded_for_what_may_come() -> None:
    async def play() -> None:
        clock = FakeClock()
        store = MemoryStore(clock)
        few = Limit(name="few", unit="concurrency", amount=8, scope=("tenant",))
        one, two = (Scene((few,), clock=clock, store=store, lease=lease) for lease in "ab")
        for scene in (one, two):
            scene.supply.start()
        for _ in range(20):
            one.settle(await one.enter())
            clock.advance(BEAT_S)
        async with asyncio.timeout(5):
            assert len(await entered(two, 6)) == 6

    asyncio.run(play())
