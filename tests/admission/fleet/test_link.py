"""The link over real boards: it joins, tells, leaves, and finds a board that went away."""

import asyncio
import threading
from pathlib import Path

import psycopg
import pytest
from tests.admission.fleet.conftest import STORES, Desks
from tests.admission.limits.conftest import RedisServer, wait_until

from penstock.admission.fleet.board import Board, BoardLost, BoardNotReady, Report, View
from penstock.admission.fleet.desk import FleetDesk, Order
from penstock.admission.fleet.link import FleetLink
from penstock.admission.fleet.redis_board import RedisBoard
from penstock.admission.fleet.sharing import Sharing
from penstock.admission.fleet.store import PostgresBoard
from penstock.admission.targets.breaker import BreakerChange, BreakerSnapshot
from penstock.admission.targets.gates import TargetGates
from penstock.config.targets import GateSettings, RetrySettings
from penstock.core.clock import SystemClock
from penstock.testing.chance import rng_for
from penstock.testing.clock import FakeClock
from penstock.testing.ports import free_port

LOOK = Report(silent_s=60.0)


class Process:
    """Gates, sharing and a link, as `app.fleet` puts them together."""

    def __init__(self, name: str, board: Board) -> None:
        self.gates = TargetGates(GateSettings(), RetrySettings(), SystemClock(), rng_for(name))
        self.sharing = Sharing(self.gates, SystemClock(), process=name, place=name, silent_s=5.0)
        self.link = FleetLink(self.sharing, board, SystemClock())

    def find_down(self, target: str) -> None:
        self.sharing.changed(
            target,
            BreakerChange(
                before="closed",
                after="open",
                reason="it failed",
                was_remote=False,
                snapshot=BreakerSnapshot(state="open", age_s=0.0, left_s=30.0, openings=1),
            ),
        )

    def knows_down(self, target: str) -> bool:
        return any(gate.name == target and gate.breaker.state == "open" for gate in self.gates)

    async def until_it_knows(self, target: str) -> float:
        clock = SystemClock()
        began_s = clock.monotonic()
        while not self.knows_down(target):
            assert clock.monotonic() - began_s < 20.0
            await clock.sleep(0.01)
        return clock.monotonic() - began_s


@pytest.mark.parametrize("address", STORES, indirect=True)
def test_what_one_process_finds_another_knows_within_a_second_and_who_leaves_is_gone(desks: Desks) -> None:
    look = desks.open()

    async def scene() -> None:
        a, b = Process("a", desks.open()), Process("b", desks.open())
        for each in (a, b):
            each.link.start()
        clock = SystemClock()
        while len(look.exchange(LOOK).members) < 2:
            await clock.sleep(0.02)
        a.find_down("t")
        assert await b.until_it_knows("t") < 1.0
        desk = FleetDesk(desks.open())
        desk.order(Order(target="u", state="open", reason="upgrade", by="ada", for_s=60.0))
        assert max(await a.until_it_knows("u"), await b.until_it_knows("u")) < 1.0
        await asyncio.to_thread(b.link.stop)
        assert [member.process for member in look.exchange(LOOK).members] == ["a"]
        await asyncio.to_thread(a.link.stop)
        assert look.exchange(LOOK).members == ()

    asyncio.run(scene())


def test_a_redis_that_is_restarted_empty_is_found_again_and_told_what_it_knew(short_dir: Path) -> None:
    server = RedisServer(short_dir / "redis", is_cluster=False)
    server.start()

    async def scene() -> None:
        a, b = Process("a", RedisBoard(server.url)), Process("b", RedisBoard(server.url))
        a.link.start()
        a.find_down("t")
        clock = SystemClock()
        look = RedisBoard(server.url)
        while not look.exchange(LOOK).states:
            await clock.sleep(0.02)
        look.close()
        server.say("FLUSHALL")
        server.stop()
        while not a.link.problems():
            await clock.sleep(0.05)
        assert "is lost" in a.link.problems()[0]
        server.start()
        b.link.start()
        await b.until_it_knows("t")
        # B can know it a moment before A's own thread has noted that it was heard.
        await asyncio.to_thread(wait_until, lambda: a.link.problems() == ())
        for each in (a, b):
            await asyncio.to_thread(each.link.stop)

    asyncio.run(scene())
    server.stop()


def test_a_database_that_drops_the_connection_is_lost_and_found(database_url: str) -> None:
    board = PostgresBoard(lambda: psycopg.connect(database_url, application_name="fleet"))
    board.exchange(LOOK)
    for ask in (lambda: board.exchange(LOOK), lambda: board.wait(1.0)):
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'fleet' AND datname = current_database()"
            )
        with pytest.raises(BoardLost):
            ask()
        board.exchange(LOOK)
    board.close()


def test_a_board_that_cannot_be_reached_is_lost_and_one_without_an_address_or_schema_is_not_ready(
    empty_database_url: str,
) -> None:
    for board in (
        RedisBoard(f"redis://127.0.0.1:{free_port()}/0"),
        RedisBoard(f"redis://127.0.0.1:{free_port()}/0", is_cluster=True),
        PostgresBoard(lambda: psycopg.connect("postgresql://nobody@127.0.0.1:9/none")),
    ):
        with pytest.raises(BoardLost) as lost:
            board.exchange(LOOK)
        assert not isinstance(lost.value, BoardNotReady)
    for board in (PostgresBoard(lambda: None), PostgresBoard(lambda: psycopg.connect(empty_database_url))):
        with pytest.raises(BoardNotReady):
            board.exchange(LOOK)
        board.close()


class AwayBoard:
    """Is away, in one of two ways."""

    def __init__(self, lost: BoardLost) -> None:
        self.lost = lost
        self.was_asked = threading.Event()

    def exchange(self, report: Report) -> View:
        self.was_asked.set()
        raise self.lost

    def wait(self, timeout_s: float) -> bool:
        return False

    def close(self) -> None:
        """Nothing was open."""


@pytest.mark.parametrize(("lost", "is_shown"), [(BoardLost("refused"), True), (BoardNotReady("not yet"), False)])
def test_health_speaks_of_a_board_that_is_lost_and_not_of_one_that_is_not_there_yet(
    lost: BoardLost,
    is_shown: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    clock, board = FakeClock(), AwayBoard(lost)
    gates = TargetGates(GateSettings(), RetrySettings(), clock, rng_for("a"))
    link = FleetLink(Sharing(gates, clock, process="a", place="a", silent_s=5.0), board, clock)

    async def scene() -> None:
        link.start()
        await asyncio.to_thread(board.was_asked.wait)
        assert link.problems() == ()
        clock.advance(60.0)
        if is_shown:
            await asyncio.to_thread(wait_until, lambda: bool(link.problems()))
        else:
            assert link.problems() == ()
        await asyncio.to_thread(link.stop)

    asyncio.run(scene())
