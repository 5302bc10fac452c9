"""What processes share of kept answers through a real PostgreSQL, and what is dropped everywhere."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b

import msgspec
import psycopg
import pytest
from tests.cache.scene import Scene, question

from penstock.cache import store
from penstock.cache.drops import Drops
from penstock.cache.entry import Drop, Entry, encode_events
from penstock.cache.exact import Shown
from penstock.cache.link import Bounds, StoreLink
from penstock.cache.lru import Lru
from penstock.cache.shelf import Shelf
from penstock.core.clock import SystemClock
from penstock.core.events import Finish, Text
from penstock.core.exchange import CacheMark
from penstock.core.facts import CacheHit
from penstock.testing.clock import FakeClock

CLOCK = SystemClock()
BOUNDS = Bounds(lookup_s=5.0, waiting_bytes=1 << 20, known_entries=100)
EVENTS = encode_events([Text("an answer"), Finish("stop")])


def key_of(number: int) -> bytes:
    return blake2b(number.to_bytes(4), digest_size=32).digest()


def entry(number: int, *, tenant: str = "t", model: str = "m", tags: tuple[str, ...] = ()) -> Entry:
    return Entry(
        id=f"ex_{number}",
        kind="exact",
        key=key_of(number),
        partition=b"p" * 32,
        tenant=tenant,
        model=model,
        target="sim/m",
        events=EVENTS,
        created_at=CLOCK.now(),
        expires_at=CLOCK.now() + 3600.0,
        input_tokens=3,
        output_tokens=4,
        cost_nanousd=7,
        tags=tags,
    )


def connected(url: str) -> Callable[[], psycopg.Connection]:
    def connect() -> psycopg.Connection:
        return psycopg.connect(url, connect_timeout=5)

    return connect


@asynccontextmanager
async def process(url: str, bounds: Bounds = BOUNDS) -> AsyncGenerator[tuple[Shelf, StoreLink]]:
    """The cache of one process."""
    drops = Drops()
    link = StoreLink(connected(url), CLOCK, bounds)
    shelf = Shelf(Lru(1 << 20, drops), drops, CLOCK, link)
    link.start(shelf.apply)
    try:
        yield shelf, link
    finally:
        await asyncio.to_thread(link.stop)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not is_so():
            await CLOCK.sleep(0.01)


async def drop(url: str, wanted: Drop) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.transaction():
        return await store.drop(connection, wanted)


def test_what_one_process_keeps_another_gives(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as (ours, _), process(database_url) as (theirs, link):
            kept = entry(1, tags=("doc:1",))
            ours.keep(kept, ours.drops.now)
            await until(lambda: link.knows(kept.key))
            assert theirs.get(kept.key) is None
            assert theirs.is_elsewhere(kept.key)
            assert await theirs.fetch(kept.key) == kept
            assert theirs.get(kept.key) == kept

    asyncio.run(main())


def test_what_the_store_is_not_known_to_have_is_never_asked_for(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as (shelf, _):
            assert not shelf.is_elsewhere(b"x" * 32)

    asyncio.run(main())


def test_a_process_that_starts_knows_what_there_is(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as (shelf, _):
            for number in range(20):
                shelf.keep(entry(number), shelf.drops.now)
        async with process(database_url) as (_, link):
            await until(lambda: link.known == 20)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        (Drop(tenant="a"), {1, 2}),
        (Drop(model="m2"), {2, 3}),
        (Drop(tenant="a", model="m2"), {2}),
        (Drop(tag="doc:1"), {1, 3}),
        (Drop(), {1, 2, 3}),
    ],
)
def test_what_is_dropped_is_gone_from_every_process_and_from_the_store(
    database_url: str, wanted: Drop, gone: set[int]
) -> None:
    async def main() -> None:
        entries = [
            entry(1, tenant="a", tags=("doc:1",)),
            entry(2, tenant="a", model="m2"),
            entry(3, tenant="b", model="m2", tags=("doc:2", "doc:1")),
        ]
        async with process(database_url) as (ours, link), process(database_url) as (theirs, other):
            await until(lambda: link._read_drop is not None and other._read_drop is not None)  # type: ignore[attr-defined]
            for each in entries:
                ours.keep(each, ours.drops.now)
            await until(lambda: other.known == 3)
            for each in entries:
                assert await theirs.fetch(each.key) == each
            assert await drop(database_url, wanted) == len(gone)
            await until(lambda: ours.drops.now == theirs.drops.now == 1)
            for shelf in (ours, theirs):
                assert {number for number in (1, 2, 3) if shelf.get(key_of(number)) is None} == gone
            fresh = [await theirs.fetch(key_of(number)) for number in (1, 2, 3)]
            assert {number for number, found in zip((1, 2, 3), fresh, strict=True) if found is None} == gone

    asyncio.run(main())


def test_what_was_begun_before_a_drop_is_not_written_after_it(database_url: str) -> None:
    """The window between the drop in the database and the moment at which a process hears of it."""

    async def main() -> None:
        before = entry(1, tenant="a")
        await drop(database_url, Drop(tenant="a"))
        with psycopg.connect(database_url) as connection:
            store.write(connection, [(before, 0), (entry(2, tenant="b"), 0)])
            assert store.read(connection, before.key) is None
            assert store.read(connection, entry(2).key) is not None
            store.write(connection, [(before, 1)])
            assert store.read(connection, before.key) is not None

    asyncio.run(main())


def test_an_older_answer_does_not_replace_a_newer_one(database_url: str) -> None:
    new = entry(1)
    old = msgspec.structs.replace(new, id="ex_old", created_at=new.created_at - 5.0)
    with psycopg.connect(database_url) as connection:
        store.write(connection, [(new, 0), (old, 0)])
        assert store.read(connection, new.key) == new


def test_what_is_over_is_purged(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        store.write(connection, [(entry(number), 0) for number in range(5)])
        assert store.purge(connection, now=CLOCK.now() + 7200.0, most=3) == 3
        assert store.purge(connection, now=CLOCK.now() + 7200.0, most=3) == 2
        assert store.purge(connection, now=CLOCK.now() + 7200.0, most=3) == 0


def test_text_that_the_database_cannot_keep_is_kept_in_memory_alone(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as (shelf, link):
            shelf.keep(entry(1, model="a\x00b"), 0)
            assert (link.waiting, len(shelf.memory)) == (0, 1)

    asyncio.run(main())


def test_without_its_store_the_cache_goes_on_and_says_so() -> None:
    async def main() -> None:
        clock = FakeClock()
        drops = Drops()
        link = StoreLink(connected("postgresql://nobody@127.0.0.1:1/none"), clock, BOUNDS)
        shelf = Shelf(Lru(1 << 20, drops), drops, clock, link)
        link.start(shelf.apply)
        await until(lambda: not link.is_up)
        scene = Scene(backing=link, clock=clock)
        first, second = await scene.ask(), await scene.ask()
        assert (scene.provider.calls, second.exchange.cache) == (1, CacheMark("hit"))
        assert first.sink.end == "completed"
        assert link.waiting == 1
        clock.advance(10.0)
        assert "kept in memory alone" in link.problems()[0]
        await asyncio.to_thread(link.stop)

    asyncio.run(main())


class Slow:
    """A store that knows everything and answers when it is told to."""

    def __init__(self, clock: FakeClock) -> None:
        self.asked = 0
        self.found: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self._clock = clock

    def knows(self, key: bytes) -> bool:
        return True

    async def find(self, key: bytes) -> Entry | None:
        self.asked += 1
        return await self.found

    def offer(self, entry: Entry, since: int) -> None:
        return None


def test_of_equal_requests_one_asks_the_store_and_all_get_what_it_has() -> None:
    async def main() -> None:
        made: list[Entry] = []
        scene = Scene(shown=Shown(on_kept=lambda _, kept: made.append(kept)))
        await scene.ask()
        clock = FakeClock(now_s=scene.clock.now())
        slow = Slow(clock)
        other = Scene(backing=slow, clock=clock)
        calls = [await other.begin(question(stream=number % 2 == 0)) for number in range(10)]
        assert (slow.asked, other.provider.calls) == (1, 0)
        slow.found.set_result(made[0])
        for call in calls:
            assert (await call.end()).attempts == 0
            assert [fact.kind for fact in call.facts(CacheHit)] == ["exact"]
        other.check()

    asyncio.run(main())


def test_a_store_that_takes_too_long_is_not_waited_for(database_url: str) -> None:
    async def main() -> None:
        with psycopg.connect(database_url) as connection:
            store.write(connection, [(entry(1), 0)])
        bounds = Bounds(lookup_s=0.025, waiting_bytes=1 << 20, known_entries=10)
        async with process(database_url, bounds) as (shelf, link):
            await until(lambda: link.known == 1)
            with psycopg.connect(database_url) as blocking:
                blocking.execute("LOCK TABLE cache_entries IN ACCESS EXCLUSIVE MODE")
                began_s = CLOCK.monotonic()
                assert await shelf.fetch(entry(1).key) is None
                assert CLOCK.monotonic() - began_s < 20.0, "it waits for as long as the table is locked"
                blocking.rollback()
            assert link.known == 1, "slow is not the same as gone"

    asyncio.run(main())
