"""What processes share of conversations through a real PostgreSQL: sealed, for a while, and until it is erased."""

import asyncio
import threading

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tests.guard.personal.conversations import (
    ADA,
    BOUNDS,
    CLOCK,
    SECRET,
    Said,
    Scene,
    connected,
    echo,
    gauge,
    process,
    until,
    with_role,
)

from penstock.core.exchange import Principal
from penstock.guard.personal.vault import store
from penstock.guard.personal.vault.book import Book
from penstock.guard.personal.vault.conversation import Conversation
from penstock.guard.personal.vault.scope import Scope, Scopes
from penstock.guard.personal.vault.sealing import CannotOpen, Sealer
from penstock.guard.personal.vault.vault import Bounds
from penstock.testing.clock import FakeClock

ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
CLERK = with_role("clerk")
EVA = Principal(tenant="acme", key="key_1", user="eva")


def rows(url: str, columns: str = "key, tenant, holder, key_id, sealed, version") -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(f"SELECT {columns} FROM vault ORDER BY place").fetchall()  # type: ignore[arg-type] # noqa: S608 - a test's own


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]  # a test's own


async def erase(url: str, tenant: str, user: str | None = None) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection, connection.transaction():
        return await store.erase(connection, tenant=tenant, user=user)


async def written(scene: Scene) -> None:
    def is_written() -> bool:
        return all(each.written == each.book.changes for each in _kept(scene) if each.may_rest)

    await until(lambda: not gauge(scene, "waiting") and is_written())


def _kept(scene: Scene) -> list[Conversation]:
    assert scene.vault is not None
    return list(scene.vault.conversations)


def test_the_next_process_knows_the_conversation_and_the_store_does_not(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as first:
            await first.turn(f"{ANN} {BOB}", who=CLERK, answer="<EMAIL_ADDRESS_2>")
        async with process(connected(database_url)) as second:
            turn = await second.turn(("assistant", "<EMAIL_ADDRESS_2>"), ANN, EVE, answer="<EMAIL_ADDRESS_2>")
            assert turn.sent == ["<EMAIL_ADDRESS_2>", "<EMAIL_ADDRESS_1>", "<EMAIL_ADDRESS_3>"]
            assert (turn.answer, turn.source) == (BOB, "store")
            assert (await second.turn("<EMAIL_ADDRESS_2>", who=EVA, answer=echo)).answer == "<EMAIL_ADDRESS_2>"

    asyncio.run(main())
    ((key, tenant, holder, _, sealed, version),) = rows(database_url)
    assert (tenant, holder, version) == ("acme", "user:ada", 2)
    for part in (key, sealed):
        assert not any(word in bytes(part) for word in (b"ann", b"bob", b"eve", b"example", b"c1"))  # type: ignore[arg-type]


def test_a_process_hears_what_another_has_issued(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as one, process(connected(database_url)) as other:
            await one.turn(ANN)
            await written(one)
            assert (await other.turn(BOB)).sent == ["<EMAIL_ADDRESS_2>"]
            await written(other)

            await until(lambda: any(each.is_stale for each in _kept(one)))
            turn = await one.turn(EVE, "<EMAIL_ADDRESS_2>", answer="<EMAIL_ADDRESS_2>")
            assert (turn.sent[0], turn.answer, turn.source) == ("<EMAIL_ADDRESS_3>", BOB, "store")

    asyncio.run(main())


def test_what_two_processes_issued_at_once_is_given_to_nobody(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as one, process(connected(database_url)) as other:
            turns = await asyncio.gather(one.turn(ANN), other.turn(BOB))
            assert [turn.sent for turn in turns] == [["<EMAIL_ADDRESS_1>"], ["<EMAIL_ADDRESS_1>"]]
        async with process(connected(database_url)) as third:
            turn = await third.turn("<EMAIL_ADDRESS_1>", ANN, BOB, answer="<EMAIL_ADDRESS_1>")
            assert turn.sent == ["<EMAIL_ADDRESS_1>", "<EMAIL_ADDRESS_2>", "<EMAIL_ADDRESS_3>"]
            assert turn.answer == "<EMAIL_ADDRESS_1>"

    asyncio.run(main())


def test_a_row_opens_for_its_own_scope_alone(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as scene:
            for who in (ADA, EVA):
                await scene.turn(ANN if who is ADA else BOB, who=who)
        change(database_url, "UPDATE vault SET sealed = (SELECT v.sealed FROM vault v WHERE v.holder <> vault.holder)")
        async with process(connected(database_url)) as scene:
            turn = await scene.turn("<EMAIL_ADDRESS_1>", EVE, answer="<EMAIL_ADDRESS_1>")
            assert (turn.answer, turn.source) == ("<EMAIL_ADDRESS_1>", "sealed")
            assert int(turn.sent[1][15:-1]) >= 100_000
        before = rows(database_url)
        async with process(connected(database_url)) as scene:
            await scene.turn(EVE)
        assert rows(database_url) == before  # what we cannot open is not written over

    asyncio.run(main())


def _key(tenant: str) -> AESGCM:
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"penstock vault 1\0" + tenant.encode())
    return AESGCM(made.derive(SECRET))


def _bound_to(scope: Scope) -> bytes:
    parts = (scope.tenant.encode(), scope.holder.encode(), scope.key)
    return b"penstock vault 1\0" + b"".join(len(part).to_bytes(4) + part for part in parts)


def test_tenants_keys_differ_and_nothing_opens_what_was_changed() -> None:
    sealer, scopes = Sealer(SECRET), Scopes(SECRET)
    book = Book()
    book.new("EMAIL", ANN, ())
    scope = scopes.scope(ADA, "named", "c1")
    sealed = sealer.seal(scope, book.written())
    assert sealer.open(scope, sealer.key_id, sealed) == book.written()
    assert sealer.seal(scope, book.written()) != sealed
    others = (
        Scope("umbra", scope.holder, scope.key),
        Scope(scope.tenant, "user:eva", scope.key),
        Scope(scope.tenant, scope.holder, b"x" * 32),
        scopes.scope(ADA, "response", "c1"),
        scopes.scope(ADA, "named", "c2"),
        scopes.scope(EVA, "named", "c1"),
    )
    for other in others:
        with pytest.raises(CannotOpen):
            sealer.open(other, sealer.key_id, sealed)
    # Each tenant's key is derived from the installation's: what is sealed opens with that one, and with no other's.
    nonce, rest, bound = sealed[:12], sealed[12:], _bound_to(scope)
    assert b"ann@" in _key("acme").decrypt(nonce, rest, bound)
    with pytest.raises(InvalidTag):
        _key("umbra").decrypt(nonce, rest, bound)
    for place in (0, len(sealed) // 2, len(sealed) - 1):
        changed = bytes(byte ^ (at == place) for at, byte in enumerate(sealed))
        with pytest.raises(CannotOpen):
            sealer.open(scope, sealer.key_id, changed)
    with pytest.raises(CannotOpen, match="not configured"):
        Sealer(b"t" * 32).open(scope, sealer.key_id, sealed)


def test_a_new_key_opens_what_the_last_one_sealed_and_seals_anew(database_url: str) -> None:
    old, new = b"o" * 32, b"n" * 32

    async def main() -> None:
        async with process(connected(database_url), sealer=Sealer(old)) as scene:
            await scene.turn(f"{ANN} {BOB}")
        async with process(connected(database_url), sealer=Sealer(new, (old,))) as scene:
            assert (await scene.turn(BOB, EVE)).sent == ["<EMAIL_ADDRESS_2>", "<EMAIL_ADDRESS_3>"]
        assert rows(database_url, "key_id") == [(Sealer(new).key_id,)]
        async with process(connected(database_url), sealer=Sealer(new)) as scene:
            assert (await scene.turn(EVE)).sent == ["<EMAIL_ADDRESS_3>"]
        async with process(connected(database_url), sealer=Sealer(old)) as scene:
            assert (await scene.turn(EVE)).source == "sealed"

    asyncio.run(main())


def test_a_store_that_is_late_costs_the_turn_its_memory_and_gives_no_number_twice(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as scene:
            await scene.turn(f"{ANN} {BOB}", who=CLERK)
        clock, may_go = FakeClock(now_s=CLOCK.now()), threading.Event()

        def connect() -> psycopg.Connection:
            may_go.wait(20.0)
            return psycopg.connect(database_url, connect_timeout=5)

        async with process(connect, clock=clock) as scene:
            said: tuple[Said, ...] = (("assistant", "<EMAIL_ADDRESS_1>"), EVE, ("assistant", "<EMAIL_ADDRESS_100007>"))
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(scene.turn(*said))
                await until(lambda: clock.pending > 0)
                clock.advance(BOUNDS.lookup_s)
            turn = asked.result()
            assert (turn.source, turn.tokens) == ("late", 1)
            assert int(turn.sent[1][15:-1]) >= 100_000
            may_go.set()
            # What comes too late for one turn is there for the next.
            await until(lambda: gauge(scene, "store_up") == 1 and any(len(each.book) > 2 for each in _kept(scene)))
            after = await scene.turn(EVE, ANN, answer=f"{turn.sent[1]} <EMAIL_ADDRESS_1> <EMAIL_ADDRESS_2>")
            assert after.sent == [turn.sent[1], "<EMAIL_ADDRESS_1>"]
            assert after.answer == f"{EVE} {ANN} <EMAIL_ADDRESS_2>"

    asyncio.run(main())


def test_without_the_store_conversations_go_on_and_are_written_when_it_is_back(database_url: str) -> None:
    async def main() -> None:
        is_away = True

        def connect() -> psycopg.Connection:
            if is_away:
                raise psycopg.OperationalError("nobody there")
            return psycopg.connect(database_url, connect_timeout=5)

        async with process(connect) as scene:
            assert (await scene.turn(ANN)).source == "away"
            again = await scene.turn(ANN, BOB, answer=echo)
            assert (again.answer, again.source) == (BOB, "away")
            assert scene.vault is not None
            vault = scene.vault
            await until(lambda: bool(vault.problems()))
            assert "nobody there" in vault.problems()[0]
            is_away = False
            await written(scene)
            assert vault.problems() == ()
        assert len(rows(database_url)) == 1
        async with process(connected(database_url)) as scene:
            assert (await scene.turn(ANN, BOB)).sent == again.sent

    asyncio.run(main())


def test_an_erasure_reaches_every_process_and_what_waits_to_be_written(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as one, process(connected(database_url)) as other:
            for who in (ADA, EVA):
                await one.turn(f"{ANN} {BOB}", who=who)
            await written(one)
            for who in (ADA, EVA):
                assert (await other.turn(BOB, who=who)).source == "store"
            assert await erase(database_url, "umbra") == 0
            assert await erase(database_url, "acme", "ada") == 1
            for scene in (one, other):
                await until(lambda scene=scene: gauge(scene, "conversations") == 1)
                turn = await scene.turn("<EMAIL_ADDRESS_1> <EMAIL_ADDRESS_2>", answer=echo)
                assert turn.answer == "<EMAIL_ADDRESS_1> <EMAIL_ADDRESS_2>"
                assert (await scene.turn(BOB, who=EVA)).sent == ["<EMAIL_ADDRESS_2>"]
        assert [row[2] for row in rows(database_url)] == ["user:eva"]
        assert await erase(database_url, "acme") == 1
        assert rows(database_url) == []

    asyncio.run(main())


def test_an_exchange_under_way_leaves_nothing_of_what_was_erased(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as scene:
            vault = scene.vault
            assert vault is not None
            await scene.turn(ANN)
            await written(scene)
            named = vault.named(scene.exchange("x"))
            assert named is not None
            recalled = await vault.recall(ADA, named)
            await erase(database_url, "acme", "ada")
            await until(lambda: recalled.conversation.is_gone)
            vault.keep(recalled.conversation, scene.exchange("x"))
            vault.keep_answer(recalled.conversation, scene.exchange("x"), "resp_1")
            assert gauge(scene, "conversations") == gauge(scene, "waiting") == 0
        assert rows(database_url) == []

    asyncio.run(main())


def test_a_process_that_has_not_heard_of_an_erasure_cannot_write_behind_it(database_url: str) -> None:
    sealer, scope = Sealer(SECRET), Scopes(SECRET).scope(ADA, "named", "c1")
    row = store.Row(0, sealer.key_id, sealer.seal(scope, Book().written()), CLOCK.now() + 60.0)
    asyncio.run(erase(database_url, "acme", "ada"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert not store.write(connection, scope, row, heard=0)
        assert store.write(connection, scope, row, heard=1)
        assert not store.write(connection, scope, row, heard=1)  # another has come first: it is of version 1


def test_what_has_ended_is_not_given_and_is_purged(database_url: str) -> None:
    async def main() -> None:
        brief = Bounds(ttl_s=0.05, lookup_s=5.0, memory_bytes=1 << 20)
        async with process(connected(database_url), bounds=brief) as scene:
            await scene.turn(f"{ANN} {BOB}")
        ends = rows(database_url, "expires_at")
        await CLOCK.sleep(0.06)
        async with process(connected(database_url)) as scene:
            turn = await scene.turn(BOB)
            assert (turn.sent, turn.source) == (["<EMAIL_ADDRESS_1>"], "new")
            await written(scene)
            assert rows(database_url, "version, expires_at > extract(epoch FROM now())") == [(2, True)]
            await scene.turn(BOB)  # nothing new but that it was used
            await written(scene)
            assert rows(database_url, "version") == [(2,)]
        assert rows(database_url, "expires_at") > ends
        with psycopg.connect(database_url, autocommit=True) as connection:
            assert store.purge(connection, now=CLOCK.now(), most=10) == 0
            assert store.purge(connection, now=CLOCK.now() + 7200.0, most=10) == 1

    asyncio.run(main())


def test_a_turn_that_must_not_be_stored_leaves_its_conversation_in_memory_alone(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url), may_rest=lambda exchange: exchange.principal != EVA) as scene:
            await scene.turn(ANN, who=EVA)
            await scene.turn(ANN)
            await written(scene)
            await scene.turn(BOB, no_store=True)
            turn = await scene.turn(EVE, BOB)
            assert turn.sent == ["<EMAIL_ADDRESS_3>", "<EMAIL_ADDRESS_2>"]
            assert (await scene.turn(ANN, who=EVA)).source == "memory"
        async with process(connected(database_url)) as scene:
            turn = await scene.turn(EVE, ANN)
            assert (turn.sent, turn.source) == (["<EMAIL_ADDRESS_2>", "<EMAIL_ADDRESS_1>"], "store")
            assert (await scene.turn(ANN, who=EVA)).source == "new"

    asyncio.run(main())


def test_turns_that_ask_at_once_share_one_answer(database_url: str) -> None:
    async def main() -> None:
        async with process(connected(database_url)) as scene:
            await asyncio.gather(*(scene.turn(f"{ANN} {BOB}", conversation=f"c{number}") for number in range(40)))
        # Time stands still: a store that is slow because the machine is busy is not one that hangs.
        async with process(connected(database_url), clock=FakeClock(now_s=CLOCK.now())) as scene:
            await scene.turn(ANN, conversation="before")
            turns = await asyncio.gather(*(scene.turn(BOB, conversation=f"c{at % 40}") for at in range(120)))
            assert {(turn.sent[0], turn.source) for turn in turns} == {("<EMAIL_ADDRESS_2>", "store")}

    asyncio.run(main())
