"""What the semantic cache knows, over a restart and between processes, through a real PostgreSQL."""

import asyncio
from functools import partial
from math import inf

import msgspec
import psycopg
import pytest
from psycopg import sql
from tests.cache.semantic.made import question as made
from tests.cache.semantic.processes import Process, process
from tests.cache.test_store import connected, drop, entry, until

from penstock.cache import store as answers
from penstock.cache.entry import Drop
from penstock.cache.semantic.kept import store
from penstock.cache.semantic.question import space_of
from penstock.config.cache.semantic import SemanticSettings

TABLES = ("cache_questions", "cache_labels")


def count(url: str, table: str = "cache_questions") -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


async def another(url: str, text: str) -> tuple[str, list[str], int]:
    """What a process that has just started says to a question, once it has what is kept: and its calls for it."""
    async with process(url, 99) as fresh:
        await fresh.ask("something else about topic")
        await fresh.until_loaded()
        before = fresh.calls
        status, reasons = await fresh.asked(text)
        return status, reasons, fresh.calls - before


def test_after_a_restart_the_same_question_is_answered_without_a_call(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
            assert (await ours.asked("Where is my parcel"))[0] == "similar"
        assert await another(database_url, "Where is my Parcel") == ("similar", ["absent"], 0)

    asyncio.run(main())


def test_until_a_partition_is_read_a_question_is_a_miss_that_waits_for_nothing(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
        async with process(database_url, 2) as theirs:
            with psycopg.connect(database_url) as blocking:
                blocking.execute("LOCK TABLE cache_questions IN ACCESS EXCLUSIVE MODE")
                assert await theirs.asked("Where is my parcel") == ("miss", ["absent", "partition_loading"])
                assert await theirs.asked("Where is my Parcel") == ("miss", ["absent", "partition_loading"])
                blocking.rollback()
            await theirs.until_loaded()
            assert await theirs.asked("Where IS my Parcel") == ("similar", ["absent"])

    asyncio.run(main())


def test_a_partition_of_which_nothing_is_kept_is_not_waited_for(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            assert await ours.asked("where is my parcel") == ("miss", ["absent", "nothing_near"])
            assert (await ours.asked("Where is my parcel"))[0] == "similar"
            assert ours.link.loader.waiting == 0

    asyncio.run(main())


def test_what_one_process_has_learned_another_answers(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours, process(database_url, 2) as theirs:
            await theirs.ask("how do i find my card")
            await ours.until_written()
            await ours.ask("how do i order a card")
            await ours.until_loaded()
            await ours.ask("where is my parcel")
            await until(lambda: len(theirs.cache) == 3)
            assert await theirs.asked("Where is my parcel") == ("similar", ["absent"])
            assert theirs.calls == 1

    asyncio.run(main())


def _label(one: Process, partition: bytes, numbers: range, settings: SemanticSettings) -> None:
    """Matches with whether they were right, as the stage notes them."""
    for number in numbers:
        asked = made("where is my parcel", topic=1, seed=number, apart=0.4)
        found = one.stage.submit(one.cache.find, partition, asked, settings).result()
        assert found.match.entry is not None
        one.link.note(partition, ("acme", "sim"), found.match, is_right=None)
        is_right = number % 7 != 0
        one.stage.submit(partial(one.cache.learn, partition, found, is_right=is_right)).result()
        one.link.note(partition, ("acme", "sim"), found.match, is_right=is_right)


def _labels_of(one: Process, partition: bytes) -> int:
    bound = one.cache._partitions[partition].bound  # type: ignore[attr-defined]
    return len(bound._labels)  # type: ignore[attr-defined]


def test_labels_of_all_processes_make_one_bound_whatever_comes_twice(database_url: str) -> None:
    settings = SemanticSettings(ceiling=0.2, start="proven")
    partition = b"p" * 32

    async def main() -> None:
        async with process(database_url, settings=settings) as ours, process(database_url, 2, settings=settings) as two:
            both = (ours, two)
            for one in both:
                parcel = made("where is my parcel", topic=1)
                one.stage.submit(one.cache.add, partition, "an entry", parcel, settings).result()
            _label(ours, partition, range(80), settings)
            _label(two, partition, range(40, 120), settings)
            assert all(one.cache.wrong_rate(partition) is None for one in both), "neither knows enough alone"
            for one in both:
                one.clock.advance(5.0)
            left, right = (one.cache._partitions[partition].bound for one in both)  # type: ignore[attr-defined]
            await until(lambda: left.least < inf and abs(left.least - right.least) < 1e-6)
            assert [_labels_of(one, partition) for one in both] == [160, 160]
            with psycopg.connect(database_url) as connection:  # as after a commit whose success was never heard of
                connection.execute(
                    "INSERT INTO cache_labels (at, origin, partition, space, tenant, model, is_checked, matches, data)"
                    " SELECT at, origin, partition, space, tenant, model, is_checked, matches, data FROM cache_labels"
                )
                connection.execute("SELECT pg_notify('penstock_similar', '')")
            async with process(database_url, 3, settings=settings) as fresh:
                fresh.cache.find(partition, made("where is my parcel", topic=1), settings)
                await fresh.until_loaded()
                assert _labels_of(fresh, partition) == 160
                bound = fresh.cache._partitions[partition].bound  # type: ignore[attr-defined]
                assert bound.least == pytest.approx(left.least)
            assert [_labels_of(one, partition) for one in both] == [160, 160]

    asyncio.run(main())


@pytest.mark.parametrize("wanted", [Drop(tenant="acme"), Drop(model="sim"), Drop()])
def test_what_was_dropped_is_gone_everywhere_and_stays_so_after_a_restart(database_url: str, wanted: Drop) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
            await ours.ask("Where is my parcel")
            ours.clock.advance(5.0)
            await ours.until_written()
            await until(lambda: count(database_url, "cache_labels") > 0)
            await drop(database_url, wanted)
            await until(lambda: len(ours.cache) == 0)
            assert [count(database_url, table) for table in TABLES] == [0, 0]
        assert [count(database_url, table) for table in TABLES] == [0, 0]
        assert (await another(database_url, "Where is my Parcel"))[0] == "miss"

    asyncio.run(main())


def test_a_rejected_answers_question_is_dropped_and_the_others_stay(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            bad = await ours.ask("where is my parcel")
            await ours.ask("how do i find my card")
            await ours.until_written()
            await until(lambda: count(database_url) == 2)
            with psycopg.connect(database_url) as connection:
                answers.drop_answers(connection, [bad.exchange.id])
            assert count(database_url) == 1
            await until(lambda: ours.scene.drops.now == 1)
            assert (await ours.asked("Where is my parcel"))[0] == "miss"
        assert (await another(database_url, "How do i find my card"))[0] == "similar"

    asyncio.run(main())


def test_a_question_that_was_offered_before_a_drop_is_not_written_after_it(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
            await ours.until_written()
            await until(lambda: count(database_url) == 1)
            with psycopg.connect(database_url) as connection:
                rows = connection.execute("SELECT * FROM cache_questions").fetchall()
                names = [each.name for each in connection.execute("SELECT * FROM cache_questions").description or ()]
            row = dict(zip(names, rows[0], strict=True))
            del row["place"]
            await drop(database_url, Drop(tenant="acme"))
            with psycopg.connect(database_url) as connection:
                kept = store.QuestionRow(**row)
                learned = store.LearnedRow(
                    at=1.0,
                    origin=1,
                    partition=kept.partition,
                    space=kept.space,
                    tenant="acme",
                    model="sim",
                    is_checked=False,
                    matches=1,
                    data=bytes(16),
                )
                store.write(connection, [(kept, 0)], [(learned, 0)])
                assert [count(database_url, table) for table in TABLES] == [0, 0]
                store.write(connection, [(kept, 1)], [(learned, 1)])
            assert [count(database_url, table) for table in TABLES] == [1, 1]

    asyncio.run(main())


def test_what_is_over_is_purged_with_its_answers(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
            await ours.ask("Where is my parcel")
            now = ours.clock.now()
        with psycopg.connect(database_url) as connection:
            answers.purge(connection, now=now + 80_000.0, most=100)
            assert [count(database_url, table) for table in TABLES] == [1, 1]
            connection.commit()
            answers.purge(connection, now=now + 90_000.0, most=100)
            connection.commit()
            assert [count(database_url, table) for table in TABLES] == [0, 1]
            answers.purge(connection, now=now + answers.LABELS_KEPT_S + 90_000.0, most=100)
            connection.commit()
        assert [count(database_url, table) for table in TABLES] == [0, 0]

    asyncio.run(main())


def test_what_another_encoder_wrote_is_ignored_and_removed_after_an_hour(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
            await ours.ask("Where is my parcel")
        async with process(database_url, 2, identity="another encoder") as theirs:
            await theirs.ask("something else about topic")
            await theirs.until_loaded()
            assert (await theirs.asked("Where is my Parcel"))[0] == "miss"
            assert len(theirs.cache) == 2
        now, space = theirs.clock.now(), space_of("another encoder")
        with psycopg.connect(database_url) as connection:
            assert store.purge_foreign(connection, space, now=now + 60.0, most=100) == 0
            assert store.purge_foreign(connection, space, now=now + 3_700.0, most=100) == 1
            connection.commit()
            assert connection.execute("SELECT DISTINCT space FROM cache_questions").fetchall() == [(space,)]

    asyncio.run(main())


def test_nothing_of_a_question_stands_readable_in_the_database(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("does Roberta Quillfeather owe me a parcel")
        with psycopg.connect(database_url) as connection:
            for table in TABLES:  # the answer, which lies beside them, is as readable as the ledger
                found = connection.execute(sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table)))
                for (row,) in found.fetchall():
                    assert "Quillfeather" not in row
                    assert b"Quillfeather".hex() not in row
        assert count(database_url) == 1

    asyncio.run(main())


def test_a_row_that_was_changed_or_moved_is_not_believed(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
        with psycopg.connect(database_url) as connection:
            connection.execute(
                "UPDATE cache_questions SET question = set_byte(question, 40, 255 - get_byte(question, 40))"
            )
        assert (await another(database_url, "Where is my Parcel"))[0] == "miss"

    asyncio.run(main())


def test_without_the_store_memory_goes_on_and_what_was_learned_is_written_later(database_url: str) -> None:
    async def main() -> None:
        is_there = False

        def connect() -> psycopg.Connection:
            return connected(database_url if is_there else "postgresql://nobody@127.0.0.1:1/none")()

        ours = Process(connect)
        ours.start()
        await until(lambda: not ours.shared.is_up)
        assert await ours.asked("where is my parcel") == ("miss", ["absent", "nothing_near"])
        assert await ours.asked("Where is my parcel") == ("similar", ["absent"])
        assert ours.link.waiting == 1
        ours.clock.advance(10.0)
        assert "kept in memory alone" in ours.shared.problems()[0]
        is_there = True
        await until(lambda: count(database_url) == 1)
        await ours.stop()
        assert (await another(database_url, "Where is my Parcel"))[0] == "similar"

    asyncio.run(main())


def test_what_waits_for_a_store_that_is_away_is_bounded() -> None:
    async def main() -> None:
        ours = Process(connected("postgresql://nobody@127.0.0.1:1/none"), waiting_bytes=20_000)
        ours.start()
        await until(lambda: not ours.shared.is_up)
        for number in range(40):
            await ours.ask(f"where is the parcel of customer number {number}")
        assert 5 < ours.link.waiting < 30
        assert ours.link.forgotten == 40 - ours.link.waiting
        assert len(ours.cache) == 40
        await ours.stop()

    asyncio.run(main())


def test_a_process_that_starts_without_the_store_does_not_wait_for_it_for_long(database_url: str) -> None:
    async def main() -> None:
        async with process(database_url) as ours:
            await ours.ask("where is my parcel")
        with psycopg.connect(database_url) as blocking:
            blocking.execute("LOCK TABLE cache_questions IN ACCESS EXCLUSIVE MODE")
            theirs = Process(connected(database_url), origin=2)
            theirs.start()
            assert (await theirs.asked("Where is my parcel"))[1] == ["absent", "partition_loading"]
            theirs.clock.advance(11.0)
            assert await theirs.asked("Where is my Parcel") == ("similar", ["absent"]), "from what it has itself"
            blocking.rollback()
        await theirs.stop()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("most_bytes", "most_entries", "fewest", "most"), [(1 << 24, 100, 100, 100), (60_000, 300, 20, 60)]
)
def test_memory_keeps_its_bounds_while_a_partition_is_read_and_has_the_latest(
    database_url: str, most_bytes: int, most_entries: int, fewest: int, most: int
) -> None:
    partition = b"p" * 32
    settings = SemanticSettings(start="shipped", check_share=0.0001, max_entries=most_entries)

    async def main() -> None:
        async with process(database_url) as ours:
            for number in range(300):
                _add(ours, partition, number)
        async with process(database_url, 2, settings=settings, most_bytes=most_bytes) as theirs:
            last = made("where is parcel 299", topic=299)
            assert theirs.cache.find(partition, last, settings).match.reason == "partition_loading"
            await theirs.until_loaded()
            assert fewest <= len(theirs.cache) <= most
            assert theirs.cache.size_bytes <= most_bytes
            assert theirs.cache.find(partition, last, settings).match.reason == "same"
            first = theirs.cache.find(partition, made("where is parcel 0", topic=0), settings)
            assert first.match.reason == "nothing_near"

    asyncio.run(main())


def _add(one: Process, partition: bytes, number: int) -> None:
    now = one.clock.now()
    each = msgspec.structs.replace(entry(number), created_at=now, expires_at=now + 3_600.0)
    asked = made(f"where is parcel {number}", topic=number)
    packed = one.stage.submit(one.cache.add, partition, each.key.hex() + each.id, asked, SemanticSettings()).result()
    assert packed is not None
    one.link.offer(each, partition, packed)


def test_two_processes_that_write_at_once_miss_nothing_of_each_other(database_url: str) -> None:
    partition = b"p" * 32

    async def main() -> None:
        async with process(database_url, 1) as ours, process(database_url, 2) as theirs:
            for number in range(200):
                _add((ours, theirs)[number % 2], partition, number)
            await until(lambda: len(ours.cache) == len(theirs.cache) == 200)

    asyncio.run(main())
