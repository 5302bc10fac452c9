"""A hold on its way from the data plane's disk into the queue: safe before anybody is told, and there once."""

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.review.holds import NOW, hold

from penstock.core.errors import LedgerUnavailable
from penstock.review.hold import Hold, decode_hold, new_hold_id
from penstock.review.outbox import Outbox
from penstock.review.take import insert
from penstock.testing.clock import FakeClock
from penstock.watch.journal import JournalFile
from penstock.watch.outgoing import ship
from penstock.watch.segment import segments


def waiting_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in segments(folder))


def open_outbox(folder: Path, **more: Any) -> Outbox:
    clock = FakeClock(now_s=NOW)
    return Outbox(
        folder, lambda place: JournalFile(place, clock=clock, fsync="never", segment_bytes=2000), waiting_bytes, **more
    )


def shipped(folder: Path, url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        return ship(folder, partial(take, connection), decode_hold)


def take(connection: psycopg.Connection, holds: Any) -> None:
    insert(connection, holds)


def forget_offsets(folder: Path) -> None:
    """The shipper died before it noted how far it was."""
    for offset in folder.glob("*.offset"):
        offset.unlink()


def kept(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM holds ORDER BY id")]


async def test_what_is_written_is_in_the_queue_once_however_often_it_is_shipped(
    tmp_path: Path, database_url: str
) -> None:
    outbox = open_outbox(tmp_path)
    await asyncio.gather(*(outbox.write(hold(number)) for number in range(9)))
    assert shipped(tmp_path, database_url) == 9
    forget_offsets(tmp_path)
    shipped(tmp_path, database_url)
    outbox.close()
    outbox.close()
    assert kept(database_url) == [f"hold_{number:04}" for number in range(9)]


async def test_a_hold_is_on_the_disk_before_anybody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = open_outbox(tmp_path)
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    for number in range(3):
        synced.clear()
        await outbox.write(hold(number))
        [last] = segments(tmp_path)[-1:]
        assert synced == [last.name, tmp_path.name]
    outbox.close()


async def test_a_disk_that_fails_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = open_outbox(tmp_path)
    await outbox.write(hold(1))

    def fsync(fd: int) -> None:
        raise OSError(5, f"Input/output error on {fd}")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(LedgerUnavailable):
            await outbox.write(hold(2))
    await outbox.write(hold(3))
    outbox.close()
    blocked = open_outbox(tmp_path / "file")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(LedgerUnavailable):
        await blocked.write(hold(4))


async def test_too_much_that_waits_is_refused_until_it_is_brought_away(tmp_path: Path, database_url: str) -> None:
    outbox = open_outbox(tmp_path, most_waiting_bytes=100)
    await outbox.write(hold(1))
    with pytest.raises(LedgerUnavailable):
        await outbox.write(hold(2))
    outbox.close()
    shipped(tmp_path, database_url)
    again = open_outbox(tmp_path, most_waiting_bytes=100)
    await again.write(hold(2))
    again.close()


def test_an_id_sorts_by_its_time_and_is_not_told_twice() -> None:
    clock = FakeClock(now_s=NOW)
    first = new_hold_id(clock)
    clock.advance(1.0)
    second = new_hold_id(clock)
    assert first < second
    assert (len(first), first[:5]) == (37, "hold_")
    assert new_hold_id(clock) != second
    assert Hold.__struct_config__.frozen
