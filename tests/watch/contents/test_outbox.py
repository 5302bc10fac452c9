"""Contents on their way through an outbox: dropped where there is no room, brought once, and found from then on."""

import os
import signal
from multiprocessing import get_context
from multiprocessing.synchronize import Event as Told
from pathlib import Path

import msgspec
import psycopg
from tests.watch.contents.test_kept import OPENING, POLICY, Fixed, as_it_is, found, ids, opened, put, taken

from penstock.app.contents.plane import folded, opening_of
from penstock.console.contents.keeping import ContentKeeping
from penstock.core.clock import SystemClock
from penstock.guard.personal.vault.sealing import Sealer
from penstock.watch.contents.opening import Opening
from penstock.watch.contents.outbox import FOLDER, ContentOutbox, Maker, Row, decode_row
from penstock.watch.journal import JournalFile
from penstock.watch.segment import read_chunk, segments


def outbox(root: Path, *, most_waiting_bytes: int = 1 << 20, most_in_memory_bytes: int = 1 << 20) -> ContentOutbox:
    clock = SystemClock()
    return ContentOutbox(
        root / FOLDER,
        Maker(folded, lambda _: as_it_is, OPENING.sealed),
        lambda folder: JournalFile(folder, clock=clock, fsync="never"),
        lambda folder: sum(path.stat().st_size for path in segments(folder)),
        clock,
        most_waiting_bytes=most_waiting_bytes,
        most_in_memory_bytes=most_in_memory_bytes,
    )


def test_what_there_is_no_room_for_is_dropped_counted_and_said(tmp_path: Path) -> None:
    small = outbox(tmp_path / "memory", most_in_memory_bytes=5_000)
    for at in range(4):
        small.offer(taken(at, "word", at=SystemClock().now(), size_bytes=1_000))
    assert (small.waiting, small.dropped) == (1, 3)
    assert "dropped" in small.problems()[0]
    small.start()
    small.stop()
    assert (small.kept, small.dropped, small.problems()) == (1, 3, ())
    full = outbox(tmp_path / "disk", most_waiting_bytes=-1)
    (tmp_path / "disk" / FOLDER).mkdir(parents=True)
    full.offer(taken(1, "word"))
    full.start()
    full.stop()
    assert (full.kept, full.dropped) == (0, 1)
    assert "too many wait" in full.problems()[0]
    (tmp_path / "file").write_text("no folder")
    refused = outbox(tmp_path / "file")
    refused.offer(taken(1, "word"))
    refused.start()
    refused.stop()
    assert refused.dropped == 1
    assert "the disk does not take them" in refused.problems()[0]


def _keep_and_wait(root: Path, told: Told) -> None:
    """In a process of its own, which is killed."""
    dying = outbox(root)
    dying.start()
    now = SystemClock().now()
    for at in range(20):
        dying.offer(taken(at, f"number{at}", at=now))
    while dying.waiting or dying.kept < 20:
        pass
    told.set()
    signal.pause()


def test_a_killed_process_loses_nothing_that_it_wrote_and_a_killed_carrier_brings_nothing_twice(
    database_url: str, tmp_path: Path
) -> None:
    context = get_context("spawn")
    told = context.Event()
    process = context.Process(target=_keep_and_wait, args=(tmp_path, told))
    process.start()
    assert told.wait(60.0)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    path = segments(tmp_path / FOLDER)[0]
    lines = read_chunk(path, 0, is_final=True).lines
    assert len(lines) == 20
    assert b"number1" not in path.read_bytes()
    # A carrier that was killed before it noted how far it came has written some already; the next one brings all.
    put(database_url, *(decode_row(line.payload) for line in lines[:7]), now=SystemClock().now())
    keeping = ContentKeeping(tmp_path, SystemClock(), lambda: None, OPENING)
    with psycopg.connect(database_url, autocommit=True) as connection:
        keeping.tend(connection)
        keeping.tend(connection)
    assert len(ids(database_url)) == 20
    assert segments(tmp_path / FOLDER) == []


def waiting(root: Path, *rows: Row) -> None:
    """As a data plane leaves them."""
    file = JournalFile(root / FOLDER, clock=SystemClock(), fsync="never")
    for row in rows:
        file.append(row)
    file.close()


def sealed(number: int, said: str, opening: Opening = OPENING, *, search: bool = True) -> Row:
    policy = msgspec.structs.replace(POLICY, search=search)
    asked = taken(number, said, policy=policy)
    return Maker(folded, lambda _: as_it_is, opening.sealed).row(asked)


def test_what_is_brought_is_found_by_its_words_where_it_may_be(database_url: str, tmp_path: Path) -> None:
    rows = sealed(1, "a parcel"), sealed(2, "another parcel", search=False)
    assert [(row.search, row.marks) for row in rows] == [(True, None), (False, None)]
    waiting(tmp_path, *rows)
    with psycopg.connect(database_url, autocommit=True) as connection:
        ContentKeeping(tmp_path, Fixed(), lambda: None, OPENING).tend(connection)
    assert len(ids(database_url)) == 2
    assert found(database_url, "parcel") == [1]


def test_what_cannot_be_opened_here_is_kept_and_not_found_and_holds_up_no_other(
    database_url: str, tmp_path: Path
) -> None:
    elsewhere = opening_of(Sealer(b"e" * 32))
    rows = sealed(1, "a parcel", elsewhere), sealed(2, "a parcel")
    waiting(tmp_path, *rows)
    with psycopg.connect(database_url, autocommit=True) as connection:
        ContentKeeping(tmp_path, Fixed(), lambda: None, OPENING).tend(connection)
    assert set(ids(database_url)) == {row.id for row in rows}
    assert found(database_url, "parcel") == [2]
    assert "parcel" in str(list(opened(rows[0], elsewhere).texts()))
