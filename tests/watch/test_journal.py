import errno
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.core.clock import SystemClock
from penstock.core.errors import LedgerUnavailable
from penstock.core.record import Settled
from penstock.watch.journal import JournalFile
from penstock.watch.row import COLUMNS, decode_row
from penstock.watch.segment import head_of, is_unwritten, read_chunk, segments


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalFile]:
    journal = JournalFile(tmp_path, clock=SystemClock(), fsync="never")
    yield journal
    journal.close()


def read_all(directory: Path) -> list[Settled]:
    return [
        msgspec.json.decode(line.payload, type=Settled)
        for path in segments(directory)
        for line in read_chunk(path, 0, is_final=True).lines
    ]


def test_what_was_appended_is_in_the_file_when_append_returns(
    journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    for number in range(3):
        journal.append(make_record(number))
        assert read_all(tmp_path) == [make_record(n) for n in range(number + 1)]


def test_the_row_of_the_database_has_every_field_of_the_record() -> None:
    assert (*Settled.__struct_fields__, "marks") == COLUMNS


def test_a_segment_is_known_as_unwritten_once_its_writer_is_gone(
    journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    journal.append(make_record(0))
    (segment,) = segments(tmp_path)
    assert not is_unwritten(segment)
    journal.close()
    assert is_unwritten(segment)


@pytest.mark.parametrize("fsync", ["never", "interval"])
def test_a_full_segment_is_followed_by_a_new_one_and_given_up(
    tmp_path: Path, make_record: Callable[[int], Settled], fsync: str
) -> None:
    journal = JournalFile(
        tmp_path, clock=SystemClock(), fsync="never" if fsync == "never" else "interval", segment_bytes=2000
    )
    for number in range(20):
        journal.append(make_record(number))
    journal.close()
    paths = segments(tmp_path)
    assert len(paths) > 5
    assert all(path.stat().st_size < 3500 and is_unwritten(path) for path in paths)
    assert read_all(tmp_path) == [make_record(number) for number in range(20)]


def test_a_full_disk_is_an_error_and_leaves_no_half_line(
    journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    journal.append(make_record(0))
    (segment,) = segments(tmp_path)
    whole = segment.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel writes up to the limit and refuses the rest: a short write and then an error, as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 100, before[1]))
    try:
        with pytest.raises(LedgerUnavailable):
            journal.append(make_record(1))
        assert segment.stat().st_size == whole
        assert journal.health.is_degraded
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    journal.append(make_record(2))
    assert not journal.health.is_degraded
    assert read_all(tmp_path) == [make_record(0), make_record(2)]


def test_a_file_that_cannot_even_be_cut_is_left_for_a_new_one(
    journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    journal.append(make_record(0))
    descriptor = journal._fd  # pyright: ignore[reportPrivateUsage] # the one way to break a file under its writer
    assert descriptor is not None
    read_only = os.open("/dev/null", os.O_RDONLY)
    os.dup2(read_only, descriptor)  # now neither write nor truncate works on it
    os.close(read_only)
    with pytest.raises(LedgerUnavailable) as raised:
        journal.append(make_record(1))
    assert raised.value.__cause__ is not None
    assert getattr(raised.value.__cause__, "errno", None) == errno.EBADF
    journal.append(make_record(2))
    assert read_all(tmp_path) == [make_record(0), make_record(2)]


def test_half_a_surrogate_pair_does_not_cost_the_record(
    journal: JournalFile, tmp_path: Path, make_record: Callable[[int], Settled]
) -> None:
    journal.append(msgspec.structs.replace(make_record(0), model="gpt-\ud800"))
    (record,) = read_all(tmp_path)
    assert record == msgspec.structs.replace(make_record(0), model="gpt-?")


def test_a_nul_becomes_a_character_that_postgres_can_keep(make_record: Callable[[int], Settled]) -> None:
    record = msgspec.structs.replace(make_record(0), model="a\0b")
    assert decode_row(msgspec.json.encode(record)).model == "a\ufffdb"


@given(
    cut=st.integers(0, 400), payloads=st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")), max_size=5)
)
@settings(deadline=None, max_examples=60)
def test_a_file_cut_anywhere_gives_its_whole_lines_and_calls_the_rest_torn(
    tmp_path_factory: pytest.TempPathFactory, cut: int, payloads: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("cut") / "x.journal"
    lines = [head_of(payload) + payload + b"\n" for payload in payloads]
    path.write_bytes(b"".join(lines)[:cut])
    chunk = read_chunk(path, 0, is_final=True)
    whole, size = 0, 0
    for line in lines:
        # The line feed alone may be missing: all that was recorded is there.
        if size + len(line) - 1 > cut:
            break
        whole, size = whole + 1, size + len(line)
    assert [line.payload for line in chunk.lines] == payloads[:whole]
    assert chunk.rejected == ()
    assert chunk.next_offset == path.stat().st_size
    assert chunk.torn_bytes == max(0, path.stat().st_size - size)
    assert read_chunk(path, 0, is_final=False).torn_bytes == 0


@given(place=st.integers(0, 200), byte=st.integers(0, 255))
@settings(deadline=None, max_examples=100)
def test_a_changed_byte_spoils_no_line_but_its_own(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    payloads = [b'{"n":%d}' % number * 3 for number in range(10)]
    data = bytearray(b"".join(head_of(payload) + payload + b"\n" for payload in payloads))
    if data[place] == byte or byte == 0x0A:
        return
    was_line_feed = data[place] == 0x0A
    data[place] = byte
    path = tmp_path_factory.mktemp("changed") / "x.journal"
    path.write_bytes(data)
    chunk = read_chunk(path, 0, is_final=True)
    assert len(chunk.rejected) == 1
    assert len(chunk.lines) == len(payloads) - (2 if was_line_feed else 1)
    assert chunk.torn_bytes == 0


def test_a_line_longer_than_a_chunk_is_read_whole(tmp_path: Path) -> None:
    payload = b"x" * 2_000_000
    path = tmp_path / "x.journal"
    path.write_bytes(head_of(payload) + payload + b"\n")
    assert read_chunk(path, 0, is_final=False).lines[0].payload == payload
