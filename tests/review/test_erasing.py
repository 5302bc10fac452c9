"""What is kept of somebody goes, and what is still to come of it stays away; remarks, which it takes along."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import LiteralString

import msgspec
import psycopg
import pytest
from psycopg import sql
from tests.review.holds import (
    NOW,
    act,
    asker,
    connected,
    decided,
    hold,
    keep,
    reviewer,
)
from tests.storage.crossing import cross

from penstock.core.feedback import Remark
from penstock.review import queue, released, remarks
from penstock.review.cases import keep_case
from penstock.review.erasure import ERASURES_KEPT_S, erase, purge
from penstock.review.reviewer import (
    OwnQuestion,
)

TABLES = (
    "holds",
    "hold_contents",
    "hold_events",
    "hold_releases",
    "hold_opinions",
    "hold_cases",
    "hold_verified",
    "hold_deliveries",
)


def rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        found: dict[str, int] = {}
        for table in TABLES:
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            found[table] = (row.fetchone() or (0,))[0]
    return found


def settled(url: str, tenant: str, exchange: str, user: str | None = None) -> None:
    """The ledger knows the exchange."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO ledger (started_at, duration_s, input_tokens, output_tokens, cache_read_tokens,"
            ' cache_write_tokens, reasoning_tokens, cost_nanousd, attempts, is_streamed, id, tenant, key, "user",'
            " dialect, operation, model, outcome, usage_accuracy, cost_accuracy, config_hash, facts) VALUES (now(),"
            " 0.1, 0, 0, 0, 0, 0, 0, 0, false, %s, %s, 'k', %s, 'openai-chat', 'chat', 'm', 'completed', 'exact',"
            " 'exact', 'h', '[]')",
            (exchange, tenant, user),
        )


async def test_all_that_is_kept_of_a_user_goes_and_does_not_come_back(database_url: str) -> None:
    mine = [hold(1, cache_key="aa", cache_partition="bb"), hold(2)]
    keep(database_url, [*mine, hold(3, user="bob"), hold(4, tenant="umbra")])
    said = Remark(exchange="ex_1", tenant="acme", key="app", user="ada", rating=1, comment="bad", at=NOW)
    settled(database_url, "acme", "ex_1")
    settled(database_url, "acme", "ex_2", user="ada")
    of_hers = msgspec.structs.replace(said, exchange="ex_2", user="", comment="what somebody else says of her answer")
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said, of_hers, msgspec.structs.replace(said, user="bob")])
    async with connected(database_url) as connection:
        await decided(connection, 1, "edited", remember=True)
        await keep_case(connection, "hold_0001", act(), expected=None, why="")
        await connection.execute(
            "INSERT INTO hold_deliveries (release, webhook, next_at) SELECT place, 'w', 0 FROM hold_releases"
        )
        assert all(count > 0 for count in rows(database_url).values())
        async with connection.transaction():
            assert await erase(connection, tenant="acme", user="ada", at=NOW + 100) == 2
        left = rows(database_url)
        assert (left["holds"], left["hold_contents"], left["hold_events"]) == (2, 2, 2)
        assert sum(left.values()) == 6
        assert [each.user for each in await remarks.list_remarks(connection, scope=None)] == ["bob"]
    # What still lay in an outbox, or is shipped once more, is not let in again; what is new is.
    assert keep(database_url, mine) == 0
    assert keep(database_url, [hold(5, created_at=NOW + 101)]) == 1
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said, of_hers])
    async with connected(database_url) as connection:
        assert len(await remarks.list_remarks(connection, scope=None)) == 1
        async with connection.transaction():
            assert await erase(connection, tenant="acme", user=None, at=NOW + 200) == 2
    assert keep(database_url, [hold(3, user="bob")]) == 0
    assert rows(database_url)["holds"] == 1


async def test_a_very_long_name_is_kept_found_and_erased(database_url: str) -> None:
    long = "x\0" + "ä" * 50_000
    other = long + "!"
    keep(
        database_url,
        [hold(1, user=long, conversation=long), hold(2, user=other, key=long), hold(3, user=None, key=long)],
    )
    said = Remark(exchange=long, tenant="acme", key=long, user=long, rating=1, at=NOW)
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said])
        assert connection.execute("SELECT count(*) FROM remarks").fetchone() == (1,)
    async with connected(database_url) as connection:
        found = await released.look_up(connection, "hold_0001", asker(key="k", user=long))
        assert found is not None
        assert await released.look_up(connection, "hold_0001", asker(key="k", user=other)) is None
        assert await released.look_up(connection, "hold_0003", asker(key=long)) is not None
        with pytest.raises(OwnQuestion):
            await queue.claim(connection, "hold_0001", act(reviewer(long)), lease_s=600)
        async with connection.transaction():
            assert await erase(connection, tenant="acme", user=long, at=NOW + 9) == 1
        found_left = await (await connection.execute("SELECT count(*) FROM remarks")).fetchone()
        assert found_left == (0,)


async def test_what_was_ended_long_ago_goes_and_what_waits_stays(database_url: str) -> None:
    keep(database_url, [hold(number) for number in range(3)])
    async with connected(database_url) as connection:
        await decided(connection, 0)
        async with connection.transaction():
            await erase(connection, tenant="nobody", user=None, at=NOW)
    with psycopg.connect(database_url) as connection:
        day = 86_400.0
        assert purge(connection, now=NOW + 10 * day, keep_days=10, most=10) == 0
        assert purge(connection, now=NOW + 10 * day + 1, keep_days=10, most=10) == 1
        assert connection.execute("SELECT count(*) FROM hold_erasures").fetchone() == (1,)
        purge(connection, now=NOW + ERASURES_KEPT_S + 1, keep_days=10, most=10)
        assert connection.execute("SELECT count(*) FROM hold_erasures").fetchone() == (0,)
    assert rows(database_url)["holds"] == 2


def test_an_erasure_that_is_under_way_is_waited_for(database_url: str) -> None:
    eraser = psycopg.connect(database_url)
    eraser.execute("LOCK TABLE hold_erasures IN EXCLUSIVE MODE")
    eraser.execute("INSERT INTO hold_erasures (at, tenant) VALUES (%s, 'acme')", (NOW + 100,))
    found, done = list[int](), threading.Event()

    def ship() -> None:
        found.append(keep(database_url, [hold(1)]))
        done.set()

    worker = threading.Thread(target=ship)
    worker.start()
    assert not done.wait(0.2)
    eraser.commit()
    worker.join(10)
    eraser.close()
    assert found == [0]


async def test_a_later_remark_takes_the_place_of_an_earlier_one(database_url: str) -> None:
    said = Remark(exchange="ex_1", tenant="acme", key="app", user="ada", rating=2, comment="late \0 and wrong", at=NOW)
    later = msgspec.structs.replace(said, rating=5, comment=None, at=NOW + 1)
    other = Remark(exchange="ex_2", tenant="umbra", key="app", correction="It is 30.", at=NOW + 2)
    settled(database_url, "acme", "ex_1")
    settled(database_url, "umbra", "ex_2")
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said])
        remarks.insert_remarks(connection, [later, other])
        remarks.insert_remarks(connection, [said])
    async with connected(database_url) as connection:
        assert await remarks.list_remarks(connection, scope=None) == [other, later]
        assert await remarks.list_remarks(connection, scope="acme") == [later]
        assert await remarks.list_remarks(connection, scope=None, most_rating=4) == []
        assert await remarks.list_remarks(connection, scope=None, before=(NOW + 2, "ex_2")) == [later]
        assert await remarks.list_remarks(connection, scope=None, exchange="ex_2") == [other]


async def test_a_remark_on_an_exchange_of_others_is_shown_to_nobody_and_forgotten(database_url: str) -> None:
    settled(database_url, "umbra", "ex_1")
    said = Remark(exchange="ex_1", tenant="acme", key="app", rating=1, at=NOW)
    with psycopg.connect(database_url) as connection:
        remarks.insert_remarks(connection, [said, msgspec.structs.replace(said, exchange="ex_none")])
    async with connected(database_url) as connection:
        assert await remarks.list_remarks(connection, scope=None) == []
    settled(database_url, "acme", "ex_none")
    day = 86_400.0
    with psycopg.connect(database_url) as connection:
        for now, left in ((NOW + day, 2), (NOW + day + 1, 1)):
            purge(connection, now=now, keep_days=365, most=10)
            assert connection.execute("SELECT count(*) FROM remarks").fetchone() == (left,)
    async with connected(database_url) as connection:
        assert [each.exchange for each in await remarks.list_remarks(connection, scope=None)] == ["ex_none"]


async def erase_all(connection: psycopg.AsyncConnection) -> None:
    async with connection.transaction():
        await erase(connection, tenant="acme", user=None, at=NOW + 100)


async def claim(connection: psycopg.AsyncConnection) -> None:
    await queue.claim(connection, "hold_0001", act(reviewer("eva")), lease_s=600)


async def learn(connection: psycopg.AsyncConnection) -> None:
    await keep_case(connection, "hold_0000", act(reviewer("eva")), expected=None, why="again")


async def purge_old(connection: psycopg.AsyncConnection) -> None:
    with psycopg.connect(connection.info.dsn, autocommit=True) as own:
        purge(own, now=NOW, keep_days=1.0, most=10)


Change = Callable[[psycopg.AsyncConnection], Awaitable[None]]


@pytest.mark.parametrize(
    ("held", "changes"),
    [
        ("SELECT FROM holds WHERE id = 'hold_0001' FOR UPDATE", (claim, erase_all)),
        ("LOCK TABLE hold_events IN SHARE MODE", (learn, erase_all)),
        ("LOCK TABLE holds IN SHARE MODE", (erase_all, purge_old)),
    ],
)
async def test_an_erasure_and_another_change_do_not_lock_each_other(
    database_url: str, held: LiteralString, changes: tuple[Change, ...]
) -> None:
    keep(database_url, [hold(0), hold(1)])
    async with connected(database_url) as connection:
        await decided(connection, 0)
        await learn(connection)

    async def changed(change: Change) -> None:
        async with connected(database_url) as connection:
            await change(connection)

    def run(change: Change) -> None:
        asyncio.run(changed(change))

    failed = await asyncio.to_thread(cross, database_url, held, *(partial(run, each) for each in changes))
    assert failed == [None, None]
    assert rows(database_url)["holds"] == 0
