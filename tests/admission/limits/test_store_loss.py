"""A store that goes away and comes back: `StoreLost` each time, soon, and nothing forgotten."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from tests.admission.limits.conftest import RedisServer
from tests.admission.limits.scene import Scene, deaf, flat_price, utc
from tests.admission.limits.unsteady import UnsteadyStore

from penstock.admission.limits.limit import Limit
from penstock.admission.limits.opening import LimitPlace, open_limits
from penstock.admission.limits.redis_store import RedisStore
from penstock.admission.limits.slices import Ask, Replies, StoreLost
from penstock.admission.limits.store import PostgresStore
from penstock.core.clock import SystemClock
from penstock.core.errors import ConfigError
from penstock.testing.ports import free_port

ASK = [Ask(key="limit:1@60", amount=100, keep=0, used=0, least=60, need=60)]
KEPT = [Ask(key="limit:1@60", amount=100, keep=60, used=60)]


def test_a_redis_that_is_restarted_is_lost_and_found(short_dir: Path) -> None:
    server = RedisServer(short_dir / "redis", is_cluster=False)
    store = RedisStore(server.url)
    with pytest.raises(StoreLost):
        store.exchange("a", 1, [])
    server.start()
    assert store.exchange("a", 2, ASK).replies[0].held == 60
    server.stop()
    with pytest.raises(StoreLost):
        store.exchange("a", 3, KEPT)
    server.start()
    assert store.exchange("a", 4, KEPT).replies[0].held == 60
    store.close()
    server.stop()


def test_a_cluster_without_a_node_is_lost() -> None:
    store = RedisStore(f"redis://127.0.0.1:{free_port()}/0", is_cluster=True)
    with pytest.raises(StoreLost):
        store.exchange("a", 1, [])


def test_a_database_that_drops_the_connection_is_lost_and_found(database_url: str) -> None:
    store = PostgresStore(lambda: psycopg.connect(database_url, application_name="limits"))
    assert store.exchange("a", 1, ASK).replies[0].held == 60
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'limits' AND datname = current_database()"
        )
    with pytest.raises(StoreLost):
        store.exchange("a", 2, KEPT)
    assert store.exchange("a", 3, KEPT).replies[0].held == 60
    store.close()


def test_a_database_whose_address_is_not_known_or_wrong_is_lost() -> None:
    with pytest.raises(StoreLost, match="not known"):
        PostgresStore(lambda: None).exchange("a", 1, [])
    with pytest.raises(StoreLost):
        PostgresStore(lambda: psycopg.connect("postgresql://nobody@127.0.0.1:9/none")).exchange("a", 1, [])


def test_old_counters_are_forgotten_by_the_database(database_url: str) -> None:
    store = PostgresStore(lambda: psycopg.connect(database_url))
    store.exchange("a", 1, [Ask(key="old@1", amount=1, keep=0, used=0, expires_s=-10)])
    for batch in range(2, 202):
        store.exchange("a", batch, KEPT)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT key FROM limit_counters").fetchall() == [("limit:1@60",)]
        assert connection.execute("SELECT key FROM limit_shares").fetchall() == [("limit:1@60",)]
    store.close()


def test_a_shared_store_needs_a_folder() -> None:
    with pytest.raises(ConfigError, match="folder"):
        open_limits(
            [],
            store=PostgresStore(lambda: None),
            clock=SystemClock(),
            price=flat_price,
            on_notice=deaf,
            zone_of=utc,
            place=LimitPlace(None, 60),
        )


class StuckStore(UnsteadyStore):
    """Neither answers nor fails, from its second batch on, until it is let go."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.is_let_go = threading.Event()
        self._asked = 0

    @property
    def is_local(self) -> bool:
        return False

    def exchange(self, lease: str, batch: int, asks: Sequence[Ask]) -> Replies:
        self._asked += 1
        if self._asked > 1:
            self.is_let_go.wait(30)
        return super().exchange(lease, batch, asks)


def test_a_store_that_neither_answers_nor_fails_is_lost_too(tmp_path: Path) -> None:
    async def play() -> None:
        clock = SystemClock()
        store = StuckStore()
        stage = open_limits(
            [Limit(name="l", unit="requests", amount=5, per="month")],
            store=store,
            clock=clock,
            price=flat_price,
            on_notice=deaf,
            zone_of=utc,
            place=LimitPlace(tmp_path, 60),
        )
        stage.supply.start()
        while not stage.supply.is_lost:
            await clock.sleep(0.05)
        assert stage.supply.health().reason == "it does not answer"
        store.is_let_go.set()
        while stage.supply.health().is_store_lost:
            await clock.sleep(0.05)
        await stage.enter(Scene(()).exchange())
        stage.supply.close()

    asyncio.run(play())
