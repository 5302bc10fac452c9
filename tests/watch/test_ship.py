import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from penstock.core.clock import SystemClock
from penstock.core.record import Settled
from penstock.storage.embedded import EmbeddedPostgres
from penstock.storage.migrate import migrate
from penstock.watch.backlog import Backlog, BacklogGauge, measure
from penstock.watch.folder import turn
from penstock.watch.journal import JournalFile
from penstock.watch.row import arrive
from penstock.watch.segment import head_of, offset_path, read_chunk, segments, write_offset
from penstock.watch.ship import AlreadyShipping, Shipper
from penstock.watch.store import LedgerFilter, LedgerWriter, reading

CLOCK = SystemClock()

WRITER = """
import os, sys
from pathlib import Path
import msgspec
from penstock.core.clock import SystemClock
from penstock.core.record import Settled
from penstock.watch.journal import JournalFile
record = msgspec.json.decode(sys.stdin.buffer.read(), type=Settled)
journal = JournalFile(Path(sys.argv[1]), clock=SystemClock(), segment_bytes=40_000)
number = 0
while True:
    id = f"{sys.argv[2]}_{number}"
    journal.append(msgspec.structs.replace(record, id=id))
    os.write(1, f"{id}\\n".encode())
    number += 1
"""

SHIPPER = """
import sys, threading
from pathlib import Path
from penstock.core.clock import SystemClock
from penstock.watch.ship import Shipper
Shipper(Path(sys.argv[1]), sys.argv[2], clock=SystemClock()).run(threading.Event())
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalFile]:
    journal = JournalFile(tmp_path, clock=CLOCK, fsync="never", segment_bytes=20_000)
    yield journal
    journal.close()


def shipped_ids(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM ledger ORDER BY id").fetchall()]


def rejected_lines(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((directory / "rejected").iterdir())]


def test_a_shipped_record_comes_out_as_it_went_in(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    odd = msgspec.structs.replace(
        make_record(1),
        first_event_s=None,
        user='tab\t line\n back\\slash "quote" ünï \x07',
        target=None,
        outcome="upstream_failed",
        outcome_code="upstream_timeout",
        cost_nanousd=None,
        cost_accuracy="unknown",
        is_streamed=False,
    )
    journal.append(make_record(0))
    journal.append(odd)
    assert Shipper(tmp_path, database_url, clock=CLOCK).drain_once() == 2
    with reading(database_url) as reader:
        rows = [msgspec.json.decode(msgspec.json.encode(row), type=Settled) for row in reader.rows(LedgerFilter())]
    assert rows == [make_record(0), odd]


def test_a_live_segment_stays_and_a_dead_one_goes(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    for number in range(50):
        journal.append(make_record(number))
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    assert len(segments(tmp_path)) > 2
    assert shipper.drain_once() == 50
    (live,) = segments(tmp_path)
    journal.append(make_record(50))
    assert shipper.drain_once() == 1
    journal.close()
    assert shipper.drain_once() == 0
    assert segments(tmp_path) == []
    assert not offset_path(live).exists()
    assert len(shipped_ids(database_url)) == 51


def test_a_batch_that_was_committed_but_not_noted_is_there_once(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    records = [make_record(number) for number in range(10)]
    for record in records:
        journal.append(record)
    writer = LedgerWriter(database_url)
    writer.insert([arrive(msgspec.json.encode(record)) for record in records[:7]])  # and then the shipper died
    writer.close()
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    shipper.drain_once()
    assert shipped_ids(database_url) == [record.id for record in records]
    assert shipper.status.rejected_records == 0


def test_an_offset_is_noted_only_for_what_the_database_has(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    """The mutation check of the order: note the offset before the commit, and this loses a record."""
    journal.append(make_record(0))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ledger RENAME TO elsewhere")
        shipper = Shipper(tmp_path, database_url, clock=CLOCK)
        with pytest.raises(psycopg.Error):
            shipper.drain_once()
        connection.execute("ALTER TABLE elsewhere RENAME TO ledger")
    shipper.drain_once()
    assert shipped_ids(database_url) == [make_record(0).id]


def test_a_spoilt_line_is_put_aside_and_holds_nothing_up(
    database_url: str, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    payloads = [msgspec.json.encode(make_record(number)) for number in range(3)]
    lines = [head_of(payload) + payload + b"\n" for payload in payloads]
    spoilt = lines[1].replace(b"gpt-4o", b"gpt-4x")
    (tmp_path / "1.journal").write_bytes(lines[0] + spoilt + lines[2])
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    shipper.drain_once()
    assert shipped_ids(database_url) == [make_record(0).id, make_record(2).id]
    assert rejected_lines(tmp_path) == [spoilt.rstrip(b"\n")]
    assert (shipper.status.shipped_records, shipper.status.rejected_records) == (2, 1)
    assert shipper.status.backlog.rejected_files == 1
    assert segments(tmp_path) == []


def test_a_row_that_the_database_refuses_is_put_aside_alone(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    absurd = msgspec.structs.replace(make_record(33), input_tokens=1 << 63)
    lying = msgspec.structs.replace(make_record(34), cost_nanousd=None)
    for number in range(30):
        journal.append(make_record(number))
    journal.append(absurd)
    journal.append(lying)
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    assert shipper.drain_once() == 30
    assert len(shipped_ids(database_url)) == 30
    assert sorted(rejected_lines(tmp_path)) == sorted([msgspec.json.encode(absurd), msgspec.json.encode(lying)])


def test_a_schema_that_has_changed_since_is_not_the_rows_fault(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    """A newer Penstock has migrated while this one ships: what it cannot insert waits, and is not put aside."""
    journal.append(make_record(0))
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ledger ADD COLUMN newer integer NOT NULL")
        connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
        with pytest.raises(psycopg.DatabaseError, match="9999_from_the_future"):
            shipper.drain_once()
        assert not (tmp_path / "rejected").exists()
        connection.execute("ALTER TABLE ledger DROP COLUMN newer")
    assert shipper.drain_once() == 1


def test_a_torn_last_line_is_counted_and_passed_over(
    database_url: str, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    payload = msgspec.json.encode(make_record(0))
    line = head_of(payload) + payload + b"\n"
    (tmp_path / "1.journal").write_bytes(line + line[:-30])
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    assert shipper.drain_once() == 1
    assert (shipper.status.torn_records, shipper.status.rejected_records) == (1, 0)
    assert segments(tmp_path) == []


def test_only_one_shipper_works_on_a_directory(database_url: str, tmp_path: Path) -> None:
    first = Shipper(tmp_path, database_url, clock=CLOCK)
    with turn(tmp_path), pytest.raises(AlreadyShipping):
        first.drain_once()
    assert first.drain_once() == 0


def test_the_backlog_tells_what_waits(
    database_url: str, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    now = CLOCK.now()
    for number in range(40):
        journal.append(msgspec.structs.replace(make_record(number), started_at=now - 10, duration_s=1.0))
    backlog = measure(tmp_path, CLOCK)
    assert backlog.records == 40
    assert backlog.bytes == sum(path.stat().st_size for path in segments(tmp_path))
    assert 8.9 < backlog.oldest_unshipped_s < 60
    Shipper(tmp_path, database_url, clock=CLOCK).drain_once()
    assert measure(tmp_path, CLOCK).records == 0
    assert measure(tmp_path, CLOCK).oldest_unshipped_s == 0


def test_a_gauge_that_looks_again_says_what_a_fresh_one_says(
    database_url: str, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    """What it remembers of segments must follow writing, rotation, the writer's end, shipping and deletion."""
    gauge, now = BacklogGauge(tmp_path, CLOCK), CLOCK.now()
    assert gauge.look() == Backlog(0, 0, 0.0, 0)
    journal = JournalFile(tmp_path, clock=CLOCK, fsync="never", segment_bytes=4000)

    def write(first: int, last: int) -> None:
        for number in range(first, last):
            journal.append(msgspec.structs.replace(make_record(number), started_at=now - 1000 + number, duration_s=0.0))

    def oldest() -> float:
        seen, fresh = gauge.look(), measure(tmp_path, CLOCK)
        assert (seen.records, seen.bytes) == (fresh.records, fresh.bytes)
        assert seen.oldest_unshipped_s == pytest.approx(fresh.oldest_unshipped_s, abs=5)
        return seen.oldest_unshipped_s

    assert oldest() == 0
    for last in range(1, 40):
        write(last - 1, last)
        oldest()
        assert gauge.look().records == last
    assert oldest() > 999
    shipper = Shipper(tmp_path, database_url, clock=CLOCK)
    first = segments(tmp_path)[0]
    write_offset(first, read_chunk(first, 0, is_final=True).lines[1].offset)
    assert gauge.look().records == 38
    assert 998 < oldest() < 1000
    shipper.drain_once()
    assert (gauge.look().records, oldest()) == (0, 0)
    write(40, 50)
    assert gauge.look().records == 10
    journal.close()
    assert gauge.look().records == 10
    shipper.drain_once()
    assert (gauge.look().records, oldest()) == (0, 0)


def test_a_long_segment_is_estimated_from_its_beginning(tmp_path: Path, make_record: Callable[[int], Settled]) -> None:
    journal = JournalFile(tmp_path, clock=CLOCK, fsync="never")
    for number in range(1000):
        journal.append(make_record(number))
    gauge = BacklogGauge(tmp_path, CLOCK)
    assert 980 < gauge.look().records < 1020
    for number in range(1000, 2000):
        journal.append(make_record(number))
    assert 1960 < gauge.look().records < 2040
    journal.close()


def test_a_look_at_what_was_seen_before_opens_nothing(tmp_path: Path, make_record: Callable[[int], Settled]) -> None:
    """A second's look at a backlog of an hour must cost the requests nothing: it is the file names and no file."""
    journal = JournalFile(tmp_path, clock=CLOCK, fsync="never", segment_bytes=1)
    for number in range(50):
        journal.append(make_record(number))
    journal.close()
    gauge = BacklogGauge(tmp_path, CLOCK)
    before = gauge.look()
    for path in segments(tmp_path):
        path.write_bytes(b"")  # whoever opens it again sees nothing waiting
    assert gauge.look().records == before.records == 50


@pytest.mark.slow
def test_postgres_away_for_a_while_loses_nothing(
    short_dir: Path, journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    server = EmbeddedPostgres(short_dir)
    url = server.start()
    migrate(url)
    shipper, stop, pause = Shipper(tmp_path, url, clock=CLOCK), threading.Event(), threading.Event()
    thread = threading.Thread(target=shipper.run, args=(stop,))
    thread.start()
    for number in range(100):
        journal.append(make_record(number))
    for _ in range(500):
        if shipper.status.shipped_records == 100:
            break
        pause.wait(0.02)
    os.kill(server.pid or 0, signal.SIGKILL)
    for number in range(100, 200):
        journal.append(make_record(number))
    for _ in range(500):
        if shipper.status.last_error is not None:
            break
        pause.wait(0.02)
    status = shipper.status
    assert status.last_error is not None
    assert (status.shipped_records, status.backlog.records) == (100, 100)
    server.start()
    for number in range(200, 210):
        journal.append(make_record(number))
    stop.set()
    thread.join()
    shipper.drain_once()
    assert shipped_ids(url) == [make_record(number).id for number in range(210)]
    server.stop()


@pytest.mark.slow
def test_killed_writers_and_killed_shippers_lose_and_double_nothing(
    database_url: str, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    """Every record whose `append` returned is in the ledger exactly once, wherever the kills fall."""
    chance, pause = random.Random(7), threading.Event()  # noqa: S311 - moments, not secrets
    record = msgspec.json.encode(make_record(0))
    acknowledged: list[str] = []
    for attempt in range(3):
        shipper = subprocess.Popen([sys.executable, "-c", SHIPPER, tmp_path, database_url])
        writers = [start_writer(tmp_path, f"w{attempt}_{index}", record) for index in range(2)]
        collected: list[list[bytes]] = [[] for _ in writers]
        readers = [
            threading.Thread(target=read_lines, args=(writer, lines))
            for writer, lines in zip(writers, collected, strict=True)
        ]
        for reader in readers:
            reader.start()
        for process in chance.sample([shipper, *writers], 3):
            for _ in range(300):
                if all(len(lines) > 50 for lines in collected):
                    break
                pause.wait(0.01)
            pause.wait(chance.random() * 0.15)
            process.kill()
            process.wait()
        for reader in readers:
            reader.join()
        # What the reader saw without its line feed was cut in the pipe, but appended all the same.
        acknowledged += [line.decode().strip() for lines in collected for line in lines if line.endswith(b"\n")]
    assert len(acknowledged) > 300
    Shipper(tmp_path, database_url, clock=CLOCK).drain_once()
    ids = shipped_ids(database_url)
    assert len(ids) == len(set(ids))
    assert set(acknowledged) <= set(ids)
    assert len(ids) - len(acknowledged) <= 6  # at most the one of each writer whose acknowledgement was cut off
    assert segments(tmp_path) == []
    assert not (tmp_path / "rejected").exists()


def start_writer(directory: Path, name: str, record: bytes) -> "subprocess.Popen[bytes]":
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, directory, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdin is not None
    writer.stdin.write(record)
    writer.stdin.close()
    return writer


def read_lines(writer: "subprocess.Popen[bytes]", lines: list[bytes]) -> None:
    assert writer.stdout is not None
    with writer.stdout as stdout:
        while line := stdout.readline():
            lines.append(line)
