"""What is kept of conversations: whose it is, for how long, once, and by one turn after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from tests.storage.crossing import cross

from penstock.console.memory.keeping import MemoryKeeping
from penstock.core.clock import SystemClock
from penstock.core.errors import ConversationLocked, LedgerUnavailable, MemoryUnavailable, NotKept
from penstock.guard.personal.vault.sealing import CannotOpen, Sealer
from penstock.memory import store
from penstock.memory.outbox import FOLDER, TurnOutbox
from penstock.memory.recall import Recaller
from penstock.memory.sealing import Sealed
from penstock.memory.store import ConversationRow
from penstock.memory.turn import Body, Bounds, Owner, Turn, response_id
from penstock.memory.writer import TurnWriter
from penstock.storage.follow import Listening
from penstock.storage.late import LatePool
from penstock.watch.journal import JournalFile

T = TypeVar("T")
ANN, BOB, THEM = Owner("acme", "user:ann"), Owner("acme", "user:bob"), Owner("other", "user:ann")
STRANGERS = (BOB, THEM)
BOUNDS = Bounds(most_turns=3, most_bytes=100_000, most_answers=3)
SEALED = Sealed(Sealer(b"k" * 32), CannotOpen)
DAY_S = 86_400.0
NOW = 1_800_000_000.0


def turn(
    number: int, owner: Owner = ANN, conversation: str | None = None, previous: str | None = None, **more: float
) -> Turn:
    name = response_id(f"ex_{number:032x}")
    sealed = SEALED.body(owner, name, Body(given=({"role": "user", "content": f"text {number}"},)))
    return Turn(
        id=name,
        owner=owner,
        thread=conversation or name,
        conversation=conversation,
        previous=previous,
        hold=None,
        exchange=f"ex_{number:032x}",
        began_at=more.get("began_at", NOW),
        created_at=NOW,
        expires_at=more.get("expires_at", NOW + DAY_S),
        size_bytes=int(more.get("size_bytes", 10)),
        sealed=sealed,
        bounds=BOUNDS,
    )


def asked(url: str, question: Callable[[psycopg.AsyncConnection], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            return await question(connection)

    return asyncio.run(ask())


async def made(connection: psycopg.AsyncConnection, name: str = "conv_1", *, most: int = 10) -> bool:
    row = ConversationRow(name, NOW, NOW + DAY_S, SEALED.metadata(ANN, name, {}), is_locked=False)
    return await store.create(connection, ANN, row, most=most)


def test_a_turn_is_its_owners_alone_and_ends(database_url: str) -> None:
    async def run(connection: psycopg.AsyncConnection) -> None:
        assert await made(connection)
        first, second = turn(1, conversation="conv_1"), turn(2, previous=turn(1).id)
        await store.write_turn(connection, first)
        await store.write_turn(connection, second)
        await store.write_turn(connection, turn(3, BOB, previous=second.id))
        # Another's is not there, also where a turn of theirs names it as what went before.
        for who in STRANGERS:
            assert await store.turns_of(connection, who, "conv_1", NOW) == []
            assert await store.chain(connection, who, second.id, NOW, most=9) == []
            assert await store.turn(connection, who, second.id, NOW) is None
            assert await store.conversation(connection, who, "conv_1", NOW) is None
            assert not await store.begin(connection, who, "conv_1", "ex_9", NOW)
            await store.set_metadata(connection, who, "conv_1", "theirs")
            await store.replace_body(connection, who, second.id, sealed="theirs", size_bytes=1)
            assert not await store.delete_conversation(connection, who, "conv_1")
            assert not await store.delete_turn(connection, who, second.id)
        assert [each.id for each in await store.chain(connection, BOB, turn(3).id, NOW, most=9)] == [turn(3).id]
        await store.write_turn(connection, turn(4, THEM, conversation="conv_1"))
        assert await store.turn(connection, THEM, turn(4).id, NOW) is None
        assert [each.id for each in await store.turns_of(connection, ANN, "conv_1", NOW)] == [first.id]
        chain = await store.chain(connection, ANN, second.id, NOW, most=9)
        assert [(each.id, each.sealed) for each in chain] == [(first.id, first.sealed), (second.id, second.sealed)]
        found = await store.conversation(connection, ANN, "conv_1", NOW)
        assert found is not None
        assert found.metadata != "theirs"
        later = NOW + DAY_S
        assert await store.turns_of(connection, ANN, "conv_1", later) == []
        assert await store.chain(connection, ANN, second.id, later, most=9) == []
        assert await store.turn(connection, ANN, second.id, later) is None
        assert await store.conversation(connection, ANN, "conv_1", later) is None
        assert not await store.begin(connection, ANN, "conv_1", "ex_9", later)
        await store.write_turn(connection, turn(5, previous=second.id, expires_at=NOW + 2 * DAY_S))
        assert [each.id for each in await store.chain(connection, ANN, turn(5).id, later, most=9)] == [turn(5).id]

    asked(database_url, run)


def test_what_was_erased_under_way_or_deleted_is_not_written_again(database_url: str) -> None:
    async def run(connection: psycopg.AsyncConnection) -> None:
        assert await made(connection)
        for each in (turn(1), turn(2, BOB), turn(3, THEM), turn(4, conversation="conv_1")):
            await store.write_turn(connection, each)
        async with connection.transaction():
            assert await store.erase(connection, tenant="acme", user="ann", at=NOW + 10) == 2
        assert await store.conversation(connection, ANN, "conv_1", NOW) is None
        kept = [await store.turn(connection, who, turn(at).id, NOW) is not None for at, who in ((2, BOB), (3, THEM))]
        assert kept == [True, True]
        for each in (turn(5), turn(1), turn(6, conversation="conv_1"), turn(7, began_at=NOW + 11)):
            await store.write_turn(connection, each)
            assert await store.turn(connection, ANN, each.id, NOW) is None
        for each in (turn(8, began_at=NOW + 10 + 2 * store.SKEW_S), turn(9, BOB)):
            await store.write_turn(connection, each)
            assert await store.turn(connection, each.owner, each.id, NOW) is not None
        # Out of an outbox it may come twice: what its owner has deleted in between stays deleted.
        assert await store.delete_turn(connection, BOB, turn(9).id)
        await store.write_turn(connection, turn(9, BOB))
        assert await store.turn(connection, BOB, turn(9).id, NOW) is None
        assert await made(connection, "conv_2")
        assert await store.delete_conversation(connection, ANN, "conv_2")
        await store.write_turn(connection, turn(10, conversation="conv_2", began_at=NOW + 100))
        assert await store.turn(connection, ANN, turn(10).id, NOW) is None

    asked(database_url, run)


def test_bounds_let_the_oldest_go_and_time_clears_away(database_url: str) -> None:
    async def run(connection: psycopg.AsyncConnection) -> None:
        assert await made(connection)
        assert not await made(connection, "conv_2", most=1)
        for number in range(1, 6):
            await store.write_turn(connection, turn(number, conversation="conv_1"))
            await store.write_turn(connection, turn(10 + number))
        await store.write_turn(connection, turn(20, BOB))
        held = [each.id for each in await store.turns_of(connection, ANN, "conv_1", NOW)]
        assert held == [turn(number).id for number in (3, 4, 5)]
        answers = [await store.turn(connection, ANN, turn(number).id, NOW) is not None for number in range(11, 16)]
        assert answers == [False, False, True, True, True]
        await store.write_turn(connection, turn(6, conversation="conv_1", size_bytes=99_995))
        assert [each.id for each in await store.turns_of(connection, ANN, "conv_1", NOW)] == [turn(6).id]

    asked(database_url, run)
    with psycopg.connect(database_url) as connection:
        assert store.purge(connection, now=NOW, most=100) == 0
        assert store.purge(connection, now=NOW + DAY_S + 1, most=100) > 0
        assert connection.execute("SELECT count(*) FROM memory_turns").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM memory_conversations").fetchone() == (0,)


def test_a_row_opens_for_its_owner_and_turn_alone() -> None:
    body = Body(given=({"role": "user", "content": "in the open"},), values={"<PERSON_1>": "Ann"})
    sealed = SEALED.body(ANN, "resp_1", body)
    assert SEALED.opened(ANN, "resp_1", sealed) == body
    for owner, name in ((BOB, "resp_1"), (THEM, "resp_1"), (ANN, "resp_2")):
        with pytest.raises(MemoryUnavailable):
            SEALED.opened(owner, name, sealed)
    with pytest.raises(MemoryUnavailable):
        Sealed(Sealer(b"o" * 32), CannotOpen).opened(ANN, "resp_1", sealed)
    assert "Ann" not in repr(body)
    half = Body(given=({"role": "user", "content": "a\ud800b"},), said=({"content": [{"text": "c\udfffd"}]},))
    opened = SEALED.opened(ANN, "resp_1", SEALED.body(ANN, "resp_1", half))
    assert opened.given == ({"role": "user", "content": "a?b"},)


@dataclass
class Process:
    """A data plane's part of it: what another does is known to it by the database alone."""

    recaller: Recaller
    writer: TurnWriter
    pool: LatePool


def process(url: str | None, folder: Path, *, wait_s: float = 20.0, most_bytes: int = 1 << 20) -> Process:
    clock = SystemClock()
    pool = LatePool(lambda: url, name="memory", max_size=2)

    def waiting(place: Path) -> int:
        return sum(each.stat().st_size for each in place.glob("*.jsonl*"))

    outbox = TurnOutbox(
        folder / FOLDER,
        lambda place: JournalFile(place, clock=clock, fsync="never"),
        waiting,
        most_waiting_bytes=most_bytes,
    )
    writer = TurnWriter(outbox, pool, clock)
    return Process(Recaller(pool, SEALED, writer, clock, wait_s=wait_s), writer, pool)


def of_today(number: int, conversation: str | None = None) -> Turn:
    """As it is made now: its id says when, which others wait by."""
    now = SystemClock().now()
    exchange = f"ex_{int(now * 1000):012x}{number:020x}"
    name = response_id(exchange)
    body = Body(given=({"role": "user", "content": f"text {number}"},))
    return Turn(
        id=name,
        owner=ANN,
        thread=conversation or name,
        conversation=conversation,
        previous=None,
        hold=None,
        exchange=exchange,
        began_at=now,
        created_at=now,
        expires_at=now + DAY_S,
        size_bytes=10,
        sealed=SEALED.body(ANN, name, body),
        bounds=BOUNDS,
    )


def test_the_next_turn_on_another_process_waits_for_the_one_before(database_url: str, tmp_path: Path) -> None:
    async def run() -> None:
        one, two = process(database_url, tmp_path / "one"), process(database_url, tmp_path / "two")
        impatient = process(database_url, tmp_path / "three", wait_s=1.0)
        now = SystemClock().now()
        row = ConversationRow("conv_1", now, now + DAY_S, SEALED.metadata(ANN, "conv_1", {}), is_locked=False)
        assert await one.recaller.ask(lambda connection: store.create(connection, ANN, row, most=9))
        first = of_today(1, "conv_1")
        one.writer.begun(first.exchange)
        assert await one.recaller.begin(ANN, "conv_1", first.exchange) == ()
        with pytest.raises(ConversationLocked):
            await impatient.recaller.begin(ANN, "conv_1", "ex_9")
        second = asyncio.ensure_future(two.recaller.begin(ANN, "conv_1", "ex_2"))  # noqa: TID251 - awaited below
        answer, late = of_today(5), of_today(6)
        waiting = asyncio.ensure_future(two.recaller.answer(ANN, answer.id))  # noqa: TID251 - same
        for each in (first, answer):
            one.writer.stage(each)
            one.writer.recorded(each.exchange)
        one.writer.start()
        assert [each.id for each in await second] == [first.id]
        found = await waiting
        assert found is not None
        assert found.body.given == ({"role": "user", "content": "text 5"},)
        # One that no turn comes of gives the conversation back.
        two.writer.begun("ex_2")
        two.writer.free(ANN, "conv_1", "ex_2")
        two.writer.start()
        assert len(await one.recaller.begin(ANN, "conv_1", "ex_3")) == 1
        # What the ledger does not take is not kept.
        one.writer.stage(late)
        one.writer.unrecorded(late.exchange)
        one.writer.recorded(late.exchange)
        assert await impatient.recaller.answer(ANN, late.id) is None
        for each in (one, two, impatient):
            await each.writer.aclose()
            await each.pool.aclose()

    asyncio.run(run())


def test_what_a_killed_process_has_said_comes_out_of_its_outbox(database_url: str, tmp_path: Path) -> None:
    async def said() -> Turn:
        dead = process(None, tmp_path)
        found = of_today(1, "conv_1")
        dead.writer.stage(found)
        dead.writer.recorded(found.exchange)
        dead.writer.outbox.close()
        return found

    now = SystemClock().now()
    row = ConversationRow("conv_1", now, now + DAY_S, SEALED.metadata(ANN, "conv_1", {}), is_locked=False)
    asked(database_url, lambda connection: store.create(connection, ANN, row, most=9))
    turn = asyncio.run(said())
    asked(database_url, lambda connection: store.begin(connection, ANN, "conv_1", turn.exchange, now))
    keeping = MemoryKeeping(tmp_path, SystemClock(), Listening(lambda: None))
    with psycopg.connect(database_url, autocommit=True) as connection:
        keeping.tend(connection)

    async def recalled() -> list[str]:
        alive = process(database_url, tmp_path / "alive", wait_s=2.0)
        found = await alive.recaller.begin(ANN, "conv_1", "ex_2")
        await alive.pool.aclose()
        return [each.id for each in found]

    assert asyncio.run(recalled()) == [turn.id]


def test_nothing_is_answered_without_what_was_said_before(tmp_path: Path) -> None:
    async def run() -> None:
        away = process("postgresql://nobody@127.0.0.1:1/none", tmp_path, wait_s=0.5)
        for asking in (
            away.recaller.begin(ANN, "conv_1", "ex_1"),
            away.recaller.chain(ANN, "resp_1", BOUNDS),
            away.recaller.answer(ANN, "resp_1"),
        ):
            with pytest.raises(MemoryUnavailable):
                await asking
        with pytest.raises(NotKept):  # what can be no id is not even asked about
            await away.recaller.begin(ANN, "conv\x00", "ex_1")
        full = process(None, tmp_path, most_bytes=-1)
        with pytest.raises(LedgerUnavailable):
            full.writer.outbox.check_room()
        await away.pool.aclose()

    asyncio.run(run())


def test_an_erasure_and_a_turn_that_is_written_do_not_lock_each_other(database_url: str) -> None:
    async def begin(connection: psycopg.AsyncConnection) -> None:
        assert await made(connection)
        await connection.commit()

    async def write(connection: psycopg.AsyncConnection) -> None:
        await store.write_turn(connection, turn(1, conversation="conv_1"))

    async def erase(connection: psycopg.AsyncConnection) -> None:
        async with connection.transaction():
            await store.erase(connection, tenant="acme", user=None, at=NOW + 10)

    asked(database_url, begin)
    at_the_conversation = "SELECT FROM memory_conversations FOR UPDATE"
    writing, erasing = (partial(asked, database_url, each) for each in (write, erase))
    assert cross(database_url, at_the_conversation, writing, erasing) == [None, None]
    with psycopg.connect(database_url) as connection:
        query = "SELECT FROM memory_turns UNION ALL SELECT FROM memory_conversations"
        assert connection.execute(query).fetchall() == []
